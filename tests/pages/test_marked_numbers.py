"""Every clinical number on a page is a `<data value>` with unit and time that occur in the GraphQL answer."""

from __future__ import annotations

import re
from datetime import datetime

import pytest

from tests.support.answer_numbers import moments, quantities, scalars
from tests.support.html_pages import Numbers
from tests.support.page_servers import AT, answer_path, graphql_answers, serving_chart

EXEMPT = {"tick", "ages", "when", "title"}
"""Marks of a scale, ages and counts of data, times of records, and the title, which is the question."""
TOKEN = re.compile(r"\d+(?:[.,]\d+)*")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

ANSWERS = [
    ("ckd-progressing", "kidney-failure-risk-5y"),
    ("ckd-progressing", "egfr"),
    ("ckd-progressing", "egfr-slope"),
    ("af-stroke", "cha2ds2-vasc"),
    ("copd-scale-2", "news2"),
    ("sparse", "egfr"),
    ("dialysis", "egfr"),
    ("prevention", "prevent-10y-total-cvd"),
    ("ckd-progressing", "serum-creatinine"),
]


def number_words(texts: list[str]) -> set[str]:
    """The numbers in the sentences, and the parts of their dates as people write them."""
    found = {token for text in texts for token in TOKEN.findall(text)}
    for text in texts:
        for year, month, day in re.findall(r"(\d{4})-(\d\d)-(\d\d)", text):
            found |= {year, str(int(day)), MONTHS[int(month) - 1]}
    return found


@pytest.mark.parametrize(("patient", "concept"), ANSWERS)
async def test_every_number_is_one_of_the_answer(patient: str, concept: str) -> None:
    async with serving_chart(patient) as client:
        page = await client.get(answer_path(patient, concept))
        answers = await graphql_answers(client, patient, concept)
    assert page.status_code == 200
    found = Numbers(page.text)
    known, times = set(quantities(answers)), moments(answers)
    assert found.marked
    for datum in found.marked:
        assert any(abs(datum.value - value) <= 1e-9 * abs(value) and datum.unit == unit for value, unit in known), datum
        assert not datum.time or datetime.fromisoformat(datum.time) in times, datum
    said = number_words([each for each in scalars(answers) if isinstance(each, str)])
    said |= {
        token for each in scalars(answers) if isinstance(each, int | float) for token in TOKEN.findall(f"{each:g}")
    }
    described = number_words(await module_texts(patient, concept))
    for text, classes in found.others:
        if not classes & EXEMPT:
            # A band and a criterion are of the module's description, whether they are met or not.
            assert set(TOKEN.findall(text)) <= (described if "bands" in classes else said), (text, classes)


async def module_texts(patient: str, concept: str) -> list[str]:
    """The bands and the descriptions of the modules of the answer's chain."""
    query = """query Q($patient: ID!, $of: [ID!]!, $at: DateTime) { patient(id: $patient) { results(of: $of, at: $at) {
      chain { module { turtle bands { text } } } } } }"""
    async with serving_chart(patient) as client:
        response = await client.post(
            "/graphql", json={"query": query, "variables": {"patient": patient, "of": [concept], "at": AT}}
        )
    return [each for each in scalars(response.json()) if isinstance(each, str)]


async def test_a_number_that_is_shown_is_the_one_that_is_marked() -> None:
    """1.35 in mg/dL is shown as such: what is read and what a machine reads are one number."""
    async with serving_chart("ckd-progressing") as client:
        page = await client.get(answer_path("ckd-progressing", "kidney-failure-risk-5y"))
    shown = {(datum.text, datum.unit): datum.value for datum in Numbers(page.text).marked}
    assert shown["43.7\N{NARROW NO-BREAK SPACE}%", "%"] == pytest.approx(43.654841)
    assert shown["2.27 mg/dL", "mg/dL"] == 2.27
    assert shown["618 mg/g", "mg/g"] == 618


@pytest.mark.parametrize(("patient", "concept"), ANSWERS)
async def test_one_value_is_shown_as_one_number(patient: str, concept: str) -> None:
    """An age of 64.2959 is 64.2 in the words, in the bars, in the picture and in the steps."""
    async with serving_chart(patient) as client:
        page = await client.get(answer_path(patient, concept))
    shown: dict[tuple[float, str], set[str]] = {}
    for datum in Numbers(page.text).marked:
        shown.setdefault((datum.value, datum.unit), set()).add(TOKEN.findall(datum.text)[0])
    assert all(len(texts) == 1 for texts in shown.values()), shown
