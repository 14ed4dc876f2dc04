"""The parts of a Bundle: a result and the steps that it rests on, with names, tags, and references to their grounds."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import NAMESPACE_URL, uuid5

from ontology.resources import RecordRef
from ontology.values import Absent
from server.catalog.descriptions import Description
from server.explain.fhir.datatypes import MODULES, versioned_url
from server.explain.phrases import USED_IN_CARE
from server.explain.results import AnswerResult, GroundView, Status, StepView


@dataclass(frozen=True)
class Part:
    """One step, or a fact that was read, as an answer of its own.

    ``url`` is its name in the Bundle.  ``records`` are all that it rests on; ``upstream`` the names of the steps in the
    Bundle that it depends on; ``grounds`` the resource types and addresses of what its value was computed from.
    ``tags`` restrict its use; ``truncation_notes`` say which points of a series have no resource of their own.
    """

    result: AnswerResult
    step: StepView | None
    as_of: datetime
    is_goal: bool
    url: str
    records: tuple[RecordRef, ...]
    upstream: tuple[str, ...]
    grounds: tuple[tuple[str, str], ...]
    tags: tuple[str, ...]
    preliminary: bool
    truncation_notes: tuple[str, ...]

    @property
    def kind(self) -> str:
        """The resource type: a risk that has no value is an Observation with the reason."""
        return "Observation" if self.result.risk is None else "RiskAssessment"

    @property
    def status(self) -> str:
        """The status that both resource types have."""
        if self.result.status is Status.FAILED:
            return "cancelled"
        return "preliminary" if self.preliminary else "final"

    @property
    def device(self) -> str:
        """The name of the Device: one for each version of a module."""
        return urn("device", canonical(self.step.module) if self.step is not None else MODULES)

    @property
    def provenance(self) -> str:
        """The name of its Provenance."""
        return urn("provenance", self.url)


def canonical(module: Description) -> str:
    """The canonical URL of one version of a module."""
    return f"{module.iri}|{module.version}"


def urn(*named: str) -> str:
    """A name that is the same for the same answer about the same patient from the same records."""
    return f"urn:uuid:{uuid5(NAMESPACE_URL, ' '.join(named))}"


T = TypeVar("T")

MOST_POINTS = 100
"""Of so many points of a series, the newest, each has an Observation of its own; the records of all are named."""


def result_parts(result: AnswerResult) -> tuple[Part, ...]:
    """The result first, then the steps that it rests on, inputs first."""
    if result.leaf is not None or not result.chain:
        return (_recorded_part(result),)
    last = len(result.chain) - 1
    builder = _PartBuilder(result)
    return tuple(builder.part(place) for place in (last, *sorted(builder.included - {last})))


def _recorded_part(result: AnswerResult) -> Part:
    records, leaf = result.records, result.leaf
    # It has no fingerprint, and a source may give no versions.
    fact = (result.concept.iri, result.at.isoformat(), repr(result.value), repr(result.bounds), str(result.assumed))
    return Part(
        result=result,
        step=None,
        as_of=result.at,
        is_goal=True,
        url=urn(result.reference, *fact, *map(versioned_url, records)),
        records=records,
        upstream=(),
        grounds=tuple((record.type, record.url) for record in records),
        tags=_result_tags(result.assumed, ()),
        preliminary=_is_provisional(result) or (leaf is not None and leaf.status == "preliminary"),
        truncation_notes=(),
    )


class _PartBuilder:
    """The parts of one result, in the making: what is true of a step is found from the steps before it."""

    def __init__(self, result: AnswerResult) -> None:
        self._result = result
        self._chain = result.chain
        self.included = _included_steps(result.chain)
        self._parts: dict[int, Part] = {}
        self._records = _with_upstream(result.chain, _step_records)
        self._maturities = _with_upstream(result.chain, _step_maturity)
        self._unconfirmed = _rests_on_preliminary(result.chain)

    def part(self, place: int) -> Part:
        """The step at this position of the chain."""
        part = self._parts.get(place)
        if part is None:
            part = self._parts[place] = self._part(place)
        return part

    def _part(self, place: int) -> Part:
        step, goal = self._chain[place], place == len(self._chain) - 1
        result = self._result if goal else self._result.make_part(place)
        immature = tuple(each for each in self._maturities[place] if each != USED_IN_CARE)
        records = self._records[place]
        below = dict.fromkeys(at for ground in step.grounds for at in ground.steps if at in self.included)
        call = (step.module.iri, step.fingerprint, step.as_of.isoformat(), str(result.assumed))
        return Part(
            result=result,
            step=step,
            as_of=step.as_of,
            is_goal=goal,
            url=urn(result.reference, *call, *map(versioned_url, records)),
            records=records,
            upstream=tuple(self.part(at).url for at in below),
            grounds=tuple(dict.fromkeys(each for ground in step.grounds for each in self._ground_references(ground))),
            tags=_result_tags(result.assumed, immature),
            preliminary=bool(immature) or _is_provisional(result) or self._unconfirmed[place],
            truncation_notes=tuple(text for ground in step.grounds if (text := self._truncation_note(ground))),
        )

    def _ground_references(self, ground: GroundView) -> list[tuple[str, str]]:
        if not _supports_value(ground):
            return []
        # Of a computed series the records belong to its points.
        found = [] if ground.steps else [(record.type, record.url) for record in ground.records]
        for at in ground.steps:
            if at in self.included:
                found.append((self.part(at).kind, self.part(at).url))
            else:
                found += [(record.type, record.url) for record in self._records[at]]
        return found

    def _truncation_note(self, ground: GroundView) -> str | None:
        there = sum(at in self.included for at in ground.steps)
        if there == len(ground.steps):
            return None
        return (
            f"{ground.concept.display}: of {len(ground.steps)} computed points the newest {there} are listed;"
            " the records of all are named."
        )


def _included_steps(chain: tuple[StepView, ...]) -> frozenset[int]:
    pending = [len(chain) - 1]
    seen = set(pending)
    while pending:
        new = {at for ground in chain[pending.pop()].grounds for at in ground.steps[-MOST_POINTS:]} - seen
        seen |= new
        pending += new
    return frozenset(seen)


def _with_upstream(chain: tuple[StepView, ...], own: Callable[[StepView], Iterable[T]]) -> list[tuple[T, ...]]:
    """For each step what it has by itself, after what all steps have that it depends on, each once."""
    found: list[tuple[T, ...]] = []
    for step in chain:
        below = (each for ground in step.grounds for at in ground.steps for each in found[at])
        found.append(tuple(dict.fromkeys((*below, *own(step)))))
    return found


def _step_records(step: StepView) -> Iterable[RecordRef]:
    return (record for ground in step.grounds for record in ground.records)


def _step_maturity(step: StepView) -> tuple[str, ...]:
    return () if step.module.model is None else (step.module.model.maturity,)


def _rests_on_preliminary(chain: tuple[StepView, ...]) -> list[bool]:
    """Whether a step rests on a record that is preliminary itself."""
    found: list[bool] = []
    for step in chain:
        used = [ground for ground in step.grounds if _supports_value(ground)]
        found.append(any(g.status == "preliminary" or any(found[at] for at in g.steps) for g in used))
    return found


def _is_provisional(result: AnswerResult) -> bool:
    return result.assumed or result.status is Status.PARTIAL


def _supports_value(ground: GroundView) -> bool:
    """Whether the value was made from it: not where it only decides on applicability, nor where it gave nothing."""
    carries = not (ground.input.applicability_only or ground.input.comparison)
    return carries and (not isinstance(ground.value, Absent) or ground.bounds is not None)


def _result_tags(assumed: bool, immature: tuple[str, ...]) -> tuple[str, ...]:
    found = (*(("assumption",) if assumed else ()), *immature)
    return (*found, "do-not-store") if found else ()
