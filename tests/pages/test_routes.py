"""Who may open the pages, under which headers, and what is said where there is no answer."""

from __future__ import annotations

import gzip
import json
import logging

import pytest

from server.app import application
from server.errors import SettingsError
from server.pages.context import is_open
from tests.support.html_pages import Checked
from tests.support.page_servers import AT, ChartServer, answer_path, serving_chart
from tests.support.settings import make_settings
from tests.support.synthetic_answers import synthetic_charts

PATIENT = "/patients/ehr/ckd-progressing?at=2026-06-30T12:00:00Z"
OPEN = ["/", PATIENT, answer_path("ckd-progressing", "egfr")]
ISSUER = {"id": "as", "issuer": "https://as.example", "audience": "https://us.example", "sources": ["ehr"]}


@pytest.mark.parametrize(
    ("server", "open_"),
    [
        ({}, True),
        ({"host": "::1"}, True),
        ({"host": "localhost"}, True),
        ({"public_url": "https://us.example"}, False),
        ({"host": "0.0.0.0", "allow_anonymous": True}, False),  # noqa: S104
        ({"host": "192.0.2.7", "allow_anonymous": True}, False),
    ],
)
async def test_the_pages_are_open_on_loopback_alone(server: dict[str, object], open_: bool) -> None:
    assert is_open(make_settings(server=server)) is open_
    async with serving_chart("ckd-progressing", server={**server, "deadline": 300}) as client:
        for path in OPEN:
            assert (await client.get(path)).status_code == (200 if open_ else 404), path


@pytest.mark.parametrize("path", OPEN)
async def test_a_page_lets_nothing_in_from_elsewhere_and_is_small(path: str) -> None:
    async with serving_chart("ckd-progressing") as client:
        answer = await client.get(path)
        files = [await client.get(name) for name in ("/pages/page.css", "/pages/page.js")]
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
    assert answer.headers["cache-control"] == "no-store"
    tags = Checked(answer.text).tags
    assert [given["src"] for name, given in tags if name == "script"] == ["/pages/page.js"]
    assert [given["href"] for name, given in tags if name == "link"] == ["/pages/page.css"]
    assert [name for name, _ in tags if name in ("style", "img", "iframe", "object")] == []
    assert all(each.status_code == 200 for each in files)
    parts = (answer.text, *(each.text for each in files))
    assert sum(len(gzip.compress(each.encode())) for each in parts) <= 40 * 1024
    assert len(files[1].text.splitlines()) <= 80


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/patients/other/ckd-progressing", 404, "No such source\nNo source of this id"),
        ("/patients/ehr/a%20b", 404, "not a FHIR id"),
        ("/patients/ehr/ckd-progressing/answer/egfrr", 404, "No such question\nNo concept has the id"),
        ("/patients/ehr/ckd-progressing?at=yesterday", 400, "`at` is no time"),
        ("/patients/ehr/ckd-progressing?at=2026-06-30T12:00:00", 400, "needs a time zone"),
        (
            f"/patients/ehr/ckd-progressing/answer/egfr?at={AT.replace('+', '%2B')}&since=2027-01-01T00:00Z",
            400,
            "since",
        ),
        ("/patients/ehr/ckd-progressing?at=0001-01-01T00:00:00Z", 400, "its year is not"),
        ("/patients/ehr/ckd-progressing/record?url=x&at=9999-12-31T23:59:59-23:00", 400, "its year is not"),
        (f"/patients/ehr/ckd-progressing?at={AT.replace('+', '%2B')}&since=0001-01-01T00:00:00%2B14:00", 400, "since"),
        ("/patients/ehr/ckd-progressing/export/egfr/pdf", 400, "fhir, turtle or json-ld"),
        ("/patients/ehr/%3Cscript%3E", 404, "not a FHIR id"),
    ],
)
async def test_what_cannot_be_answered_says_why_without_a_script(path: str, status: int, text: str) -> None:
    async with serving_chart("ckd-progressing") as client:
        answer = await client.get(path)
    assert answer.status_code == status
    page = Checked(answer.text)
    assert text in page.text and "script" not in {name for name, _ in page.tags}


