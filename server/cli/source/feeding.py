"""Which modules a source can feed, as far as it declares what it offers."""

from collections.abc import Iterator

from collectors.capability.capability import Capability, Known
from collectors.capability.offers import Offer, offers
from server.catalog.load import Catalog
from server.compiler.compile import compile_plan
from server.compiler.plan import Leaf, Plan


def said_of(known: Known) -> Iterator[str]:
    """What a source says of itself, in a few lines."""
    capability = known.capability
    if capability is None:
        yield f"! {known.remark}; it will be searched in the plainest way, by patient, code and date"
        return
    name = capability.software or "it does not name its software"
    yield f"FHIR {capability.version}, {len(capability.types)} resource types; {name}"
    if capability.smart is not None:
        methods = ", ".join(sorted(capability.smart.auth_methods)) or "not stated"
        yield f"authorisation: SMART; ways of authenticating a client: {methods}"
    yield from (f"! {note}" for note in known.notes)


def fed(capability: Capability | None, catalog: Catalog, goals: tuple[str, ...]) -> Iterator[str]:
    """A line for each module: whether it can be fed, and which data is missing."""
    seen: dict[str, Offer] = {}
    for goal in goals:
        plan = compile_plan(catalog, (goal,))
        # What is used on request only is not yet named in the settings.
        found = offers(capability, tuple(each for each in plan.searches if not each.description.on_request))
        seen.update((offer.resource_type, offer) for offer in found if offer.concepts)
        lacking = [offer for offer in found if offer.offered is False and offer.concepts]
        unknown = any(offer.offered is None for offer in found)
        name = f"{goal:<28}"
        if not lacking:
            yield f"  {name} {'not known' if unknown else 'can be fed'}"
            continue
        needed = {concept for offer in lacking for concept in offer.concepts if concept in _required(plan)}
        word = "cannot be answered" if needed else "in part"
        parts = "; ".join(f"no {offer.resource_type}: {', '.join(offer.concepts)}" for offer in lacking)
        yield f"  {name} {word} ({parts})"
    yield "How it would be searched:"
    yield from (f"  {offer.text}" for offer in sorted(seen.values(), key=lambda each: each.resource_type))


def _required(plan: Plan) -> frozenset[str]:
    """The concepts without which a module of the plan has no value."""
    return frozenset(
        binding.slot.concept.id
        for call in plan.calls
        for slot in call.description.slots
        if slot.required and isinstance(binding := call.bindings[slot.name], Leaf)
    )
