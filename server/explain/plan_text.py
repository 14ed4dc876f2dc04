"""A plan as text: which modules would be called, from which inputs, and which searches would be sent.

Nothing is retrieved.
"""

from collections.abc import Iterator

from collectors.fetching.query import MOST_CODES, TOO_MANY_CODES, format_tokens
from collectors.search import Search
from collectors.terminology.concept_codes import value_sets_of
from ontology.concepts import Origin
from ontology.slots import Slot
from ontology.words.time import duration_code
from server.compiler.plan import Binding, FromCall, FromSeries, Plan, PlannedCall


def describe_searches(plan: Plan) -> tuple[str, ...]:
    """The requests of a plan, with ``…`` for the patient and for the time that a window begins at."""
    return tuple(text for search in plan.searches for text in _search_requests(search))


def describe_needs(plan: Plan, call: PlannedCall) -> tuple[str, ...]:
    """What fills each slot of a call."""
    return tuple(
        f"{slot.name}: {slot.concept.id} {_describe_binding(plan, slot, call.bindings[slot.name])}"
        f"{_describe_limits(slot)}"
        for slot in call.description.slots
    )


def _search_requests(search: Search) -> Iterator[str]:
    description = search.description
    if description.comes_with_question:
        return
    start = f"GET {description.resource_type}?{description.patient_parameter}=…"
    if description.on_request:
        yield f"{start} (only where a source's settings name {description.id})"
        return
    if description.date_parameter is not None and search.window is not None:
        start += f"&{description.date_parameter}=ge(…-{duration_code(search.window)})"
    sets = tuple(dict.fromkeys(name for concept in search.concepts for name in value_sets_of(concept)))
    if description.code_parameter is None or len(search.codes) > TOO_MANY_CODES:
        yield start
    elif sets:
        codes = f"with the codes of {', '.join(sets)}, as the terminology server says"
        yield f"{start}&{description.code_parameter}=… ({codes})"
    else:
        for first in range(0, len(search.codes), MOST_CODES):
            yield f"{start}&{description.code_parameter}={format_tokens(search.codes[first : first + MOST_CODES])}"
    yield from (f"GET {included}?patient=… (only where it is needed)" for included in description.includes)
    if description.layout is not None and description.layout.referenced_code is not None:
        yield f"GET {description.layout.referenced_code.resource_type}?_id=… (only where it is needed)"


def _describe_binding(plan: Plan, slot: Slot, binding: Binding) -> str:
    match binding:
        case FromCall(call):
            return f"from module {plan.call(call).description.id}"
        case FromSeries(call, drivers):
            return f"from module {plan.call(call).description.id} as of each time of {', '.join(drivers)}"
        case _:
            if slot.concept.origin is Origin.SITE:
                return "from the site's settings or an assumption"
            return f"from records, {slot.select.value}"


def _describe_limits(slot: Slot) -> str:
    window = f", not older than {duration_code(slot.window)}" if slot.window is not None else ""
    role = ", for applicability" if slot.applicability_only else ", to compare with" if slot.comparison else ""
    return f"{window}{role}" if role or slot.required else f"{window}, optional"
