"""The discovery of CDS Hooks: which services there are, what to prefetch, and what each needs, in words.

It rests on the descriptions alone, so that it is the same for all callers and says nothing of any patient.  Prefetch
templates are those of the compiler: the very searches that a call makes, without what the hook's context brings.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from collectors.search import Search
from ontology.concepts import Origin
from ontology.words.lists import begin_small, list_words
from server.catalog.catalog import Catalog
from server.catalog.services import Service
from server.compiler.compilation import compile_plan
from server.compiler.plan import FromCall, FromSeries, Plan
from server.compiler.searches import prefetch_templates
from server.hooks.request import Json

_KEPT = 4
"""Of how many catalogs the discovery is kept: there is one, and in tests a few."""
_discoveries: dict[str, Json] = {}


def discovery(catalog: Catalog) -> Json:
    """The body of ``GET /cds-services``: each service with hook, id, title, description, prefetch and requirements.

    Computed once for a catalog.  Raises CompileError for a service that cannot be answered; a start has none.
    """
    found = _discoveries.get(catalog.digest)
    if found is None:
        services = [catalog.services[each] for each in sorted(catalog.services)]
        found = {"services": [_describe(catalog, service) for service in services]}
        while len(_discoveries) >= _KEPT:
            _discoveries.pop(next(iter(_discoveries)))
        _discoveries[catalog.digest] = found
    return found


def _describe(catalog: Catalog, service: Service) -> dict[str, Any]:
    return {
        "hook": service.hook.value,
        "id": service.id,
        "title": service.title,
        "description": service.description,
        "prefetch": dict(service_templates(catalog, service)),
        "usageRequirements": " ".join(_requirements(catalog, service)),
    }


def service_templates(catalog: Catalog, service: Service) -> dict[str, str]:
    """The prefetch templates of a service, by key; draft orders are in the context, so that none asks for them."""
    plan = compile_plan(catalog, service.concepts)
    return dict(prefetch_templates(replace(plan, searches=tuple(_searched(plan)))))


def _searched(plan: Plan) -> Iterator[Search]:
    """The searches that every source is asked for; those on request depend on the settings of one."""
    for search in plan.searches:
        if not search.description.on_request and not search.description.comes_with_question:
            yield search


def _requirements(catalog: Catalog, service: Service) -> Iterator[str]:
    """What a service needs, one sentence each."""
    judged = compile_plan(catalog, tuple(dict.fromkeys(rule.concept for rule in service.rules)))
    searches = tuple(_searched(compile_plan(catalog, service.concepts)))
    required, read = _required_concepts(judged), {search.description.id for search in judged.searches}
    needed = [each for each in searches if any(concept.id in required for concept in each.concepts)]
    needed += [each for each in searches if each.description.origin is Origin.PATIENT and each not in needed]
    others = [each for each in searches if each not in needed]
    yield f"Needs {_types(needed)}."
    if further := [each for each in others if each.description.id in read]:
        yield f"Where it can change the answer, needs {_types(further)}."
    if shown := [each for each in others if each.description.id not in read]:
        yield f"Shows {_types(shown)}, where on record."
    if drafts := dict.fromkeys(rule.draft for rule in service.rules if rule.draft is not None):
        names = "; ".join(begin_small(catalog.concepts[each].display) for each in drafts)
        yield f"Looks for these among the draft orders of the context: {names}."
    if site := _site_settings(catalog, judged):
        yield f"Depends on what is set at this server: {'; '.join(site)}."
    if referred := sorted(_referred_types(searches)):
        yield f"Reads {list_words(referred)} where other records refer to it."
    scopes = sorted({*(each.description.resource_type for each in searches), *referred})
    scoped = " ".join(f"patient/{kind}.rs" for kind in scopes)
    yield f"What prefetch does not give is fetched with fhirAuthorization, by the scopes {scoped}."
    yield "What is needed and cannot be obtained is answered with status 412."


def _required_concepts(plan: Plan) -> frozenset[str]:
    """The ids of the recorded concepts without which the judged concepts have no value."""
    found = {goal.slot.concept.id for goal in plan.goals if goal.slot is not None}
    pending, seen = [goal.call for goal in plan.goals if goal.call is not None], set[str]()
    while pending:
        iri = pending.pop()
        if iri in seen:
            continue
        seen.add(iri)
        call = plan.call(iri)
        for slot in call.description.slots:
            if not slot.required or slot.applicability_only or slot.comparison:
                continue
            binding = call.bindings[slot.name]
            if isinstance(binding, FromCall | FromSeries):
                pending.append(binding.call)
            else:
                found.add(binding.slot.concept.id)
    return frozenset(found)


def _site_settings(catalog: Catalog, plan: Plan) -> list[str]:
    """The facts about the site on which the answer depends, as the settings call them."""
    slots = [slot for call in plan.calls for slot in call.description.slots]
    found = {slot.concept.display for slot in slots if slot.concept.origin is Origin.SITE}
    found |= {catalog.concepts[slot.enabled_by].display for slot in slots if slot.enabled_by is not None}
    return sorted(map(begin_small, found))


def _types(searches: Iterable[Search]) -> str:
    """``Observation (heart rate; respiratory rate) and Patient (date of birth)``."""
    return list_words(_type(search) for search in searches)


def _type(search: Search) -> str:
    # Names of concepts have commas of their own.
    named = "; ".join(begin_small(concept.display) for concept in search.concepts)
    return f"{search.description.resource_type} ({named})" if named else search.description.resource_type


def _referred_types(searches: Iterable[Search]) -> set[str]:
    """The types of the records that those of searches refer to: the Medication of a prescription, an Encounter."""
    found = {kind for search in searches for kind in search.description.includes}
    layouts = (search.description.layout for search in searches)
    return found | {each.referenced_code.resource_type for each in layouts if each is not None and each.referenced_code}
