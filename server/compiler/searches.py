"""All data that a plan needs: one search for each resource type, and the same as CDS Hooks prefetch templates."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta

from collectors.reading.list_entries import OUTPATIENT_VISIT
from collectors.search import CollectorDescription, Search
from collectors.supplied_records import reference_templates, search_templates, type_template
from ontology.concepts import Concept, Origin
from ontology.slots import Select, Slot
from ontology.values import Coding
from server.catalog.catalog import Catalog
from server.catalog.descriptions import Description
from server.compiler.plan import FromCall, FromSeries, Goal, Leaf, Plan, PlannedCall

NO_TIME = timedelta(0)


def plan_searches(catalog: Catalog, calls: tuple[PlannedCall, ...], goals: tuple[Goal, ...]) -> tuple[Search, ...]:
    """One search a resource type, over the widest window that any slot under any goal has.

    Every plan reads the Patient: whether there is such a patient, and whether they are alive, bears on any answer.
    """
    windows: dict[str, timedelta | None] = {}
    concepts: dict[str, Concept] = {}
    histories: set[str] = set()
    lists = {slot.concept.origin for call in calls for slot in call.description.slots if slot.no_if_reconciled}
    visits = tuple(each for each in catalog.concepts.values() if each.id == OUTPATIENT_VISIT)
    for concept, window, latest in _leaves(calls, goals, visits):
        known = concept.id in concepts
        concepts[concept.id] = concept
        windows[concept.id] = window if not known else _wider_window(windows[concept.id], window)
        if not latest:
            histories.add(concept.id)
    found = []
    for collector in sorted(catalog.collectors.values(), key=lambda c: c.id):
        wanted = tuple(sorted((c for c in concepts.values() if collector.origin in c.origins), key=lambda c: c.id))
        if wanted or collector.origin is Origin.PATIENT:
            search = _build_search(collector, wanted, windows, histories)
            named = catalog.named_codes(collector.origin)
            found.append(replace(search, named=named, of_list=collector.origin in lists))
    return tuple(found)


def _build_search(
    collector: CollectorDescription,
    wanted: tuple[Concept, ...],
    windows: Mapping[str, timedelta | None],
    histories: Collection[str],
) -> Search:
    codes: dict[tuple[str, str], Coding] = {}
    if collector.code_parameter is not None:
        for concept in wanted:
            for coding in concept.codes_in(collector.origin):
                codes[coding.system, coding.code] = coding
    widest: timedelta | None = NO_TIME
    for concept in wanted:
        widest = _wider_window(widest, windows[concept.id])
    # Of a status that is recorded as an observation the latest decides, as of any other observation.
    older = (each for each in wanted if each.origin is collector.origin and each.id in histories)
    latest = bool(wanted) and next(older, None) is None
    return Search(collector, wanted, tuple(codes[key] for key in sorted(codes)), widest if wanted else None, latest)


def _wider_window(a: timedelta | None, b: timedelta | None) -> timedelta | None:
    return None if a is None or b is None else max(a, b)


def _add_windows(a: timedelta | None, b: timedelta | None) -> timedelta | None:
    return None if a is None or b is None else a + b


def _leaves(
    calls: tuple[PlannedCall, ...], goals: tuple[Goal, ...], visits: tuple[Concept, ...]
) -> Iterator[tuple[Concept, timedelta | None, bool]]:
    """Every leaf with how far back it is read, and whether only its latest value is wanted.

    A series reads its producer's leaves further back by its window, and at other times than that of the question.
    """
    by_iri = {call.description.iri: call for call in calls}
    seen: set[tuple[str, timedelta | None, bool]] = set()
    pending: list[tuple[str, timedelta | None, bool]] = []
    for goal in goals:
        if goal.call is not None:
            pending.append((goal.call, NO_TIME, False))
        elif goal.slot is not None and goal.concept.origin is not Origin.COMPUTED:
            yield goal.concept, None, _needs_latest_only(goal.slot)
    while pending:
        call_of = pending.pop()
        if call_of in seen:
            continue
        seen.add(call_of)
        iri, back, in_series = call_of
        call = by_iri[iri]
        grouped = _grouped_slots(call.description)
        for slot in call.description.slots:
            binding = call.bindings[slot.name]
            if isinstance(binding, FromCall):
                pending.append((binding.call, back, in_series))
            elif isinstance(binding, FromSeries):
                pending.append((binding.call, _add_windows(back, slot.window), True))
            elif isinstance(binding, Leaf) and binding.slot.concept.origin not in (Origin.SITE, Origin.COMPUTED):
                latest = _needs_latest_only(binding.slot) and not in_series and slot.name not in grouped
                yield binding.slot.concept, _add_windows(back, slot.window), latest
            if slot.no_if_reconciled is not None:
                # What shows that the list is looked after: dated lists, and outpatient visits.
                yield slot.no_if_reconciled, None, False
                yield from ((visit, None, False) for visit in visits)


def _grouped_slots(description: Description) -> tuple[str, ...]:
    """The slots whose latest fact alone may not be the one that is used."""
    within, specimen = description.within, description.one_specimen
    together = () if specimen is None else (specimen.result, *specimen.parts)
    return together if within is None else (*within.slots, *together)


def _needs_latest_only(slot: Slot) -> bool:
    """Whether the latest measurement fills the slot: of events, "there is none" needs all of them."""
    return slot.select is Select.LATEST and slot.concept.origin is Origin.OBSERVATION


def prefetch_templates(plan: Plan) -> Mapping[str, str]:
    """Templates by key, of every search of a plan; ``collectors.supplied_records.from_prefetch`` reads the answers.

    Collectors that a source uses on request only are left out: they are fetched where they are wanted.
    """
    wanted = [search for search in plan.searches if not search.description.on_request]
    made = {key: template for search in wanted for key, template in search_templates(search).items()}
    asked = frozenset(made.values())
    for search in wanted:
        referred = {key: type_template(kind) for key, kind in reference_templates(search).items()}
        # All of a type may be asked for already, for itself.
        made.update({key: template for key, template in referred.items() if template not in asked})
    return made
