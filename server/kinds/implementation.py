"""Loads a module's ``evaluate`` by its folder, and checks its signature against the description."""

import hashlib
import inspect
import sys
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from functools import cache
from importlib import import_module
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, TypeAlias, get_args, get_type_hints

import modules
from ontology.concepts import ValueType
from ontology.evaluation import Evaluation
from ontology.slots import Select, Slot
from ontology.values import Absent, Bound, Coding, Date, Series
from server.catalog.descriptions import Description
from server.errors import KindError

EvaluateFunction: TypeAlias = Callable[..., Evaluation]

_PACKAGE = Path(modules.__file__).resolve().parent if modules.__file__ else None
_ARGUMENT_TYPES: dict[ValueType, type] = {
    ValueType.QUANTITY: Decimal,
    ValueType.CODING: Coding,
    ValueType.FLAG: bool,
    ValueType.DATE: Date,
}


class _SourceLoader(SourceFileLoader):
    """Compiles what the file says now: bytecode of the same size and second could be that of an older text."""

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self.get_data(self.path), self.path)


@cache
def load_implementation(folder: Path, code_digest: str = "") -> EvaluateFunction:
    """The ``evaluate`` of ``<folder>/evaluate.py``; loaded once for each state of the code.

    KindError where there is no such file, or no such function in it.
    """
    path = folder.resolve() / "evaluate.py"
    if not path.is_file():
        raise KindError(f"{folder.name}/evaluate.py: not found")
    # The folders that we ship have real names, so that tests and the server meet the same objects.
    shipped = path.parent.parent == _PACKAGE
    module = import_module(f"modules.{folder.name}.evaluate") if shipped else _load_module(path, code_digest)
    found: object = getattr(module, "evaluate", None)
    if not inspect.isfunction(found):
        raise KindError(f"{folder.name}/evaluate.py: no function evaluate in it")
    evaluate: EvaluateFunction = found
    return evaluate


def _load_module(path: Path, code_digest: str) -> ModuleType:
    """A folder from elsewhere, as a package of its own, so that it can import its neighbours relatively."""
    key = hashlib.blake2b(f"{path}\0{code_digest}".encode(), digest_size=8).hexdigest()
    package = ModuleType(f"_medtwin_module_{key}")
    package.__path__ = [str(path.parent)]
    name = f"{package.__name__}.evaluate"
    spec = spec_from_file_location(name, path, loader=_SourceLoader(name, str(path)))
    if spec is None or spec.loader is None:
        raise KindError(f"{path.parent.name}/evaluate.py: cannot be loaded")
    module = module_from_spec(spec)
    # Dataclasses look their own module up while they are made.
    sys.modules |= {package.__name__: package, name: module}
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def implementation_faults(description: Description) -> list[str]:
    """Mismatches between ``evaluate`` and the description: names, defaults, annotations.

    Parameters are the slots but those for applicability only, the description's parameters, and ``at`` if it reads
    the evaluation time.  A default is a fault too: it would stand in for a missing value silently.
    """
    try:
        evaluate = load_implementation(description.folder, description.code_digest)
        hints = get_type_hints(evaluate)
    except (KindError, ImportError, SyntaxError, NameError) as error:
        return [str(error)]
    needed = needed_types(description)
    parameters = inspect.signature(evaluate).parameters
    faults = [f"evaluate has no parameter {name}" for name in needed if name not in parameters]
    for name, parameter in parameters.items():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            faults.append(f"parameter {name} of evaluate cannot be given by name")
        elif name not in needed:
            faults.append(f"parameter {name} of evaluate is neither a slot nor a parameter of the description")
        elif parameter.default is not parameter.empty:
            faults.append(f"parameter {name} of evaluate has a default")
        elif not needed[name] <= _annotated_types(hints.get(name)):
            wanted = " | ".join(sorted(t.__name__ for t in needed[name]))
            faults.append(f"parameter {name} of evaluate is not annotated {wanted}")
    if hints.get("return") is not Evaluation:
        faults.append("evaluate is not annotated to return Evaluation")
    return faults


def needed_types(description: Description) -> dict[str, frozenset[type]]:
    """Which types each argument of ``evaluate`` may have, by its name."""
    needed = {slot.name: _slot_types(slot) for slot in description.slots if not slot.applicability_only}
    needed |= {name: frozenset({Decimal}) for name in description.parameters}
    if description.evaluation_time is not None:
        needed["at"] = frozenset({datetime})
    return needed


def _slot_types(slot: Slot) -> frozenset[type]:
    types: set[type] = {_ARGUMENT_TYPES[slot.concept.value_type]}
    if slot.select is Select.SERIES:
        types = {Series}
    elif slot.select is Select.ANY:
        types = {bool}
    if slot.accepts_bound:
        types.add(Bound)
    if not slot.required or slot.comparison:
        types.add(Absent)
    return frozenset(types)


def _annotated_types(hint: Any) -> frozenset[Any]:
    return frozenset(get_args(hint) or (hint,))
