"""Patients of the benchmarks: their records as FHIR JSON, as a server would send them for the question's codes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from fixtures.chart import Chart
from fixtures.codes import (
    CKD,
    CONSCIOUSNESS,
    CREATININE,
    DIABETES_2,
    HEART_RATE,
    HYPERTENSION,
    OXYGEN_FLOW,
    RESPIRATORY_RATE,
    SPO2,
    TEMPERATURE,
    UACR,
)
from fixtures.courses.bedside import blood_pressure, vital_set

Json = dict[str, Any]

AT = datetime(2026, 6, 30, 12, tzinfo=UTC)
YEARS = timedelta(days=3 * 365)
SIX = ("egfr", "gfr-category", "albuminuria-category", "kidney-failure-risk-2y", "kidney-failure-risk-5y", "egfr-slope")
"""Six concepts over three resource types, four modules deep at most, one of them over a series."""

_VOICE = ("http://snomed.info/sct", "300202002", "Responds to voice")
_ALERT = ("http://snomed.info/sct", "248234008", "Mentally alert")


def kidney(patient: str, creatinines: int = 13) -> list[Json]:
    """Three years of kidney disease: creatinine at even intervals, every third time with a UACR."""
    chart = _chart(patient)
    for number in range(creatinines):
        when = AT - timedelta(days=2) - YEARS * (creatinines - 1 - number) / max(1, creatinines)
        chart.observe(CREATININE, round(1.4 + 0.8 * number / creatinines + chart.rng.uniform(-0.03, 0.03), 2), when)
        if number % 3 == 0 or number == creatinines - 1:
            chart.observe(UACR, chart.rng.randint(200, 600), when)
    return _records(chart)


def ward(patient: str, observations: int) -> list[Json]:
    """A long stay: sets of vital signs (seven observations each) and a tenth as many creatinines and UACRs."""
    chart = _chart(patient)
    sets = max(1, observations * 8 // 10 // 7)
    step = YEARS / (sets + 1)
    for number in range(sets):
        rng = chart.rng
        vital_set(
            chart,
            (AT - timedelta(minutes=20) - step * (sets - 1 - number)).isoformat(),
            respiration=rng.randint(12, 24),
            spo2=rng.randint(92, 99),
            oxygen=0,
            pressure=(rng.randint(100, 150), 75),
            pulse=rng.randint(60, 110),
            consciousness=_ALERT,
            temperature=round(rng.uniform(36.2, 38.4), 1),
        )
    labs = max(1, (observations - 7 * sets) // 2)
    for number in range(labs):
        when = AT - timedelta(hours=4) - YEARS / (labs + 1) * (labs - 1 - number)
        chart.observe(CREATININE, round(chart.rng.uniform(1.4, 2.2), 2), when)
        chart.observe(UACR, chart.rng.randint(200, 600), when)
    return _records(chart)


def creatinines(patient: str, count: int) -> list[Json]:
    """The kidney patient with creatinines only."""
    return [each for each in kidney(patient, count) if "9318-7" not in str(each.get("code"))]


def daily(patient: str, days: int) -> list[Json]:
    """A set of vital signs each day, all at one instant, up to an hour before the evaluation time."""
    chart = _chart(patient)
    for number in range(days):
        rng = chart.rng
        when = (AT - timedelta(hours=1, days=days - 1 - number)).isoformat()
        _set(chart, when, rng.randint(12, 24), rng.randint(92, 99), 0, rng.randint(100, 150), rng.randint(60, 110))
    return _records(chart)


def worse(patient: str, then: datetime) -> list[Json]:
    """Two sets of vital signs and creatinine, an hour before each time: every value differs between them."""
    chart = _chart(patient)
    for when, ill in ((then, False), (AT, True)):
        at = (when - timedelta(hours=1)).isoformat()
        _set(
            chart,
            at,
            26 if ill else 16,
            90 if ill else 97,
            6 if ill else 1,
            95 if ill else 125,
            125 if ill else 75,
            ill,
        )
        chart.observe(CREATININE, 2.4 if ill else 1.1, at)
    return _records(chart)


def _set(
    chart: Chart, when: str, breaths: int, spo2: int, oxygen: int, systolic: int, pulse: int, ill: bool = False
) -> None:
    chart.observe(RESPIRATORY_RATE, breaths, when)
    chart.observe(SPO2, spo2, when)
    chart.observe(OXYGEN_FLOW, oxygen, when)
    blood_pressure(chart, when, systolic, 75)
    chart.observe(HEART_RATE, pulse, when)
    chart.observe(CONSCIOUSNESS, _VOICE if ill else _ALERT, when)
    chart.observe(TEMPERATURE, 39.4 if ill else round(chart.rng.uniform(36.2, 38.4), 1), when)


def _chart(patient: str) -> Chart:
    chart = Chart(patient, AT.isoformat(), "")
    chart.patient("Ada", "female", "1962-03-14")
    chart.condition("hypertension", HYPERTENSION, "2009")
    chart.condition("diabetes", DIABETES_2, "2011-05")
    chart.condition("ckd", CKD, "2023-07-04")
    return chart


def _records(chart: Chart) -> list[Json]:
    """The records with the version and time that servers add."""
    return [
        {**record, "meta": {"versionId": "1", "lastUpdated": when.isoformat(timespec="milliseconds")}}
        for when, record in chart.writes
    ]
