"""The whole need of a plan: one search for each resource type."""

from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta

from collectors.needs import CollectorDescription, Search
from ontology.concepts import Concept, Origin
from ontology.slots import Select, Slot
from ontology.values import Coding
from server.catalog.load import Catalog
from server.compiler.plan import FromCall, FromSeries, Goal, Leaf, PlannedCall

NONE = timedelta(0)


def searches(catalog: Catalog, calls: tuple[PlannedCall, ...], goals: tuple[Goal, ...]) -> tuple[Search, ...]:
    """One search a resource type, over the widest window that any slot under any goal has.

    Every plan reads the Patient: whether there is such a patient, and whether they are alive, bears on any answer.
    """
    windows: dict[str, timedelta | None] = {}
    concepts: dict[str, Concept] = {}
    histories: set[str] = set()
    for concept, window, latest in _leaves(calls, goals):
        known = concept.id in concepts
        concepts[concept.id] = concept
        windows[concept.id] = window if not known else _wider(windows[concept.id], window)
        if not latest:
            histories.add(concept.id)
    found = []
    for collector in sorted(catalog.collectors.values(), key=lambda c: c.id):
        wanted = tuple(sorted((c for c in concepts.values() if c.origin is collector.origin), key=lambda c: c.id))
        if wanted or collector.origin is Origin.PATIENT:
            found.append(_search(collector, wanted, windows, histories))
    return tuple(found)


def _search(
    collector: CollectorDescription,
    wanted: tuple[Concept, ...],
    windows: Mapping[str, timedelta | None],
    histories: Collection[str],
) -> Search:
    codes: dict[tuple[str, str], Coding] = {}
    if collector.code_parameter is not None:
        for concept in wanted:
            for coding in (*(a.coding for a in concept.accepted), *concept.panels):
                codes[coding.system, coding.code] = coding
    widest: timedelta | None = NONE
    for concept in wanted:
        widest = _wider(widest, windows[concept.id])
    latest = bool(wanted) and not any(concept.id in histories for concept in wanted)
    return Search(collector, wanted, tuple(codes[key] for key in sorted(codes)), widest if wanted else None, latest)


def _wider(a: timedelta | None, b: timedelta | None) -> timedelta | None:
    return None if a is None or b is None else max(a, b)


def _plus(a: timedelta | None, b: timedelta | None) -> timedelta | None:
    return None if a is None or b is None else a + b


def _leaves(
    calls: tuple[PlannedCall, ...], goals: tuple[Goal, ...]
) -> Iterator[tuple[Concept, timedelta | None, bool]]:
    """Every leaf with how far back it is read, and whether only its latest value is wanted.

    A series reads its producer's leaves further back by its window, and at other times than that of the question.
    """
    by_iri = {call.description.iri: call for call in calls}
    seen: set[tuple[str, timedelta | None, bool]] = set()
    pending: list[tuple[str, timedelta | None, bool]] = []
    for goal in goals:
        if goal.call is not None:
            pending.append((goal.call, NONE, False))
        elif goal.slot is not None and goal.concept.origin is not Origin.COMPUTED:
            yield goal.concept, None, _latest(goal.slot)
    while pending:
        call_of = pending.pop()
        if call_of in seen:
            continue
        seen.add(call_of)
        iri, back, in_series = call_of
        call = by_iri[iri]
        grouped = call.description.within.slots if call.description.within is not None else ()
        for slot in call.description.slots:
            binding = call.bindings[slot.name]
            if isinstance(binding, FromCall):
                pending.append((binding.call, back, in_series))
            elif isinstance(binding, FromSeries):
                pending.append((binding.call, _plus(back, slot.window), True))
            elif isinstance(binding, Leaf) and binding.slot.concept.origin not in (Origin.SITE, Origin.COMPUTED):
                latest = _latest(binding.slot) and not in_series and slot.name not in grouped
                yield binding.slot.concept, _plus(back, slot.window), latest


def _latest(slot: Slot) -> bool:
    """Whether the latest measurement fills the slot: of events, "there is none" needs all of them."""
    return slot.select is Select.LATEST and slot.concept.origin is Origin.OBSERVATION
