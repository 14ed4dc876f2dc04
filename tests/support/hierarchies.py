"""Hierarchies of equations, scores and models, made by hand or drawn, and what a coalition gives by the definition."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import permutations
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from ontology.concepts import Origin
from ontology.evaluation import SlotInput
from ontology.slots import Slot
from ontology.values import Quantity, Value
from server.attribution.attribute import attribute
from server.attribution.game import Snapshot
from server.attribution.result import Attribution, NoAttribution
from server.catalog.criteria import Band, Compare, ScoreCriterion
from server.catalog.descriptions import Description, Kind
from server.catalog.trained_model import CorrelatedSlots, Explainer, Feature, ModelFile, TrainedModel
from server.compiler.plan import Binding, FromCall, Goal, Leaf, Plan, PlannedCall
from server.executor.trace import BoundInput
from server.kinds import evaluate
from tests.support.descriptions import make_concept, make_description, make_slot

AT = datetime(2026, 6, 30, 12, tzinfo=UTC)
FORMULA = Path(__file__).parent / "formula"


@dataclass(frozen=True)
class Hierarchy:
    """A plan, and the values of its leaves (by concept id) at both ends."""

    plan: Plan
    before: Mapping[str, Decimal]
    after: Mapping[str, Decimal]

    def result(self, leaves: Mapping[str, Decimal]) -> Value:
        """The goal by evaluating each call once, without any of the code under test."""
        values: dict[str, Value] = {}
        for call in self.plan.calls:
            inputs = {}
            for slot in call.description.slots:
                binding = call.bindings[slot.name]
                value = (
                    values[binding.call] if isinstance(binding, FromCall) else Quantity(leaves[slot.concept.id], "1")
                )
                inputs[slot.name] = SlotInput(value)
            values[call.description.iri] = evaluate(call.description, inputs).value
        return values[self.plan.goals[0].call or ""]

    def number(self, leaves: Mapping[str, Decimal]) -> float:
        value = self.result(leaves)
        assert isinstance(value, Quantity)
        return float(value.value)

    @property
    def differing(self) -> list[str]:
        """The leaves of the plan that differ."""
        used = {b.slot.concept.id for c in self.plan.calls for b in c.bindings.values() if isinstance(b, Leaf)}
        return [name for name in self.before if name in used and self.before[name] != self.after[name]]

    def side(self, leaves: Mapping[str, Decimal]) -> Snapshot:
        inputs = {
            (call.description.iri, slot.name): BoundInput(slot, Quantity(leaves[slot.concept.id], "1"))
            if isinstance(call.bindings[slot.name], Leaf)
            else BoundInput(slot, Quantity(Decimal(0), "1"), steps=(0,))
            for call in self.plan.calls
            for slot in call.description.slots
        }
        goal = self.plan.goals[0].call or ""
        return Snapshot(AT, inputs, {goal: self.result(leaves)})

    def attributed(self) -> Attribution:
        found = attribute(self.plan, self.plan.goals[0], self.side(self.before), self.side(self.after), UTC)
        assert not isinstance(found, NoAttribution), found
        return found

    def amounts(self) -> dict[str, float]:
        return {item.concept.id: item.amount for item in self.attributed().items}

    def by_definition(self) -> dict[str, float]:
        """The mean of what a leaf adds over all orders in which the leaves may change."""
        names = self.differing
        known: dict[frozenset[str], float] = {}

        def value(changed: frozenset[str]) -> float:
            if changed not in known:
                leaves = {n: self.after[n] if n in changed or n not in names else self.before[n] for n in self.after}
                known[changed] = self.number(leaves)
            return known[changed]

        totals, count = dict.fromkeys(names, 0.0), 0
        for order in permutations(names):
            count += 1
            done: frozenset[str] = frozenset()
            for name in order:
                totals[name] += value(done | {name}) - value(done)
                done |= {name}
        return {name: total / count for name, total in totals.items()}


def equation(name: str, slots: Sequence[Slot], weights: Mapping[str, Decimal]) -> Description:
    """``weights`` by slot, by ``slot_slot`` for products, and by "" for the constant."""
    return replace(
        make_description(Kind.EQUATION, produces=make_concept(name, origin=Origin.COMPUTED)),
        id=name,
        iri=f"urn:module:{name}",
        slots=tuple(slots),
        folder=FORMULA,
        parameters={f"weight_{key}": weight for key, weight in weights.items()},
    )


def score(name: str, slots: Sequence[Slot], limits: Mapping[str, Decimal]) -> Description:
    """For each slot no point below its limit, and from there on as many as the slot's place says."""
    criteria = tuple(
        ScoreCriterion(slot.name, slot.name, tuple(_bands(slot.name, limits[slot.name], place)))
        for place, slot in enumerate(slots, start=1)
    )
    return replace(
        make_description(Kind.SCORE, produces=make_concept(name, origin=Origin.COMPUTED)),
        id=name,
        iri=f"urn:module:{name}",
        slots=tuple(slots),
        criteria=criteria,
    )


