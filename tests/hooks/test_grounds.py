"""By what an override is recognised: the same facts in an order of tomorrow, and no other facts."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from server.catalog.services import Service
from tests.support.charts import condition, creatinine, lab, patient
from tests.support.engine_questions import Record
from tests.support.hook_advice import AT, LOW, METFORMIN, advised, medication, rule, service

TODAY = "2026-06-16T08:00:00Z"
CREATININE = creatinine(2.3, TODAY, id="o1")
CHART = [patient(), CREATININE, medication()]
OF = service(METFORMIN)


def key(records: Sequence[Record] = CHART, of: Service = OF, **more: object) -> bytes:
    (card,) = advised(of, records, **more).cards  # type: ignore[arg-type]
    return card.grounds_key


KEY = key()


def versioned(record: Record, version: str) -> Record:
    return {**record, "meta": {"versionId": version}}


@pytest.mark.parametrize(
    ("records", "of"),
    [
        ([patient(), CREATININE, medication(id="m2")], OF),
        ([patient(), CREATININE, medication(text="Metformin 1 g")], OF),
        ([*CHART, medication(id="m2")], OF),
        ([CHART[2], CHART[1], CHART[0]], OF),
        (CHART, replace(OF, title="Another title", version="2.0.0")),
        (CHART, service(replace(METFORMIN, title="Other words", suggests_removal=False))),
    ],
    ids=["another order", "other words", "two orders", "another sequence", "another title", "other words of the rule"],
)
def test_the_same_facts_have_the_same_key(records: list[Record], of: Service) -> None:
    assert key(records, of) == KEY


def test_an_order_of_tomorrow_on_the_same_facts_has_the_same_key() -> None:
    assert key(at=AT + timedelta(days=1)) == KEY


@pytest.mark.parametrize(
    ("records", "of"),
    [
        ([patient(), creatinine(2.4, TODAY, id="o1"), medication()], OF),
        ([patient(), creatinine(2.3, TODAY, id="o2"), medication()], OF),
        ([patient(), versioned(CREATININE, "2"), medication()], OF),
        ([*CHART, creatinine(2.3, "2026-06-20T08:00:00Z", id="o3")], OF),
        ([*CHART, condition("14669001", TODAY)], OF),
        ([patient("1940-01-01"), CREATININE, medication()], OF),
        ([patient(), CREATININE, medication("Metformin", None)], OF),
        (CHART, replace(OF, id="another")),
        (CHART, service(replace(METFORMIN, also=("metformin",)))),
        (CHART, service(rule("gfr-category", *LOW))),
    ],
    ids=[
        *("another value", "another record", "another version", "a newer record", "a diagnosis", "another birth date"),
        *("by words alone", "another service", "a drug on the list", "no draft asked for"),
    ],
)
def test_other_facts_speak_again(records: list[Record], of: Service) -> None:
    assert key(records, of) != KEY


def test_what_is_shown_beside_the_grounds_speaks_again_with_another_value() -> None:
    """H105: a score that is shown beside a flag rises, while the flag stays what it was."""
    shown = service(replace(METFORMIN, also=("heart-rate", "metformin")))

    def beating(rate: float, id_: str = "h1", **more: object) -> bytes:
        return key([*CHART, lab("8867-4", rate, "/min", TODAY, id_)], shown, **more)

    assert beating(80) == beating(80.0, "h2")
    assert len({beating(80), beating(120), key(CHART, shown)}) == 3


def test_another_band_has_another_key_though_the_rule_is_the_same() -> None:
    assert key([patient(), creatinine(5.0, TODAY, id="o1"), medication()]) != KEY


def test_no_name_is_in_a_key() -> None:
    named = {**patient(), "name": [{"family": "Mustermann"}]}
    assert key([named, *CHART[1:]]) == KEY and b"Mustermann" not in KEY