async def test_a_source_that_is_down_is_said_and_no_number_is_shown() -> None:
    fhir = ChartServer(synthetic_charts()["ckd-progressing"])
    async with serving_chart((), fhir) as client:
        fhir.down = True
        answer = await client.get(answer_path("ckd-progressing", "egfr"))
    assert answer.status_code == 200
    assert "Records could not be retrieved" in answer.text and "<data " not in answer.text
    # That there is not enough data, or never was a value, is not known.
    assert not any(
        text in answer.text for text in ("Not enough data", "No value at any time", "Looked for and not found")
    )
    assert "could not be reached" in answer.text or "did not answer" in answer.text
    assert "Name not read" in answer.text


async def test_a_patient_record_that_cannot_be_read_leaves_the_answer() -> None:
    fhir = ChartServer(synthetic_charts()["ckd-progressing"], gone=["Patient/ckd-progressing"])
    async with serving_chart((), fhir) as client:
        answer = await client.get(answer_path("ckd-progressing", "egfr"))
    assert "Name not read" in answer.text and "23 mL/min/1.73 m²" in answer.text


async def test_the_form_leads_to_the_patient_and_keeps_the_time() -> None:
    async with serving_chart("ckd-progressing") as client:
        answer = await client.get("/patients", params={"source": "ehr", "patient": "ckd-progressing", "at": AT})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/patients/ehr/ckd-progressing?at=2026-06-30T12%3A00%3A00%2B00%3A00"


@pytest.mark.parametrize(
    ("form", "kind"), [("fhir", "application/fhir+json"), ("turtle", "text/turtle"), ("json-ld", "application/ld+json")]
)
async def test_an_answer_is_exported_under_the_name_of_the_question(form: str, kind: str) -> None:
    async with serving_chart("ckd-progressing") as client:
        answer = await client.get(f"/patients/ehr/ckd-progressing/export/egfr/{form}", params={"at": AT})
    assert answer.status_code == 200 and answer.headers["content-type"].startswith(kind)
    assert answer.headers["content-disposition"].startswith('attachment; filename="egfr.')
    assert form == "turtle" or json.loads(answer.text)


async def test_the_log_holds_the_route_alone(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with serving_chart("ckd-progressing") as client:
        await client.get(answer_path("ckd-progressing", "egfr"))
    assert "GET /patients 200" in caplog.text
    ours = [line.getMessage() for line in caplog.records if line.name.startswith("medtwin")]
    assert not any("ckd-progressing" in line or "Ada" in line for line in ours)


async def test_a_page_counts_as_a_question_of_its_caller() -> None:
    """One question a second: the second page of that second is refused, with a page that says so."""
    async with serving_chart("ckd-progressing", server={"deadline": 300, "max_rate": 1}) as client:
        statuses = {(await client.get("/patients/ehr/ckd-progressing/record?url=x")).status_code for _ in range(8)}
    assert 429 in statuses and statuses <= {404, 429}


class OneQuestion:
    """A limit that lets one question in, ever."""

    asked = 0

    async def allows(self, _: str) -> bool:
        self.asked += 1
        return self.asked == 1

    async def aclose(self) -> None:
        """It has no connections."""


async def test_what_is_filled_in_after_counts_as_a_question_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """The claims are there, and instead of the rest it is said that it was not let in."""
    rate = OneQuestion()
    monkeypatch.setattr(application, "_rate_limit", lambda _: rate)
    async with serving_chart("ckd-progressing", pages={"questions": ["egfr"]}) as client:
        page = await client.get(PATIENT)
    assert (page.status_code, rate.asked) == (200, 2)
    text = Checked(page.text).text
    assert "23 mL/min/1.73 m²" in text and "could not be computed: too many questions a second" in text


async def test_a_question_that_is_none_stops_the_start() -> None:
    with pytest.raises(SettingsError, match=r"pages\.questions"):
        async with serving_chart("ckd-progressing", pages={"questions": ["egfr", "egrf"]}):
            pass


async def test_the_claims_come_before_what_is_filled_in_after() -> None:
    async with serving_chart("ckd-progressing") as client:
        text = (await client.get(PATIENT)).text
    assert Checked(text).text.index("What is concluded") < text.index("What changed since")
    assert text.rstrip().endswith("</html>")


async def test_the_site_chooses_the_questions_and_their_order() -> None:
    async with serving_chart("ckd-progressing", pages={"questions": ["uacr", "egfr"]}) as client:
        text = (await client.get(PATIENT)).text
    assert text.index("Urine albumin-creatinine ratio") < text.index("Estimated GFR")
    assert text.count('<li class="question') == 2 and "In the order that this site chose" in text
