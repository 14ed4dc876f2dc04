"""The grounds of a card: what decided, as it is recorded, and the same words for as long as the card holds."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from server.hooks.cards import cards_json
from tests.support.charts import condition, creatinine, patient
from tests.support.engine_questions import Record, shipped
from tests.support.hook_advice import advised
from tests.support.hook_ehr import Ehr
from tests.support.hook_site import AT, PATIENTS, SERVICES, anybody, call_of, fixture_records, hook_site
from tests.support.synthetic_answers import synthetic_charts


def grounds(detail: str) -> list[str]:
    return [line.removeprefix("- ") for line in detail.splitlines() if line.startswith("- ")]


def words(card: dict[str, Any]) -> tuple[str, list[str]]:
    return card["summary"], card["detail"].split("\n")


def grounds_of(service: str, records: Sequence[Record], name: str = "p1") -> list[str]:
    of = shipped().services[service]
    (card,) = cards_json(advised(of, records, patient=name), of)
    return grounds(card["detail"])


def test_a_stroke_card_says_since_when_and_which_criteria_gave_the_points() -> None:
    name = "partial-birth-date"
    assert grounds_of("af-stroke-prevention", synthetic_charts()[name], name) == [
        "Atrial fibrillation: on record, 2024",
        "CHA2DS2-VA score: at least 2, up to 8 points, 2026-06-30",
        "Hypertension: yes, 2014 (1 point)",
        "CHA2DS2-VASc score: at least 3, up to 9 points, 2026-06-30",
        "Sex for clinical use: Female (1 point)",
    ]


def test_an_input_that_gave_no_point_is_not_among_them() -> None:
    chart = [patient("1970-01-01"), condition("49436004"), condition("38341003")]
    told = grounds_of("af-stroke-prevention", chart)
    assert "Hypertension: yes, 2020-01-01 (1 point)" in told
    assert not any("(0 points)" in line for line in told)


def test_a_rise_is_shown_from_what_it_rose() -> None:
    name = "sepsis-ward"
    assert grounds_of("aki", synthetic_charts()[name], name) == [
        "Serum creatinine: 2.3 mg/dL, 2026-06-30 10:30 UTC, before that 1.7 mg/dL of 2026-06-30 05:00 UTC, "
        "1.1 mg/dL of 2026-06-29 06:00 UTC, 0.9 mg/dL of 2026-06-28, 0.9 mg/dL of 2026-02-19 and "
        "0.9 mg/dL of 2025-09-11"
    ]


def test_of_many_values_the_latest_are_shown() -> None:
    days = [creatinine(0.8, f"2026-0{month}-10T08:00:00Z") for month in range(1, 7)]
    [line] = grounds_of("aki", [patient(), *days, creatinine(1.9, "2026-06-25T08:00:00Z")])
    assert line.endswith("0.8 mg/dL of 2026-03-10, 0.8 mg/dL of 2026-02-10 and older ones")


@pytest.mark.parametrize("service_id", SERVICES)
async def test_a_card_that_holds_has_the_same_words_some_minutes_later(service_id: str) -> None:
    """Who sees other words reads another card."""
    service, ehr = SERVICES[service_id], Ehr(fixture_records())
    told: list[dict[str, list[tuple[str, list[str]]]]] = []
    for minutes in (10, 17):
        at = AT + timedelta(minutes=minutes)
        async with hook_site(anybody(), ehr, at=at) as site:
            calls = {name: call_of(service, name, site.prefetch(service, name)) for name in PATIENTS}
            answers = {name: await site.cards(service, call) for name, call in calls.items()}
        # A link leads to the answer as of the call.
        told.append({name: [words(each) for each in cards] for name, cards in answers.items()})
    for name, cards in told[0].items():
        assert cards == told[1][name], name
    assert any(told[0].values())
