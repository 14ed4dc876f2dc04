"""What keeps a catalog from answering: found before the first question, at a start and by ``check``.

Its descriptions are valid by themselves (``server.catalog``).  Here each is held against its code, and all of them
against each other: every slot that is named exists, and every module can be compiled.  Worked cases go through the
same execution boundary as questions; ``check`` alone runs them.
"""

import traceback
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from ontology.evaluation import Evaluation, SlotInput
from server import kinds
from server.catalog.catalog import BASE, Catalog
from server.catalog.descriptions import Description
from server.compiler.compilation import compile_plan, plan_faults
from server.errors import CompileError, KindError
from server.executor.plan_run import evaluate_safely
from server.kinds.description_checks import location

_MAX_ERROR_TEXT = 200


def catalog_faults(catalog: Catalog) -> list[str]:
    """A line for each fault: where it is known file, line and place, the module's id, and what is wrong."""
    faults = [fault for faults in faults_by_module(catalog).values() for fault in faults]
    return [*faults, *service_faults(catalog, faults)]


def service_faults(catalog: Catalog, known: Sequence[str] = ()) -> list[str]:
    """A line for each service of CDS Hooks whose concepts cannot be answered together: its file, its id, and why.

    A service whose reason is one of the faults that are ``known`` of modules is left out: mended there, it is mended.
    """
    found = []
    for service in catalog.services.values():
        try:
            compile_plan(catalog, service.concepts)
        except CompileError as error:
            if not any(str(error) in fault for fault in known):
                folder = service.iri.removeprefix(BASE).partition("#")[0]
                found.append(f"{folder}/service.ttl: service {service.id}: {error}")
    return found


def faults_by_module(catalog: Catalog) -> dict[str, list[str]]:
    """The same by the id of the module; those without faults are left out."""
    found = {module.id: list(kinds.check_signature(module)) for module in catalog.modules.values()}
    for fault in plan_faults(catalog):
        module = fault.module
        begin = f"{module.id}: " if fault.slot is None else location(module, "slot", None, fault.slot)
        found[module.id].append(f"{begin}{fault.text.removeprefix(f'{module.id}: ')}")
    return {module: faults for module, faults in found.items() if faults}


def evaluate_case(description: Description, inputs: Mapping[str, SlotInput], at: datetime | None) -> Evaluation:
    """Evaluate a worked case behind the execution boundary.

    KindError where the module raises, with the exception and its place: a case holds nothing of a patient.
    """
    raised: list[Exception] = []
    evaluation = evaluate_safely(description, inputs, at, lambda _, error: raised.append(error))
    if not raised:
        return evaluation
    (error,) = raised
    raise KindError(f"the module raised {_describe(error)}{_raised_at(error, description.folder)}")


def _describe(error: Exception) -> str:
    """The type of an exception and the head of its text, on one line; the text of a module's own may fail itself."""
    text = "".join(traceback.format_exception_only(error)).removeprefix(f"{type(error).__module__}.")
    return " ".join(text.split())[:_MAX_ERROR_TEXT]


def _raised_at(error: Exception, folder: Path) -> str:
    """The last line of the module's own code that the exception passed."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if Path(frame.filename).parent == folder.resolve():
            return f" ({Path(frame.filename).name}, line {frame.lineno})"
    return ""
