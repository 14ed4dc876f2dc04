"""The parts of a result, from its chain: which steps are told, and what each of them rests on."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from ontology.resources import RecordRef
from ontology.values import Absent
from server.explain.fhir.elements import versioned
from server.explain.fhir.parts import Part, urn
from server.explain.phrases import USED_IN_CARE
from server.explain.results import AnswerResult, GroundView, Status, StepView

T = TypeVar("T")

MOST_POINTS = 100
"""Of so many points of a series, the newest, each has an Observation of its own; the records of all are named."""


def parts(result: AnswerResult) -> tuple[Part, ...]:
    """The result first, then the steps that it rests on, inputs first."""
    if result.leaf is not None or not result.chain:
        return (_read(result),)
    last = len(result.chain) - 1
    told = _Told(result)
    return tuple(told.part(place) for place in (last, *sorted(told.kept - {last})))


def _read(result: AnswerResult) -> Part:
    records, leaf = result.records, result.leaf
    # No fingerprint says what it is, and a source may tell no versions.
    fact = (result.concept.iri, result.at.isoformat(), repr(result.value), repr(result.bounds), str(result.assumed))
    return Part(
        result=result,
        step=None,
        as_of=result.at,
        goal=True,
        url=urn(result.reference, *fact, *map(versioned, records)),
        records=records,
        upstream=(),
        grounds=tuple((record.type, record.url) for record in records),
        tags=_tags(result.assumed, ()),
        preliminary=_provisional(result) or (leaf is not None and leaf.status == "preliminary"),
        left_out=(),
    )


class _Told:
    """The parts of one result, in the making: what is true of a step is found from the steps before it."""

    def __init__(self, result: AnswerResult) -> None:
        self._result = result
        self._chain = result.chain
        self.kept = _kept(result.chain)
        self._parts: dict[int, Part] = {}
        self._records = _with_upstream(result.chain, _records)
        self._maturities = _with_upstream(result.chain, _maturity)
        self._unconfirmed = _unconfirmed(result.chain)

    def part(self, place: int) -> Part:
        """The step at this position of the chain."""
        known = self._parts.get(place)
        if known is None:
            known = self._parts[place] = self._part(place)
        return known

    def _part(self, place: int) -> Part:
        step, goal = self._chain[place], place == len(self._chain) - 1
        result = self._result if goal else self._result.make_part(place)
        immature = tuple(each for each in self._maturities[place] if each != USED_IN_CARE)
        records = self._records[place]
        below = dict.fromkeys(at for ground in step.grounds for at in ground.steps if at in self.kept)
        call = (step.module.iri, step.fingerprint, step.as_of.isoformat(), str(result.assumed))
        return Part(
            result=result,
            step=step,
            as_of=step.as_of,
            goal=goal,
            url=urn(result.reference, *call, *map(versioned, records)),
            records=records,
            upstream=tuple(self.part(at).url for at in below),
            grounds=tuple(dict.fromkeys(each for ground in step.grounds for each in self._made_from(ground))),
            tags=_tags(result.assumed, immature),
            preliminary=bool(immature) or _provisional(result) or self._unconfirmed[place],
            left_out=tuple(text for ground in step.grounds if (text := self._left_out(ground))),
        )

    def _made_from(self, ground: GroundView) -> list[tuple[str, str]]:
        if not _rests_on(ground):
            return []
        # Of a computed series the records belong to its points.
        found = [] if ground.steps else [(record.type, record.url) for record in ground.records]
        for at in ground.steps:
            if at in self.kept:
                found.append((self.part(at).kind, self.part(at).url))
            else:
                found += [(record.type, record.url) for record in self._records[at]]
        return found

    def _left_out(self, ground: GroundView) -> str | None:
        there = sum(at in self.kept for at in ground.steps)
        if there == len(ground.steps):
            return None
        return (
            f"{ground.concept.display}: of {len(ground.steps)} computed points the newest {there} are told"
            " by themselves; the records of all are named."
        )


def _kept(chain: tuple[StepView, ...]) -> frozenset[int]:
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


def _records(step: StepView) -> Iterable[RecordRef]:
    return (record for ground in step.grounds for record in ground.records)


def _maturity(step: StepView) -> tuple[str, ...]:
    return () if step.module.model is None else (step.module.model.maturity,)


def _unconfirmed(chain: tuple[StepView, ...]) -> list[bool]:
    """Whether a step rests on a record that is preliminary itself."""
    found: list[bool] = []
    for step in chain:
        used = [ground for ground in step.grounds if _rests_on(ground)]
        found.append(any(g.status == "preliminary" or any(found[at] for at in g.steps) for g in used))
    return found


def _provisional(result: AnswerResult) -> bool:
    return result.assumed or result.status is Status.PARTIAL


def _rests_on(ground: GroundView) -> bool:
    """Whether the value was made from it: not where it only decides on applicability, nor where it gave nothing."""
    carries = not (ground.input.applicability_only or ground.input.comparison)
    return carries and (not isinstance(ground.value, Absent) or ground.bounds is not None)


def _tags(assumed: bool, immature: tuple[str, ...]) -> tuple[str, ...]:
    found = (*(("assumption",) if assumed else ()), *immature)
    return (*found, "do-not-store") if found else ()