def _bands(slot: str, limit: Decimal, points: int) -> list[Band]:
    return [
        Band(Compare(slot, below=limit), Decimal(0), "low"),
        Band(Compare(slot, at_least=limit), Decimal(points), "high"),
    ]


def planned_call(description: Description, below: Sequence[Description] = ()) -> PlannedCall:
    made = {each.produces.id: each.iri for each in below}
    bindings: dict[str, Binding] = {
        slot.name: FromCall(made[slot.concept.id]) if slot.concept.id in made else Leaf(slot)
        for slot in description.slots
    }
    return PlannedCall(description, bindings)


def plan_of(descriptions: Sequence[Description]) -> Plan:
    """The last one is the goal; each may use those before it."""
    calls = tuple(planned_call(each, descriptions[:place]) for place, each in enumerate(descriptions))
    return Plan(calls, (), (Goal(descriptions[-1].produces, descriptions[-1].iri),))


NUMBERS = st.integers(-30, 30).map(lambda tenths: Decimal(tenths) / 10)
LEAVES = tuple("abcdefgh")


@st.composite
def hierarchies(draw: st.DrawFn, leaves: Sequence[str] = LEAVES[:5]) -> Hierarchy:
    """One to three calls over up to five leaves: each uses some leaves and all calls before it; leaves are shared."""
    made: list[Description] = []
    for place in range(draw(st.integers(1, 3))):
        names = draw(st.lists(st.sampled_from(leaves), min_size=1, max_size=4, unique=True))
        slots = [make_slot(name, concept=make_concept(name)) for name in names]
        slots += [make_slot(each.id, concept=each.produces) for each in made]
        keys = [slot.name for slot in slots]
        if draw(st.booleans()):
            pairs = [f"{one}_{other}" for i, one in enumerate(keys) for other in keys[i + 1 :]]
            weights = {key: draw(NUMBERS) for key in ["", *keys, *pairs]}
            made.append(equation(f"call{place}", slots, weights))
        else:
            made.append(score(f"call{place}", slots, {key: draw(NUMBERS) for key in keys}))
    before = {name: draw(NUMBERS) for name in leaves}
    return Hierarchy(plan_of(made), before, {name: draw(NUMBERS) for name in leaves})


ONE = Decimal(1)


def leaf_slot(name: str, **more: Any) -> Slot:
    return replace(make_slot(name, concept=make_concept(name)), **more)


def correlated_model(
    slots: Sequence[Slot], *groups: tuple[str, ...], features: Sequence[Feature] = (), **weights: Decimal
) -> Description:
    """An equation with the description of a model: which inputs are correlated is all that is read of it here."""
    given = weights or {slot.name: ONE for slot in slots}
    described = TrainedModel(
        artefact=ModelFile("model.skops", "0" * 64),
        trusted=(),
        positive=1,
        explainer=Explainer.LINEAR,
        background="nobody",
        rows=None,
        features=tuple(features),
        calibration="none",
        least=0,
        among=(),
        correlated=tuple(CorrelatedSlots("-".join(group), group) for group in groups),
    )
    return replace(equation("model", slots, given), model=described)
