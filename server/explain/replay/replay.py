"""An exported argument, computed again here: ``replay``.  What is wrong with it is a finding, never an exception.

Nothing is fetched and no cache is asked: the file says what the records gave, the catalog says what the modules are.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ontology.inputs import Consumed
from server.catalog.descriptions import Description
from server.catalog.load import Catalog
from server.executor.boundary import evaluate_safely, has_failed
from server.executor.cache.keys import Keyring
from server.executor.environment import Environment
from server.executor.fingerprint import FORMAT, truncate
from server.explain.replay.answer import answer_findings
from server.explain.replay.contributions import contributions_again
from server.explain.replay.found import Finding, Kind, Replayed, ReplayedStep
from server.explain.replay.identity import other_digest, other_form, other_maker
from server.explain.replay.inputs import given_again, same_limits, same_value, slots_fit
from server.explain.replay.moved import moved_again
from server.explain.replay.said import Said, SaidStep
from server.explain.replay.wording import differ, limits_differ


def replay(said: Said, catalog: Catalog, environment: Environment, keys: Keyring | None = None) -> Replayed:
    """Compute an answer again, inputs first, with the modules that are here.

    Inputs that come from other steps are taken from what those gave *here*.  ``environment`` is that of this process;
    ``keys`` those that are configured: without any, fingerprints are compared by their public digests alone.
    """
    key = keys.fingerprint if keys is not None and keys.configured else None
    findings = list(other_form(said.format)) if said.steps else []
    zone = _zone(said.zone)
    if zone is None:
        findings.append(Finding(Kind.TIME, "the time zone of the answer is not known here; UTC was taken"))
    steps: list[ReplayedStep] = []
    for step in said.steps:
        description = catalog.by_iri.get(step.module)
        found = list(other_maker(step, description, environment))
        if description is None:
            steps.append(ReplayedStep(step, None, {}, None, tuple(found)))
            continue
        if said.format == FORMAT:
            found += other_digest(step, description, zone or UTC, key)
        steps.append(_again(step, description, steps, zone or UTC, found))
    findings += answer_findings(said, steps, catalog)
    notes: list[str] = []
    for attribution in said.attributions:
        moved, note = moved_again(attribution, said, steps, catalog, zone or UTC)
        findings += moved
        notes += note
    return Replayed(said, tuple(steps), tuple(findings), tuple(notes))


def _again(
    step: SaidStep, description: Description, done: list[ReplayedStep], zone: tzinfo, found: list[Finding]
) -> ReplayedStep:
    unfit = list(slots_fit(step, description))
    inputs: dict[str, Consumed] = {}
    for slot in description.slots:
        if slot.name in step.inputs:
            inputs[slot.name], differing = given_again(step, slot, description, done)
            found += differing
    if unfit:
        return ReplayedStep(step, description, inputs, None, (*found, *unfit))
    try:
        at = _at(step.as_of, description, zone)
    except (ValueError, OverflowError):
        found.append(Finding(Kind.TIME, "its time cannot be reckoned with"))
        return ReplayedStep(step, description, inputs, None, tuple(found))
    evaluation = evaluate_safely(description, inputs, at)
    made = ReplayedStep(step, description, inputs, evaluation, ())
    return ReplayedStep(step, description, inputs, evaluation, (*found, *_outcome(made)))


def _at(as_of: datetime, description: Description, zone: tzinfo) -> datetime | None:
    return None if description.evaluation_time is None else truncate(as_of, description.evaluation_time, zone)


def _outcome(made: ReplayedStep) -> Iterator[Finding]:
    """Whether the same came out."""
    said, evaluation = made.said, made.evaluation
    if evaluation is None:
        return
    if not same_value(said.value, evaluation.value):
        if has_failed(evaluation):
            yield Finding(Kind.FAILED, f"the module fails here; {differ(said.value, evaluation.value)}")
        else:
            yield Finding(Kind.VALUE, differ(said.value, evaluation.value))
    if not same_limits(said.bounds, evaluation.bounds):
        yield Finding(Kind.BOUNDS, limits_differ(said.bounds, evaluation.bounds))
    yield from contributions_again(said.contributions, evaluation, made.inputs)


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError, RecursionError):
        # A name of thousands of parts is looked for as a package within packages.
        return None
