"""Observations of every make, and what each must be read as: worked out here from small tables, not by the reader."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from ontology.concepts import Concept, Origin, ValueType
from ontology.values import AbsentReason
from tests.support.collector_inputs import (
    CONSCIOUSNESS,
    CREATININE,
    LOINC,
    OXYGEN,
    SCORE,
    SNOMED,
    SYSTOLIC,
    codeable_concept,
    loinc,
)

PRESSURE = replace(SYSTOLIC, units=("mm[Hg]", "kPa"))
DAY = Concept(
    "mpm:Day", "some-day", "some day", Origin.OBSERVATION, ValueType.DATE, accepted=(loinc("8665-2"),), panels=()
)
CONCEPTS = (CREATININE, PRESSURE, SCORE, CONSCIOUSNESS, OXYGEN, DAY)
PANEL = "85353-1"

# For each concept: each way in which a unit is written, and by what a number in it becomes one in the concept's unit.
# None: the unit is refused.  "" stands for no unit at all.  A millimetre of mercury is 133.322387415 Pa by convention;
# UCUM's own table rounds it to 133.322.
UMOL = Fraction("113.12") / 10_000
KPA = 1000 / Fraction("133.322387415")
FACTORS: dict[str, dict[str, Fraction | None]] = {
    "serum-creatinine": {
        "mg/dL": Fraction(1), "mg/dl": Fraction(1), "MG/DL": Fraction(1), "umol/L": UMOL, "\u00b5mol/L": UMOL,
        "\u03bcmol/l": UMOL, "mmol/L": None, "g/L": None, "MG/dL": None, "mg": None, "%": None, "": None, "K/uL": None,
    },
    "systolic": {
        "mm[Hg]": Fraction(1), "mmHg": Fraction(1), "mm Hg": Fraction(1), "kPa": KPA, "kpa": KPA, "Pa": None,
        "mm[hg]": None, "cm[H2O]": None, "": None, "mg/dL": None,
    },
    "gcs": {"{score}": Fraction(1), "score": Fraction(1), "": Fraction(1), "1": Fraction(1), "%": None, "mg/dL": None},
    "consciousness": {}, "oxygen": {}, "some-day": {},
}  # fmt: skip
ACCEPTED = {"serum-creatinine": "2160-0", "systolic": "8480-6", "gcs": "9269-2", "consciousness": "67775-7",
            "oxygen": "57485-5", "some-day": "8665-2"}  # fmt: skip
LIMITS = {"serum-creatinine": (Fraction("0.1"), Fraction(40)), "systolic": (Fraction(20), Fraction(350))}
COUNTING = {"final", "amended", "corrected", "preliminary"}
STATUSES = [*sorted(COUNTING), "registered", "cancelled", "entered-in-error", "unknown", None]
COMPARATORS = [None, "<", "<=", ">", ">=", "ad"]
# What dataAbsentReason says: nothing known, or a value that is not available.
ABSENCES = {
    "unknown": "RECORDED_UNKNOWN", "asked-unknown": "RECORDED_UNKNOWN", "temp-unknown": "RECORDED_UNKNOWN",
    "not-asked": "RECORDED_UNKNOWN", "asked-declined": "RECORDED_UNKNOWN", "not-applicable": "RECORDED_UNKNOWN",
    "unsupported": "RECORDED_UNKNOWN", "error": "RECORDED_UNKNOWN", "not-performed": "RECORDED_UNKNOWN",
    "masked": "UNCONVERTIBLE", "not-permitted": "UNCONVERTIBLE", "as-text": "UNCONVERTIBLE",
    "not-a-number": "UNCONVERTIBLE", "negative-infinity": "UNCONVERTIBLE", "positive-infinity": "UNCONVERTIBLE",
}  # fmt: skip
# Times as written, and the span that each leaves open in UTC; None: not a time, or none that places anything.
TIMES: dict[str, tuple[str, str] | None] = {
    "2024-05-01T08:00:00Z": ("2024-05-01T08:00:00+00:00",) * 2,
    "2024-05-01T08:00:00+02:00": ("2024-05-01T06:00:00+00:00",) * 2,
    "2024-05-01T08:00:00.25-05:00": ("2024-05-01T13:00:00.250000+00:00",) * 2,
    "2024-05-01T08:00": ("2024-05-01T08:00:00+00:00", "2024-05-01T08:00:59.999999+00:00"),
    "2024-05-01": ("2024-05-01T00:00:00+00:00", "2024-05-01T23:59:59.999999+00:00"),
    "2024-02": ("2024-02-01T00:00:00+00:00", "2024-02-29T23:59:59.999999+00:00"),
    "2023": ("2023-01-01T00:00:00+00:00", "2023-12-31T23:59:59.999999+00:00"),
    "2024-13": None, "2024-02-30": None, "yesterday": None, "": None,
}  # fmt: skip
DATES: dict[str, tuple[str, str] | None] = {
    "2024-05-01": ("2024-05-01", "2024-05-01"), "2024-02": ("2024-02-01", "2024-02-29"),
    "2023": ("2023-01-01", "2023-12-31"), "2024-05-01T23:30:00-05:00": ("2024-05-01", "2024-05-01"),
    "2024-02-30": None, "soon": None,
}  # fmt: skip
NUMBERS = st.one_of(
    st.integers(1, 99_999).map(lambda n: Decimal(n).scaleb(-2)),
    st.integers(0, 400).map(Decimal),
    st.sampled_from([Decimal("0.0"), Decimal("-1"), Decimal("1e-7"), Decimal("1.10"), Decimal("14")]),
)


@dataclass(frozen=True)
class Expected:
    """A value by its parts, an absence by its reason, or (None) no fact at all."""

    number: Fraction | None = None
    comparator: str | None = None
    answer: object = None
    absent: str | None = None


UNREADABLE = Expected(absent="UNCONVERTIBLE")
UNKNOWN = Expected(absent="RECORDED_UNKNOWN")
Valued = tuple[dict[str, Any], Expected]


def in_unit(concept: Concept, number: Decimal, factor: Fraction | None, comparator: str | None) -> Expected:
    """A number under one of the ways to write a unit."""
    if factor is None or comparator == "ad":
        return UNREADABLE
    value = Fraction(number) * factor
    low, high = LIMITS.get(concept.id, (None, None))
    if low is not None and value < low and comparator not in (">", ">="):
        return Expected(absent="IMPLAUSIBLE")
    if high is not None and value > high and comparator not in ("<", "<="):
        return Expected(absent="IMPLAUSIBLE")
    return Expected(value, comparator)


@st.composite
def quantities(draw: st.DrawFn, concept: Concept) -> Valued:
    number, comparator = draw(NUMBERS), draw(st.sampled_from(COMPARATORS))
    ways = FACTORS[concept.id] or {"mg/dL": None, "": None}
    unit = draw(st.sampled_from(sorted(ways)))
    form = draw(st.sampled_from(["both", "code", "text", "other system", "contradiction", "no number"]))
    written: dict[str, Any] = {"value": number, "comparator": comparator}
    if unit:
        written |= {"both": {"code": unit, "unit": unit, "system": "http://unitsofmeasure.org"}}.get(
            form, {"unit": unit} if form == "text" else {"code": unit}
        )
    expected = in_unit(concept, number, ways[unit], comparator)
    if form == "other system":
        written["system"] = SNOMED
        expected = UNREADABLE
    elif form == "contradiction" and unit in ("mg/dL", "mm[Hg]"):
        written |= {"unit": "umol/L" if unit == "mg/dL" else "kPa"}
        expected = UNREADABLE
    elif form == "no number":
        del written["value"]
        expected = UNKNOWN
    if concept.value_type is not ValueType.QUANTITY:
        expected = UNREADABLE
    return {"valueQuantity": {name: each for name, each in written.items() if each is not None}}, expected


@st.composite
def ratios(draw: st.DrawFn, concept: Concept) -> Valued:
    above, below = draw(NUMBERS), draw(st.sampled_from([Decimal(1), Decimal(4), Decimal(0)]))
    top, bottom = draw(st.sampled_from([("mg", "dL"), ("umol", "L"), ("mg", "g"), ("", ""), ("mm[Hg]", "")]))
    comparator = draw(st.sampled_from([None, "<", "ad"]))
    written = {
        "numerator": {"value": above, "code": top, "comparator": comparator},
        "denominator": {"value": below, "code": bottom},
    }
    cleaned = {
        side: {name: each for name, each in parts.items() if each or each == 0} for side, parts in written.items()
    }
    factor = {
        ("serum-creatinine", "mg", "dL"): Fraction(1),
        ("serum-creatinine", "umol", "L"): UMOL,
        ("systolic", "mm[Hg]", ""): Fraction(1),
    }.get((concept.id, top, bottom))
    if factor is None or not below:
        return {"valueRatio": cleaned}, UNREADABLE
    return {"valueRatio": cleaned}, in_unit(concept, above, factor / Fraction(below), comparator)


COURSES = ("1 2 3", "1 E 3")
# Drawn more often, since it can be read.
FITTING = {"some-day": "Date Period Period Period", "consciousness": "Coded Coded String", "oxygen": "Coded Boolean"}
ANSWERS: dict[tuple[str, str, str], object] = {
    ("consciousness", LOINC, "LA9340-6"): "248234008",
    ("consciousness", SNOMED, "300202002"): "300202002",
    ("oxygen", SNOMED, "722742002"): False,
}


@st.composite
def others(draw: st.DrawFn, concept: Concept) -> Valued:
    kind = draw(
        st.sampled_from(["Coded", "String", "Boolean", "Integer", "Range", "Sampled", "Time", "Date", "Period"])
    )
    match kind:
        case "Coded":
            system, code = draw(st.sampled_from([(LOINC, "LA9340-6"), (SNOMED, "300202002"), (SNOMED, "722742002"),
                                                 (LOINC, "LA0-0"), (SNOMED, "LA9340-6")]))  # fmt: skip
            means = ANSWERS.get((concept.id, system, code))
            expected = UNREADABLE if means is None else Expected(answer=means)
            return {"valueCodeableConcept": codeable_concept(code, system)}, expected
        case "String":
            text = draw(st.sampled_from(["V", " V ", "v", "14", "1.1 mg/dL", "2024-05-01", "alert"]))
            fits = concept.id == "consciousness" and text.strip() == "V"
            return {"valueString": text}, Expected(answer="300202002") if fits else UNREADABLE
        case "Boolean":
            truth = draw(st.booleans())
            return {"valueBoolean": truth}, Expected(answer=truth) if concept.id == "oxygen" else UNREADABLE
        case "Integer":
            number = draw(st.integers(-5, 50))
            return {"valueInteger": number}, Expected(Fraction(number)) if concept.id == "gcs" else UNREADABLE
        case "Range":
            ends = draw(st.sampled_from([{"low": {"value": 1}}, {"low": {"value": 1}, "high": {"value": 5}}, {}]))
            return {"valueRange": ends}, UNREADABLE
        case "Sampled":
            data = draw(st.sampled_from(["1 2 3", "1 E 3", "x", ""]))
            origin = {"value": 0, "code": "mg/dL"}
            return {"valueSampledData": {"origin": origin, "period": 1000, "dimensions": 1, "data": data}}, UNREADABLE
        case "Time":
            return {"valueTime": draw(st.sampled_from(["08:00:00", "8"]))}, UNREADABLE
        case "Date":
            text = draw(st.sampled_from(sorted(DATES)))
            return {"valueDateTime": text}, _days(concept, DATES[text])
        case _:
            start, end = draw(st.sampled_from([*DATES, None])), draw(st.sampled_from([*DATES, None]))
            first, last = DATES.get(start or ""), DATES.get(end or "")
            days = (first[0], last[1]) if first and last and first[0] <= last[1] else None
            period = {name: each for name, each in (("start", start), ("end", end)) if each is not None}
            return {"valuePeriod": period}, _days(concept, days)


def _days(concept: Concept, days: tuple[str, str] | None) -> Expected:
    return Expected(answer=days) if concept.id == "some-day" and days is not None else UNREADABLE


@dataclass(frozen=True)
class Case:
    """A record, the concept asked for, what its fact is, and the span that it holds for."""

    concept: Concept
    record: dict[str, Any]
    expected: Expected | None
    span: tuple[str, str] | None


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Any value in any shell."""
    concept = draw(st.sampled_from(CONCEPTS))
    measured = concept.value_type is ValueType.QUANTITY
    ways = [quantities(concept), ratios(concept), others(concept)] if measured else [others(concept)] * 4
    value, expected = draw(st.one_of(*ways, quantities(concept)))
    absence = draw(st.sampled_from([None, None, "beside", "instead", "nothing"]))
    reason = draw(st.sampled_from(sorted(ABSENCES)))
    system = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
    if absence == "beside":
        # A quantity without its number is no value that the reason could contradict.
        valueless = "valueQuantity" in value and "value" not in value["valueQuantity"]
        expected = Expected(absent=ABSENCES[reason]) if valueless else UNREADABLE
        value = value | {"dataAbsentReason": codeable_concept(reason, system)}
    elif absence == "instead":
        value, expected = {"dataAbsentReason": codeable_concept(reason, system)}, Expected(absent=ABSENCES[reason])
    elif absence == "nothing":
        value, expected = {}, UNKNOWN
    status = draw(st.sampled_from(STATUSES))
    time = draw(st.sampled_from(sorted(TIMES)))
    span = TIMES[time]
    code = codeable_concept(ACCEPTED[concept.id])
    record: dict[str, Any] = {"resourceType": "Observation", "id": "o1", "subject": {"reference": "Patient/p"}}
    if status is not None:
        record["status"] = status
    if time:
        record["effectiveDateTime"] = time
    if draw(st.booleans()):
        record |= {"code": codeable_concept(PANEL), "component": [{"code": code} | value]}
    else:
        record |= {"code": code} | value
    unclear = status in ("unknown", None)
    if span is None or (unclear and expected != UNKNOWN):
        expected = UNREADABLE
    if span is not None and not unclear and span[0] == span[1] and _is_course(concept, value):
        # A course lasts until its last sample: two seconds.
        span = span[0], (datetime.fromisoformat(span[1]) + timedelta(seconds=2)).isoformat()
    return Case(concept, record, expected if status in COUNTING or unclear else None, span)


def _is_course(concept: Concept, value: dict[str, Any]) -> bool:
    data = value.get("valueSampledData", {}).get("data")
    return concept is CREATININE and data in COURSES and "dataAbsentReason" not in value


REASONS = {reason.value: reason for reason in AbsentReason}
