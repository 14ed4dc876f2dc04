"""Checks one step: its module, version, code and environment, its fingerprint, and what each input contributed."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import tzinfo
from decimal import Decimal

from ontology.errors import EncodingError
from ontology.evaluation import Evaluation, SlotInput
from server.catalog.descriptions import Description
from server.catalog.descriptions import Kind as ModuleKind
from server.executor.fingerprint import FORMAT, PUBLIC, Environment, fingerprint
from server.explain.prov.exported import ExportedStep
from server.explain.results import Contributions
from server.explain.steps import contributions_of
from server.verify.findings import Finding, FindingKind


@dataclass(frozen=True, slots=True)
class _KnownEnvironment(Environment):
    """An environment of which only the digest is known."""

    known_digest: str = ""

    def digest(self, kind: ModuleKind) -> str:
        return self.known_digest


def check_module(step: ExportedStep, description: Description | None, environment: Environment) -> Iterator[Finding]:
    """How the module and the environment here differ from those that made the step."""
    if description is None:
        yield Finding(FindingKind.MODULE, f"there is no module {step.module} here; {step.title} {step.version} made it")
        return
    if step.version != description.version:
        yield Finding(FindingKind.VERSION, f"made by version {step.version}; here it is {description.version}")
    elif step.description != description.digest:
        yield Finding(
            FindingKind.DESCRIPTION, f"version {step.version} has another description here, under the same number"
        )
    if step.code != description.code_digest:
        yield Finding(FindingKind.CODE, "made by other code than the module has here")
    if step.environment != environment.digest(description.kind):
        text = "made with another interpreter of modules, another ontology, or other libraries than are here"
        yield Finding(FindingKind.ENVIRONMENT, text)


def check_fingerprint(
    step: ExportedStep, description: Description, zone: tzinfo, key: bytes | None
) -> Iterator[Finding]:
    """Whether the step's digest, and its fingerprint under the ``key`` of this installation, match the step.

    Both are computed from its inputs, its time, its module, and the digests of description, code and environment.
    """
    there = replace(description, digest=step.description, code_digest=step.code)
    around = _KnownEnvironment({}, "", "", known_digest=step.environment)
    inputs = {name: given.consumed for name, given in step.inputs.items()}
    if _compute_fingerprint(there, inputs, step, around, PUBLIC, zone) != step.content_digest:
        text = "the digest does not match the step: its inputs, its time or its module were changed"
        if (description.version, description.digest) != (step.version, step.description):
            text += ", or the module had another description"
        yield Finding(FindingKind.FINGERPRINT, text)
    elif key is not None and _compute_fingerprint(there, inputs, step, around, key, zone) != step.fingerprint:
        yield Finding(FindingKind.KEY, "the fingerprint is not under the key of this installation, or was changed")


def check_fingerprint_format(fingerprint_format: int) -> Iterator[Finding]:
    """Whether the fingerprints have another format than those of this version."""
    if fingerprint_format != FORMAT:
        text = (
            f"fingerprints have format {fingerprint_format} in the file and format {FORMAT} here:"
            " they were not compared"
        )
        yield Finding(FindingKind.FORMAT, text)


def _compute_fingerprint(
    description: Description,
    inputs: dict[str, SlotInput],
    step: ExportedStep,
    environment: Environment,
    key: bytes,
    zone: tzinfo,
) -> str | None:
    try:
        return fingerprint(description, inputs, step.as_of, environment, key, zone)
    except (EncodingError, ValueError, OverflowError):
        return None


TOLERANCE = Decimal("1e-6")
"""SHAP values are floating-point numbers: those that lie nearer than this are the same."""


def check_contributions(
    exported: Contributions | None, evaluation: Evaluation, inputs: dict[str, SlotInput]
) -> Iterator[Finding]:
    """How the contributions differ from those of the step here, or do not add up."""
    here = contributions_of(evaluation, inputs)
    if exported is None:
        if here is not None:
            yield _contributions_finding("the file has no contributions, and the step has some here")
        return
    total = exported.base + exported.residual + sum((item.amount for item in exported.items), Decimal(0))
    if abs(total - exported.output) > TOLERANCE:
        yield _contributions_finding(
            f"base and contributions add up to {total:f}, and the output is {exported.output:f}"
        )
    if here is None:
        yield _contributions_finding("the file has contributions, and the step has none here")
        return
    if exported.scale != here.scale:
        yield _contributions_finding(f"the scale is {exported.scale} in the file, {here.scale} here")
    ends = ("base", exported.base, here.base), ("output", exported.output, here.output)
    for word, there, number in (*ends, ("residual", exported.residual, here.residual)):
        if abs(there - number) > TOLERANCE:
            yield _contributions_finding(f"the {word} is {there:f} in the file, {number:f} here")
    found = sorted(here.items, key=lambda item: (item.slot, item.amount))
    if [item.slot for item in exported.items] != [item.slot for item in found]:
        yield _contributions_finding("other inputs add something here")
        return
    for one, other in zip(exported.items, found, strict=True):
        if abs(one.amount - other.amount) > TOLERANCE:
            text = f"added {one.amount:f} in the file, adds {other.amount:f} here"
            yield Finding(FindingKind.CONTRIBUTIONS, text, one.slot)


def _contributions_finding(text: str) -> Finding:
    return Finding(FindingKind.CONTRIBUTIONS, text)
