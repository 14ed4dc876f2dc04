"""The words for a record: its quantities are the numbers of the answer, marked; its times are as people write them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from ontology.words.time import time_words
from server.explain.short_text import with_calendar_days
from server.pages.record_words import RecordWords
from tests.support.answer_numbers import moments, quantities
from tests.support.fake_fhir_servers import BASE
from tests.support.html_pages import Numbers
from tests.support.page_servers import AT, graphql_answers, serving_chart

UCUM = "http://unitsofmeasure.org"
WHEN = "2026-06-16T08:10:00+00:00"


def told(**record: Any) -> dict[str, str]:
    spoken = RecordWords(record, lambda when: with_calendar_days(time_words(when.astimezone(UTC))))
    return {each.name: str(each.text) for each in spoken.elements()}


@pytest.mark.parametrize(
    ("patient", "record", "concept", "text"),
    [
        ("ckd-progressing", "ckd-progressing-creatinine-13", "egfr", "2.27 mg/dL"),
        ("sepsis-ward", "sepsis-ward-heart-rate-15", "news2", "132 /min"),
    ],
)
async def test_the_value_of_a_record_is_a_number_of_the_answer(
    patient: str, record: str, concept: str, text: str
) -> None:
    async with serving_chart(patient) as client:
        path = f"/patients/ehr/{patient}/record"
        page = await client.get(path, params={"url": f"{BASE}/Observation/{record}", "of": concept, "at": AT})
        answers = await graphql_answers(client, patient, concept)
    assert page.status_code == 200
    [datum] = Numbers(page.text).marked
    assert datum.text == text
    assert (datum.value, datum.unit) in set(quantities(answers))
    assert datetime.fromisoformat(datum.time) in moments(answers)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (
            {"value": Decimal("2.270"), "unit": "mg/dl", "system": UCUM, "code": "mg/dL"},
            f'<data value="2.270" data-unit="mg/dL" data-time="{WHEN}"><bdi class="words">2.270 mg/dl</bdi></data>',
        ),
        (
            {"value": 15, "unit": "mg/L", "comparator": "<"},
            f'<data value="15" data-unit="mg/L" data-time="{WHEN}" data-comparator="&lt;">'
            '<bdi class="words">&lt;15 mg/L</bdi></data>',
        ),
        ({"value": Decimal("1E+2"), "unit": "U"}, f'<data value="100" data-unit="U" data-time="{WHEN}">'),
        # What is no number is text.
        ({"value": "12", "unit": "mg"}, '<bdi class="words">12 mg</bdi>'),
        ({"value": True, "unit": "<b>"}, '<bdi class="words">True &lt;b&gt;</bdi>'),
    ],
)
def test_a_quantity_is_marked_as_it_was_written(value: dict[str, Any], expected: str) -> None:
    for record in ({"valueQuantity": value}, {"component": [{"valueQuantity": value}]}):
        [text] = [
            text
            for name, text in told(resourceType="Observation", effectiveDateTime=WHEN, **record).items()
            if name.endswith("value quantity")
        ]
        assert text.startswith(expected)


def test_a_limit_of_the_laboratory_has_no_time() -> None:
    low = {"value": Decimal("0.5"), "unit": "mg/dL"}
    found = told(resourceType="Observation", effectiveDateTime=WHEN, referenceRange=[{"low": low}])
    assert found["reference range, low"].startswith('<data value="0.5" data-unit="mg/dL" data-time="">')


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2026-06-16T08:10:00+00:00", "16 Jun 2026 08:10 UTC"),
        ("2026-06-16T10:10:00.5+02:00", "16 Jun 2026 08:10 UTC"),
        ("2026-06-16", "16 Jun 2026"),
        ("2026-06", None),
        ("2026-06-16T08:10:00", None),
        ("2026-13-45", None),
        ("2026-13-45T08:10:00Z", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("on 2026-06-16", None),
    ],
)
def test_a_time_is_written_as_people_do(text: str, shown: str | None) -> None:
    assert told(issued=text)["issued"] == (
        f'<bdi class="words">{text}</bdi>' if shown is None else f'<time datetime="{text}">{shown}</time>'
    )


def test_a_period_has_both_ends() -> None:
    found = told(onsetPeriod={"start": "2026-06-16"}, effectivePeriod={"start": "x<y", "end": "2026-06-17"})
    begun = '<time datetime="2026-06-16">16 Jun 2026</time>'
    assert found["onset period"] == f'{begun} to <bdi class="words">not ended</bdi>'
    assert found["effective period"].startswith('<bdi class="words">x&lt;y</bdi> to <time')


def test_a_name_is_said_once() -> None:
    coding = {"system": "http://loinc.org", "code": "2160-0", "display": "Creatinine"}
    assert told(code={"text": "Creatinine", "coding": [coding]})["code"].count("Creatinine") == 1
    assert "Krea; Creatinine (2160-0" in told(code={"text": "Krea", "coding": [coding]})["code"]
    assert "Krea" in told(code={"text": "Krea"})["code"]
