"""What an AKI stage says in the unit of the site: values, references, differences and limits; a doubtful unit stays."""

from zoneinfo import ZoneInfo

import pytest

from ontology.words import PLAIN, Style
from server.explain.dependencies import with_shown_texts
from server.kinds import evaluate
from tests.support.creatinine_courses import AT, DAY, HOUR, Point, given
from tests.support.module_inputs import filled_inputs, module

MOLAR = Style(units={"serum-creatinine": "umol/L"})


def texts(style: Style, *points: Point) -> str:
    made = evaluate(module("aki-stage"), filled_inputs("aki-stage", given(points)), AT)
    shown = with_shown_texts(made, module("aki-stage"), style)
    issues = " | ".join(issue.text for issue in shown.issues)
    return f"{shown.working.claim} | {shown.working.warrant} | {issues}"


# 1 mg/dL is 88.4 µmol/L (113.12 g/mol).
@pytest.mark.parametrize(
    ("points", "plain", "molar"),
    [
        # 0.9 is 79.6, 2.3 is 203.
        (
            [(60 * DAY, 0.9), (6 * HOUR, 2.3)],
            "AKI stage 2: creatinine 2.3 mg/dL, 2.6 times 0.9 (16 Apr)",
            "AKI stage 2: creatinine 203 µmol/L, 2.6 times 79.6 (16 Apr)",
        ),
        (
            [(60 * DAY, 1.0), (6 * HOUR, 1.0)],
            "AKI criteria not met: creatinine 1.0 mg/dL, 1.0 times 1.0",
            "AKI criteria not met: creatinine 88.4 µmol/L, 1.0 times 88.4",
        ),
        # The limits of KDIGO: 0.3 mg/dL is 26.5 µmol/L, as it says itself; 1.5 is 133.
        (
            [(60 * DAY, 1.9), (30 * HOUR, 1.9), (6 * HOUR, 2.3)],
            "Above 1.5 mg/dL a rise of 0.3 mg/dL in 48 hours",
            "Above 133 µmol/L a rise of 26.5 µmol/L in 48 hours",
        ),
        ([(6 * HOUR, 2.27)], "2.27 mg/dL, 201 µmol/L (15 Jun)", "Creatinine 201 µmol/L (15 Jun)"),
        # In doubt is the unit itself.
        ([(60 * DAY, 80.0), (6 * HOUR, 90.0)], "90.0 mg/dL is above 30", "90.0 mg/dL is above 30"),
    ],
)
def test_in_the_unit_of_the_site(points: list[Point], plain: str, molar: str) -> None:
    assert plain in texts(PLAIN, *points)
    assert molar in texts(MOLAR, *points)


@pytest.mark.parametrize(
    ("latest", "claim"),
    [
        (6 * HOUR, "No ongoing AKI episode by creatinine"),
        (7 * DAY, "No ongoing AKI episode by creatinine"),
        # Nobody knows of the days since then.
        (7 * DAY + HOUR, "No AKI episode up to 8 Jun, the latest creatinine; since then not known"),
        (14 * DAY, "No AKI episode up to 1 Jun, the latest creatinine; since then not known"),
    ],
)
def test_no_episode_is_said_up_to_the_latest_creatinine(latest: float, claim: str) -> None:
    points = ((90 * DAY, 1.0), (latest, 1.0))
    made = evaluate(module("aki-episode"), filled_inputs("aki-episode", given(points)), AT)
    assert with_shown_texts(made, module("aki-episode"), PLAIN).working.claim == claim


@pytest.mark.parametrize(
    ("latest", "claim"),
    [
        (12 * DAY, "No ongoing AKI episode on 3 Jun, the latest creatinine; since then not known"),
        (9 * DAY, "No ongoing AKI episode on 6 Jun, the latest creatinine; since then not known"),
    ],
)
def test_an_episode_that_is_over_is_not_denied(latest: float, claim: str) -> None:
    points = dict.fromkeys(((90 * DAY, 1.0), (20 * DAY, 2.3), (19 * DAY, 2.2), (12 * DAY, 1.0), (latest, 1.0)))
    made = evaluate(module("aki-episode"), filled_inputs("aki-episode", given(tuple(points))), AT)
    assert with_shown_texts(made, module("aki-episode"), PLAIN).working.claim == claim


# 15 June 12:00 in UTC.  13 hours before it is 23:00 the day before, which is 1:00 in Berlin; so is 23:30 in winter.
LATE = [(145 * DAY + 12.5, 0.9), (13 * HOUR, 2.3), (6 * HOUR, 2.2)]


@pytest.mark.parametrize(
    ("zone", "reference", "worst"), [(None, "20 Jan", "14 Jun"), (ZoneInfo("Europe/Berlin"), "21 Jan", "15 Jun")]
)
def test_days_in_the_zone_of_the_site_whatever_the_offset_of_the_question(
    zone: ZoneInfo | None, reference: str, worst: str
) -> None:
    shown = f"creatinine 2.3 mg/dL on {worst}, 2.6 times 0.9 ({reference})"
    assert shown in texts(Style(zone=zone), *LATE)
