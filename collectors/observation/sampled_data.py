"""SampledData: many samples of one measurement, a fixed time apart.  They fill a series, never a single value.

A sample is ``origin + factor * number``.  ``E`` (no valid value), ``L`` and ``U`` (outside the device's limits) are no
numbers: those samples are left out and counted.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

import msgspec

from collectors.observation.elements import parse_raw_number, wrong_type_value
from collectors.reading.codes import ConceptReader
from collectors.reading.fhir_types import MISSING_ELEMENT, UNDECODABLE, Quantity
from collectors.reading.quantities import ReadValue, parse_number, read_quantity, unreadable_value
from collectors.reading.records import Sample
from ontology.concepts import ValueType
from ontology.resources import Span
from ontology.values import Quantity as Amount

MAX_SAMPLES = 10_000
_NON_NUMBERS = frozenset({"E", "L", "U"})
_MAX_DATA_LENGTH = 200_000
_MAX_PERIOD = Decimal(10) ** 12


class SampledData(msgspec.Struct, gc=False):
    """SampledData as it is written; ``period`` is in milliseconds."""

    origin: Quantity | None = None
    period: msgspec.Raw = MISSING_ELEMENT
    factor: msgspec.Raw = MISSING_ELEMENT
    dimensions: msgspec.Raw = MISSING_ELEMENT
    data: str | None = None


_SAMPLED = msgspec.json.Decoder(SampledData)


@dataclass(frozen=True, slots=True)
class DecodedSamples:
    """Samples as written: (milliseconds from the first, number) of each number; ``count`` includes non-numbers."""

    points: tuple[tuple[Decimal, Decimal], ...]
    count: int


def read_sampled_data(raw: msgspec.Raw, known: ConceptReader, needs_unit: bool, element: str) -> ReadValue:
    """Unreadable as a single value; with its samples in the concept's unit where all of them can be read."""
    try:
        written = _SAMPLED.decode(raw)
    except UNDECODABLE:
        return wrong_type_value(element)
    if known.concept.value_type is not ValueType.QUANTITY or written.origin is None:
        return unreadable_value(f"{element} is not read for {known.concept.id}")
    decoded = decode_samples(written)
    if isinstance(decoded, str):
        return unreadable_value(f"{element} {decoded}")
    shown = f"{decoded.count} samples"
    samples: list[Sample] = []
    for offset, value in decoded.points:
        origin = msgspec.structs.replace(written.origin, value=msgspec.Raw(format(value, "f").encode()))
        reading = read_quantity(origin, known, needs_unit, f"{element}.origin")
        if not isinstance(reading.value, Amount) or reading.recorded_quantity is None:
            return unreadable_value(f"{element} has a sample that cannot be read: {reading.problem}", shown)
        samples.append((timedelta(microseconds=int(offset * 1000)), reading.value, reading.recorded_quantity))
    problem = f"{element} is a course of samples, which is no single value"
    return replace(unreadable_value(problem, shown), samples=tuple(samples))


def decode_samples(written: SampledData) -> DecodedSamples | str:
    """The samples, or the reason (text) why they cannot be read."""
    origin = parse_raw_number(written.origin.value) if written.origin is not None else None
    factor = parse_raw_number(written.factor) if written.factor else Decimal(1)
    period, dimensions = parse_raw_number(written.period), parse_raw_number(written.dimensions)
    if origin is None or factor is None or period is None or not 0 < period <= _MAX_PERIOD:
        return "lacks an origin, a factor or a period that is a number"
    if dimensions != 1:
        return "has not one dimension, so that which of them is meant cannot be told"
    if not written.data or len(written.data) > _MAX_DATA_LENGTH:
        return "has no data, or more than is read"
    words = written.data.split()
    if len(words) > MAX_SAMPLES:
        return f"has more than {MAX_SAMPLES} samples"
    points = []
    for position, word in enumerate(words):
        if word in _NON_NUMBERS:
            continue
        value = parse_number(word.encode())
        if value is None:
            return "has a sample that is no number"
        points.append((period * position, origin + factor * value))
    return DecodedSamples(tuple(points), len(words)) if points else "has no sample that is a number"


def date_samples(reading: ReadValue, effective: Span | None, from_period: bool) -> tuple[ReadValue, Span | None]:
    """The value with its samples and the span that they cover; without samples where their times are unknown."""
    if not reading.samples or effective is None:
        return replace(reading, samples=()), effective
    last = reading.samples[-1][0]
    fits = effective.start + last <= effective.end if from_period else effective.start == effective.end
    if not fits:
        problem = f"{reading.problem}; nor do its times tell when each was taken"
        return replace(reading, samples=(), problem=problem), effective
    return reading, effective if from_period else Span(effective.start, effective.start + last)
