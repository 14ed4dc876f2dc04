"""Assumptions of a question: their input types, and their check.  A what-if must be possible, and in a known unit."""

import math
from collections.abc import Iterable, Mapping
from decimal import Decimal

import strawberry
from strawberry import ID

from collectors.patient.read import SEXES
from ontology.concepts import Concept, Origin, ValueType
from ontology.errors import UnitError
from ontology.units import convert
from ontology.values import Absent, AbsentReason, Coding, Quantity, Value
from ontology.words.quantities import number_words
from server.catalog.criteria import OneOf
from server.catalog.descriptions import Description, Kind
from server.errors import QuestionError, UnknownConceptError, did_you_mean
from server.graphql.values import described

_FIELDS = ("quantity", "coding", "boolean", "absent")


@strawberry.input
class QuantityInput:
    """A number in a UCUM unit."""

    value: float = described("The number.")
    unit: str = described("A UCUM code, one of `Concept.units`.")


@strawberry.input
class CodingInput:
    """A code."""

    system: str = described("The URI of the code system.")
    code: str = described("The code.")


@strawberry.input
class Assumption:
    """An input to take as given instead of the record's. Exactly one of the value fields."""

    concept: ID = strawberry.field(description="What is assumed: the id of a concept.")
    quantity: QuantityInput | None = strawberry.field(default=strawberry.UNSET, description="Of a number.")
    coding: CodingInput | None = strawberry.field(default=strawberry.UNSET, description="Of a code.")
    boolean: bool | None = strawberry.field(default=strawberry.UNSET, description="Of yes or no.")
    absent: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Only true: as if nothing were recorded."
    )


def read_assumptions(
    given: Iterable[Assumption], concepts: Mapping[str, Concept], modules: Iterable[Description] = ()
) -> dict[str, Value]:
    """Values by concept id, numbers in the concept's unit; of what a rule of ``modules`` computes, only its own codes.

    Raises UnknownConceptError and QuestionError; their texts name the concept and what is allowed, not the value.
    """
    read: dict[str, Value] = {}
    for each in given:
        concept = concepts.get(each.concept)
        if concept is None:
            raise UnknownConceptError(
                f"an assumption names a concept that does not exist{did_you_mean(each.concept, concepts)}"
            )
        if concept.id in read:
            raise QuestionError("assumption-repeated", f"{concept.id} is assumed twice")
        read[concept.id] = _assumed_value(each, concept, modules)
    return read


def _assumed_value(given: Assumption, concept: Concept, modules: Iterable[Description]) -> Value:
    # An omitted field is UNSET, which Strawberry distinguishes from null; here both mean that it is not given.
    fields = [name for name in _FIELDS if getattr(given, name) not in (None, strawberry.UNSET)]
    if len(fields) != 1:
        raise QuestionError("assumption-fields", f"the assumption of {concept.id} needs exactly one value field")
    if fields == ["absent"]:
        if not given.absent:
            raise QuestionError("assumption-fields", f"absent can only be true ({concept.id})")
        return Absent(AbsentReason.NOT_QUERIED)
    if given.quantity is not None and fields == ["quantity"] and concept.value_type is ValueType.QUANTITY:
        return _assumed_quantity(given.quantity, concept)
    if given.coding is not None and fields == ["coding"] and concept.value_type is ValueType.CODING:
        return _assumed_coding(given.coding, concept, modules)
    if given.boolean is not None and fields == ["boolean"] and concept.value_type is ValueType.FLAG:
        return given.boolean
    allowed = {ValueType.QUANTITY: "quantity", ValueType.CODING: "coding", ValueType.FLAG: "boolean"}
    fitting = allowed.get(concept.value_type)
    rule = f"takes {fitting} or absent" if fitting else "can only be assumed absent"
    raise QuestionError("assumption-type", f"{concept.id} {rule}, not {fields[0]}")


def _assumed_quantity(given: QuantityInput, concept: Concept) -> Quantity:
    unit = concept.unit or "1"
    if not math.isfinite(given.value):
        raise QuestionError("assumption-range", f"{concept.id} must be a finite number")
    if given.unit != unit and given.unit not in concept.units:
        raise QuestionError(
            "assumption-unit", f"{concept.id} takes {', '.join({unit: 0, **dict.fromkeys(concept.units)})}"
        )
    number = Decimal(repr(given.value))
    if given.unit != unit:
        try:
            number = convert(number, given.unit, unit, concept.molar_mass)
        except UnitError as error:  # the unit is one of the concept's: it is the number that cannot be converted
            text = f"{concept.id} is too large or too small a number to be converted to {unit}"
            raise QuestionError("assumption-range", text) from error
    low, high = concept.plausible_low, concept.plausible_high
    if (low is not None and number < low) or (high is not None and number > high):
        limits = f"{'…' if low is None else number_words(low)} to {'…' if high is None else number_words(high)} {unit}"
        raise QuestionError("assumption-range", f"{concept.id} must be within {limits}")
    return Quantity(number, unit)


def _assumed_coding(given: CodingInput, concept: Concept, modules: Iterable[Description]) -> Coding:
    coding = Coding(given.system, given.code)
    outputs = {c.output for m in modules if m.produces.id == concept.id and m.kind is Kind.RULE for c in m.cases}
    for output in outputs:
        if isinstance(output, Coding) and output == coding:
            return output
    for answer in concept.answers:
        if isinstance(answer.means, Coding) and coding in (answer.recorded, answer.means):
            return answer.means
    if concept.origin is Origin.PATIENT:
        for sex in SEXES:
            if sex == coding:
                return sex
    elif not concept.answers and not outputs and coding.system in _band_systems(concept, modules):
        return coding
    meant = [*outputs, *(a.means for a in concept.answers), *(SEXES if concept.origin is Origin.PATIENT else ())]
    codes = ", ".join(sorted({f"{each.system}|{each.code}" for each in meant if isinstance(each, Coding)}))
    raise QuestionError("assumption-code", f"{concept.id} knows no such code{f'; it takes {codes}' if codes else ''}")


def _band_systems(concept: Concept, modules: Iterable[Description]) -> set[str]:
    """Of a concept whose codes are listed nowhere: the systems of the codes in its own bands."""
    bands = (band.match for m in modules if m.produces.id == concept.id for band in m.outcomes)
    return {coding.system for match in bands if isinstance(match, OneOf) for coding in match.codes}
