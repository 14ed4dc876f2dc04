"""Numbers and days within the texts of modules: in the units and the zone of whoever reads them."""

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from ontology.evaluation import SlotInput
from ontology.values import Quantity
from ontology.words import PLAIN, Style
from ontology.words.values import input_words, is_marked, marked_amount, marked_day, marked_days, rendered
from tests.support.module_inputs import catalog

CONCEPTS = {"creatinine": catalog().concepts["serum-creatinine"], "uacr": catalog().concepts["uacr"]}
MOLAR = Style(units={"serum-creatinine": "umol/L", "uacr": "mg/mmol"})
VALUE = Decimal("2.27")
LATE = datetime(2026, 6, 16, 23, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("style", "alone", "both", "shown"),
    [
        (PLAIN, False, False, "2.27 mg/dL"),
        (PLAIN, True, False, "2.27"),
        (PLAIN, False, True, "2.27 mg/dL"),
        # 2.27 mg/dL × 88.4 (113.12 g/mol) = 200.7 µmol/L
        (MOLAR, False, False, "201 µmol/L"),
        (MOLAR, True, False, "201"),
        (MOLAR, False, True, "201 µmol/L = 2.27 mg/dL"),
        (Style(units={"uacr": "mg/mmol"}), False, False, "2.27 mg/dL"),
    ],
)
def test_a_number_in_the_unit_of_the_site(style: Style, alone: bool, both: bool, shown: str) -> None:
    words = "2.27" if alone else "2.27 mg/dL"
    text = f"Creatinine {marked_amount('creatinine', VALUE, 'mg/dL', words, alone, both)} today."
    assert is_marked(text)
    assert rendered(text, CONCEPTS, style) == f"Creatinine {shown} today."


@pytest.mark.parametrize(
    ("zone", "shown"),
    [(None, "2026-06-16"), (ZoneInfo("Europe/Berlin"), "2026-06-17"), (ZoneInfo("America/New_York"), "2026-06-16")],
)
def test_a_day_in_the_zone_of_the_site(zone: ZoneInfo | None, shown: str) -> None:
    assert rendered(f"on {marked_day(LATE)}", {}, Style(zone=zone)) == f"on {shown}"


NEW_YEAR = datetime(2025, 12, 31, 23, 30, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("first", "last", "zone", "shown"),
    [
        (LATE, LATE, None, "on 16 Jun"),
        (LATE, LATE, BERLIN, "on 17 Jun"),
        # However the instant is written.
        (LATE.astimezone(ZoneInfo("Asia/Tokyo")), LATE, None, "on 16 Jun"),
        # Two days in UTC, one in Berlin; and the other way round.
        (LATE, datetime(2026, 6, 17, 8, tzinfo=UTC), None, "16 Jun to 17 Jun"),
        (LATE, datetime(2026, 6, 17, 8, tzinfo=UTC), BERLIN, "on 17 Jun"),
        (datetime(2026, 6, 16, 8, tzinfo=UTC), LATE, BERLIN, "16 Jun to 17 Jun"),
        # The year, in winter time.
        (NEW_YEAR, LATE, None, "31 Dec 2025 to 16 Jun 2026"),
        (NEW_YEAR, LATE, BERLIN, "1 Jan to 17 Jun"),
    ],
)
def test_days_in_brief_in_the_zone_of_the_site(
    first: datetime, last: datetime, zone: ZoneInfo | None, shown: str
) -> None:
    at = datetime(2026, 6, 30, 12, tzinfo=UTC)
    assert rendered(marked_days(first, last, at, on=True), {}, Style(zone=zone)) == shown
    assert rendered(marked_days(first, last, at), {}, Style(zone=zone)) == shown.removeprefix("on ")


def test_several_in_one_text_and_none() -> None:
    text = f"{marked_amount('uacr', Decimal(618), 'mg/g', '618.0 mg/g')} on {marked_day(LATE)}"
    # 618 mg/g / 8.84 = 69.9 mg/mmol
    assert rendered(text, CONCEPTS, MOLAR) == "69.9 mg/mmol on 2026-06-16"
    assert not is_marked("618 mg/g") and rendered("618 mg/g", CONCEPTS, MOLAR) == "618 mg/g"


def test_of_a_slot_that_is_not_known_the_number_is_as_it_was() -> None:
    assert rendered(marked_amount("other", VALUE, "mg/dL", "2.27 mg/dL"), CONCEPTS, MOLAR) == "2.27 mg/dL"


def test_an_input_that_a_rule_or_a_score_read() -> None:
    read = input_words(SlotInput(Quantity(Decimal(618), "mg/g")), slot="uacr")
    assert rendered(read, CONCEPTS, MOLAR) == "69.9 mg/mmol = 618 mg/g"
    assert rendered(read, CONCEPTS) == "618 mg/g"
    assert not is_marked(input_words(SlotInput(Quantity(Decimal(3), "{score}")), slot="score"))
