"""Published cases from outside of the repository, made into charts in FHIR JSON.

Where the folder is absent there are no cases, and ``WHY_ABSENT`` says why.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from ontology.values import Quantity, Value
from tests.support.charts import LOINC, SCT, Record, answer, creatinine, lab, patient, uacr

FOLDER = Path(__file__).resolve().parents[2].parent / "shared" / "vectors"
WHY_ABSENT = None if FOLDER.is_dir() else "the folder shared/vectors is not beside this repository"

AT = datetime(2026, 6, 30, 12, tzinfo=UTC)
BEFORE = "2026-06-30T11:{:02}:00+00:00"
LOCAL = "https://medtwin.example/codes"
NOT_ALERT = {
    "confusion": (SCT, "130987000"),
    "voice": (SCT, "300202002"),
    "pain": (SCT, "450847001"),
    "unresponsive": (SCT, "422768004"),
}
ALERT = {"alert": (SCT, "248234008")}


@dataclass(frozen=True)
class Case:
    """One published case: the chart, the question, and the published answer with how far ours may be from it."""

    id: str
    records: list[Record]
    concept: str
    expected: Decimal
    tolerance: Decimal
    assume: Mapping[str, Value] = field(default_factory=dict)


def born_at_age(age: float) -> tuple[date, bool]:
    """The day of birth on which that age is nearest at AT, and whether it is the age exactly.

    Ages as the equations take them: completed anniversaries plus the elapsed part of the year.  An age that is no
    whole number of days comes out up to half a day (1/730 year) off.
    """
    today = AT.date()
    last = date(today.year, today.month, today.day)
    if age == int(age):
        return last.replace(year=today.year - int(age)), True
    fraction = age - int(age)
    # In the year that ends on the coming anniversary, so many of its days have passed.
    nearest = min(range(366), key=lambda days: abs(days / 365 - fraction))
    birthday = last - timedelta(days=nearest)
    return birthday.replace(year=birthday.year - int(age)), False


def cases() -> list[Case]:
    """All cases, or none where the folder is absent."""
    return [] if WHY_ABSENT else [*_ckd_epi(), *_kfre(), *_news2()]


def _ckd_epi() -> Iterator[Case]:
    for number, case in enumerate(_read("ckd-epi-2021")):
        born, exact = born_at_age(case["age_years"])
        of = f"ckd-epi-{number}"
        published = Decimal(str(case["egfr"]))
        # Half of the last digit published, half of ours; half a day of age changes 0.9938^age by 8.5 millionths.
        tolerance = (Decimal("0.5") if case.get("rounded") else Decimal("0.005")) + Decimal("0.005")
        tolerance += 0 if exact else published * Decimal("0.0000085")
        chart = [
            patient(born.isoformat(), case["sex"], of),
            creatinine(case["creatinine_mg_dl"], BEFORE.format(0), id=f"{of}-cr", of=of),
        ]
        yield Case(of, chart, "egfr", published, tolerance)


def _kfre() -> Iterator[Case]:
    for number, case in enumerate(_read("kfre-4-variable")):
        born, exact = born_at_age(case["age_years"])
        of = f"kfre-{number}"
        # Percent, published to eight decimals of a probability; ours to six of a percent.  Half a day of age changes
        # the exponent by 0.02201/730, and the risk by at most 1/e times that.
        tolerance = Decimal("0.000001") + (0 if exact else Decimal("0.0011"))
        chart = [
            patient(born.isoformat(), case["sex"], of),
            uacr(case["uacr_mg_g"], BEFORE.format(0), id=f"{of}-uacr", of=of),
        ]
        given = {
            "egfr": Quantity(Decimal(str(case["egfr"])), "mL/min/{1.73_m2}"),
            "north-america": case["north_american"],
        }
        concept = f"kidney-failure-risk-{case['years']}y"
        yield Case(of, chart, concept, Decimal(str(case["risk_4_variable"])) * 100, tolerance, given)


def _news2() -> Iterator[Case]:
    for number, case in enumerate(_read("news2")):
        # The chart gives the same points to whatever is not alert, so each is tried.
        levels = ALERT if case["consciousness"] == "Alert" else NOT_ALERT
        for name, level in levels.items():
            of = f"news2-{number}-{name}"
            yield Case(of, _vitals(case, level, of), "news2", Decimal(case["total"]), Decimal(0))


def _vitals(case: Mapping[str, Any], level: tuple[str, str], of: str) -> list[Record]:
    def number(code: str, value: float, unit: str, minute: int) -> Record:
        return lab(code, value, unit, BEFORE.format(minute), f"{of}-{code}", of=of)

    oxygen = (
        number("3151-8", 2, "L/min", 1)
        if case["supplemental_oxygen"]
        else lab("722742002", None, None, BEFORE.format(1), f"{of}-air", of=of, system=SCT)
    )
    scale = (LOCAL, "scale-2" if case["scale_2"] else "scale-1")
    return [
        patient("1960-03-15", "female", of),
        number("9279-1", case["respiratory_rate"], "/min", 0),
        number("59408-5", case["spo2_percent"], "%", 1),
        oxygen,
        number("8480-6", case["systolic_bp"], "mm[Hg]", 2),
        number("8867-4", case["pulse"], "/min", 2),
        number("8310-5", case["temperature_cel"], "Cel", 4),
        answer("67775-7", level, BEFORE.format(3), system=LOINC, id=f"{of}-level", of=of),
        answer("spo2-scale", scale, "2026-06-29T08:00:00+00:00", system=LOCAL, id=f"{of}-scale", of=of),
    ]


def _read(name: str) -> list[dict[str, Any]]:
    content: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = content["cases"]
    return found
