"""A file of exported arguments verified: each answer computed again, step by step, and the seal checked.

A difference is a finding, never an exception.  Nothing is fetched and no cache is read: the values of the records come
from the file, the modules from the catalog.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ontology.evaluation import SlotInput
from server.catalog.catalog import Catalog
from server.catalog.descriptions import Description
from server.executor.cache.encryption import Keyring
from server.executor.fingerprint import FORMAT, Environment, truncate_time
from server.executor.plan_run import evaluate_safely
from server.executor.result_cache import has_failed
from server.explain.prov.exported import ExportedAnswer, ExportedStep
from server.explain.prov.read_export import read_export
from server.explain.prov.seal import SealCheck, check_seal
from server.verify.check_answer import check_answer
from server.verify.check_attribution import check_attribution
from server.verify.check_inputs import check_slots, recompute_input, same_limits, same_value
from server.verify.check_step import check_contributions, check_fingerprint, check_fingerprint_format, check_module
from server.verify.findings import (
    Finding,
    FindingKind,
    RecomputedAnswer,
    RecomputedStep,
    describe_difference,
    describe_limits_difference,
)


def recompute_answer(
    exported: ExportedAnswer, catalog: Catalog, environment: Environment, keys: Keyring | None = None
) -> RecomputedAnswer:
    """Compute an answer again, inputs first, with the modules of this ``catalog``.

    Inputs that come from other steps are taken from the results of those steps *here*.  ``environment`` is that of this
    process; ``keys`` those that are configured: without any, fingerprints are compared by their public digests alone.
    """
    key = keys.fingerprint if keys is not None and keys.configured else None
    findings = list(check_fingerprint_format(exported.format)) if exported.steps else []
    zone = _known_zone(exported.zone)
    if zone is None:
        findings.append(Finding(FindingKind.TIME, "the time zone of the answer is unknown here; UTC was used"))
    steps: list[RecomputedStep] = []
    for step in exported.steps:
        description = catalog.by_iri.get(step.module)
        found = list(check_module(step, description, environment))
        if description is None:
            steps.append(RecomputedStep(step, None, {}, None, tuple(found)))
            continue
        if exported.format == FORMAT:
            found += check_fingerprint(step, description, zone or UTC, key)
        steps.append(_recompute_step(step, description, steps, zone or UTC, found))
    findings += check_answer(exported, steps, catalog)
    notes: list[str] = []
    for attribution in exported.attributions:
        differing, unchecked = check_attribution(attribution, exported, steps, catalog, zone or UTC)
        findings += differing
        notes += unchecked
    return RecomputedAnswer(exported, tuple(steps), tuple(findings), tuple(notes))


def _recompute_step(
    step: ExportedStep,
    description: Description,
    recomputed: list[RecomputedStep],
    zone: tzinfo,
    findings: list[Finding],
) -> RecomputedStep:
    unfit = list(check_slots(step, description))
    inputs: dict[str, SlotInput] = {}
    for slot in description.slots:
        if slot.name in step.inputs:
            inputs[slot.name], differing = recompute_input(step, slot, description, recomputed)
            findings += differing
    if unfit:
        return RecomputedStep(step, description, inputs, None, (*findings, *unfit))
    try:
        at = _evaluation_time(step.as_of, description, zone)
    except (ValueError, OverflowError):
        findings.append(Finding(FindingKind.TIME, "its time is out of range"))
        return RecomputedStep(step, description, inputs, None, tuple(findings))
    evaluation = evaluate_safely(description, inputs, at)
    made = RecomputedStep(step, description, inputs, evaluation, ())
    return RecomputedStep(step, description, inputs, evaluation, (*findings, *_check_outcome(made)))


def _evaluation_time(as_of: datetime, description: Description, zone: tzinfo) -> datetime | None:
    return None if description.evaluation_time is None else truncate_time(as_of, description.evaluation_time, zone)


def _check_outcome(step: RecomputedStep) -> Iterator[Finding]:
    """Whether value, bounds and contributions are the same here."""
    exported, evaluation = step.exported, step.evaluation
    if evaluation is None:
        return
    if not same_value(exported.value, evaluation.value):
        difference = describe_difference(exported.value, evaluation.value)
        if has_failed(evaluation):
            yield Finding(FindingKind.FAILED, f"the module fails here; {difference}")
        else:
            yield Finding(FindingKind.VALUE, difference)
    if not same_limits(exported.bounds, evaluation.bounds):
        yield Finding(FindingKind.BOUNDS, describe_limits_difference(exported.bounds, evaluation.bounds))
    yield from check_contributions(exported.contributions, evaluation, step.inputs)


def _known_zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError, RecursionError):
        # zoneinfo imports a name of thousands of parts as nested packages, until the recursion limit.
        return None


class SealState(StrEnum):
    """The state of the seal of a file; the values are part of the JSON report."""

    VALID = "fits"
    BROKEN = "does-not-fit"
    REMOVED = "missing"
    """There is a key here, and the file has no seal."""
    NO_KEY = "not-checked"
    """There is a seal, and no key here."""
    NONE = "none"
    """There is neither seal nor key."""


@dataclass(frozen=True, slots=True)
class Verification:
    """The answers of a file, computed again, and the state of its seal."""

    answers: tuple[RecomputedAnswer, ...]
    seal: SealState

    @property
    def matches(self) -> bool:
        """Whether every answer is the same here, and the seal matches where there is a key to check it."""
        return self.seal not in (SealState.BROKEN, SealState.REMOVED) and all(answer.matches for answer in self.answers)


def verify_file(text: str, form: str, catalog: Catalog, environment: Environment, keys: Keyring) -> Verification:
    """Compute every argument of a file again.  Raises ArgumentFileError for a file that is no complete argument."""
    exported = read_export(text, form)
    seal = _seal_state(text, form, exported, keys)
    return Verification(tuple(recompute_answer(each, catalog, environment, keys) for each in exported), seal)


def _seal_state(text: str, form: str, exported: tuple[ExportedAnswer, ...], keys: Keyring) -> SealState:
    if keys.argument_seal_key is None:
        return SealState.NO_KEY if any(each.seal for each in exported) else SealState.NONE
    match check_seal(text, form, keys.argument_seal_key):
        case SealCheck.VALID:
            return SealState.VALID
        case SealCheck.BROKEN:
            return SealState.BROKEN
        case SealCheck.NONE:
            return SealState.REMOVED
