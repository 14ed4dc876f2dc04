"""A plan in words: which modules would be called, from what, and which searches would be sent.  Nothing is fetched."""

from collections.abc import Iterator

from collectors.fetching.search import MOST_CODES, TOO_MANY_CODES, tokens
from collectors.needs import Search
from collectors.terminology.concepts import sets_of
from ontology.concepts import Origin
from ontology.slots import Slot
from server.compiler.plan import Binding, FromCall, FromSeries, Plan, PlannedCall
from server.explain.wording import duration_code


def searches(plan: Plan) -> tuple[str, ...]:
    """The requests of a plan, with ``…`` for the patient and for the time that a window begins at."""
    return tuple(text for search in plan.searches for text in _requests(search))


def needs(plan: Plan, call: PlannedCall) -> tuple[str, ...]:
    """What fills each slot of a call."""
    return tuple(
        f"{slot.name}: {slot.concept.id} {_from(plan, slot, call.bindings[slot.name])}{_limits(slot)}"
        for slot in call.description.slots
    )


def _requests(search: Search) -> Iterator[str]:
    description = search.description
    start = f"GET {description.resource_type}?{description.patient_parameter}=…"
    if description.on_request:
        yield f"{start} (only where a source's settings name {description.id})"
        return
    if description.date_parameter is not None and search.window is not None:
        start += f"&{description.date_parameter}=ge(…-{duration_code(search.window)})"
    sets = tuple(dict.fromkeys(name for concept in search.concepts for name in sets_of(concept)))
    if description.code_parameter is None or len(search.codes) > TOO_MANY_CODES:
        yield start
    elif sets:
        told = f"with the codes of {', '.join(sets)}, as the terminology server says"
        yield f"{start}&{description.code_parameter}=… ({told})"
    else:
        for first in range(0, len(search.codes), MOST_CODES):
            yield f"{start}&{description.code_parameter}={tokens(search.codes[first : first + MOST_CODES])}"
    yield from (f"GET {included}?patient=… (only where it is needed)" for included in description.includes)
    if description.layout is not None and description.layout.named is not None:
        yield f"GET {description.layout.named.resource_type}?_id=… (only where it is needed)"


def _from(plan: Plan, slot: Slot, binding: Binding) -> str:
    match binding:
        case FromCall(call):
            return f"from module {plan.call(call).description.id}"
        case FromSeries(call, drivers):
            return f"from module {plan.call(call).description.id} as of each time of {', '.join(drivers)}"
        case _:
            if slot.concept.origin is Origin.SITE:
                return "from the site's settings or an assumption"
            return f"from records, {slot.select.value}"


def _limits(slot: Slot) -> str:
    window = f", not older than {duration_code(slot.window)}" if slot.window is not None else ""
    role = ", for applicability" if slot.applicability_only else ", to compare with" if slot.comparison else ""
    return f"{window}{role}" if role or slot.required else f"{window}, optional"
