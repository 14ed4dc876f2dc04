"""Whether a step was made by what is here: the module, its version, its description, its code and what is around."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import tzinfo

from ontology.errors import EncodingError
from ontology.inputs import Consumed
from server.catalog.descriptions import Description
from server.catalog.descriptions import Kind as ModuleKind
from server.executor.environment import Environment
from server.executor.fingerprint import FORMAT, PUBLIC, fingerprint
from server.explain.replay.found import Finding, Kind
from server.explain.replay.said import SaidStep


@dataclass(frozen=True, slots=True)
class _Named(Environment):
    """Surroundings of which only the digest is known."""

    named: str = ""

    def digest(self, kind: ModuleKind) -> str:
        return self.named


def other_maker(step: SaidStep, description: Description | None, environment: Environment) -> Iterator[Finding]:
    """What is another here than what made the step."""
    if description is None:
        yield Finding(Kind.MODULE, f"there is no module {step.module} here; {step.title} {step.version} made it")
        return
    if step.version != description.version:
        yield Finding(Kind.VERSION, f"made by version {step.version}; here it is {description.version}")
    elif step.description != description.digest:
        yield Finding(Kind.DESCRIPTION, f"version {step.version} is described otherwise here, under the same number")
    if step.code != description.code_digest:
        yield Finding(Kind.CODE, "made by other code than the module has here")
    if step.environment != environment.digest(description.kind):
        text = "made with another interpreter of modules, another ontology, or other libraries than are here"
        yield Finding(Kind.ENVIRONMENT, text)


def other_digest(step: SaidStep, description: Description, zone: tzinfo, key: bytes | None) -> Iterator[Finding]:
    """Whether the step's digest, and its fingerprint under the ``key`` of this installation, fit what the step says.

    Both are made from what the step says: its inputs, its time, its module and the digests that go with it.
    """
    there = replace(description, digest=step.description, code_digest=step.code)
    around = _Named({}, "", "", named=step.environment)
    inputs = {name: given.consumed for name, given in step.inputs.items()}
    if _made(there, inputs, step, around, PUBLIC, zone) != step.content_digest:
        text = "the digest does not fit what the step says: its inputs, its time or its module were changed"
        if (description.version, description.digest) != (step.version, step.description):
            text += ", or the module was described otherwise"
        yield Finding(Kind.FINGERPRINT, text)
    elif key is not None and _made(there, inputs, step, around, key, zone) != step.fingerprint:
        yield Finding(Kind.KEY, "the fingerprint is not under the key of this installation, or was changed")


def other_form(form: int) -> Iterator[Finding]:
    """Whether the fingerprints are of a form that this version does not make."""
    if form != FORMAT:
        text = f"fingerprints are of form {form} in the file and of form {FORMAT} here: they were not compared"
        yield Finding(Kind.FORMAT, text)


def _made(
    there: Description, inputs: dict[str, Consumed], step: SaidStep, around: Environment, key: bytes, zone: tzinfo
) -> str | None:
    try:
        return fingerprint(there, inputs, step.as_of, around, key, zone)
    except (EncodingError, ValueError, OverflowError):
        return None
