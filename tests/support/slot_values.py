"""Values for each slot of a module, around all limits that its description compares it with."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from ontology.concepts import ValueType
from ontology.slots import Select, Slot
from ontology.values import Absent, AbsentReason, Bound, Coding, Quantity
from server.catalog.criteria import Compare, OneOf
from server.catalog.descriptions import Description
from server.kinds.logic import leaves_of
from tests.support.descriptions import code
from tests.support.module_inputs import course

ABSENCES = (AbsentReason.NOT_FOUND, AbsentReason.STALE, AbsentReason.UNREACHABLE, AbsentReason.UNCONVERTIBLE)
SEXES = tuple(Coding("http://hl7.org/fhir/administrative-gender", each) for each in ("female", "male", "other"))


def criteria_of(description: Description) -> Iterator[Any]:
    for ground in description.applicability:
        yield from (ground.criterion, ground.only_where)
    yield from (remark.criterion for remark in description.remarks)
    yield from (case.when for case in description.cases)
    yield from (each for outcome in description.outcomes for each in (outcome.match, outcome.when))
    yield from (each for part in description.criteria for band in part.bands for each in (band.match, band.when))


def pool(description: Description, slot: Slot) -> list[Any]:
    """Values around all limits that the description compares the slot with, codes that it names, and absences."""
    leaves = [leaf for tree in criteria_of(description) for leaf in leaves_of(tree) if leaf.slot == slot.name]
    gone = [Absent(reason) for reason in ABSENCES]
    unit = slot.unit or ""
    if slot.select is Select.SERIES:
        return [*gone, course(unit, (0, "1.0"), (300, "1.6")), course(unit, (0, "1.0"), (400, "0.9"), (800, "0.8"))]
    if slot.select is Select.ANY or slot.concept.value_type is ValueType.FLAG:
        return [True, False, True, False, *gone]
    if slot.concept.value_type is ValueType.CODING:
        codes = [each for leaf in leaves if isinstance(leaf, OneOf) for each in leaf.codes]
        return [*SEXES, *codes, code("unforeseen"), *gone]
    if slot.concept.value_type is ValueType.DATE:
        return gone
    limits = [
        limit
        for leaf in leaves
        if isinstance(leaf, Compare)
        for limit in (leaf.at_least, leaf.above, leaf.at_most, leaf.below)
        if limit is not None
    ]
    numbers = [limit + step for limit in limits for step in (Decimal("-0.1"), Decimal(0), Decimal("0.1"))]
    numbers = [each for each in numbers if each > 0] or [Decimal(1), Decimal(40)]
    return [*(Quantity(each, unit) for each in (*numbers, Decimal(55))), Bound("<", numbers[0], unit), *gone]
