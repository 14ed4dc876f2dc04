"""Every text of every record is hostile at once: nothing of it acts, and no page is lost."""

from __future__ import annotations

import copy
import json
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.fake_fhir_servers import BASE
from tests.support.html_pages import Checked
from tests.support.page_servers import AT, answer_path, serving_chart
from tests.support.synthetic_answers import synthetic_charts

PATIENT = "copd-scale-2"
TEXTS = {
    "script": "</title></style><script>alert(1)</script><svg onload=alert(1)>",
    "attribute": '" onmouseover="alert(1)" x=\'y\' `',
    "template": "{{ 7*7 }}{% raw %}${7*7}",
    "turned": "\N{RIGHT-TO-LEFT OVERRIDE}3.2\N{POP DIRECTIONAL FORMATTING}\N{RIGHT-TO-LEFT ISOLATE}",
    "control": "a\x07b\x1b[31mc\x85d\u2028e\u200bf",
    "long": "x" * 10_000,
    "combining": "o" + "\N{COMBINING DIAERESIS}" * 500,
}
FREE = frozenset({"display", "text", "family", "unit", "note", "comment", "description", "valueString", "label", "div"})
"""Elements that hold words: what is bent in them changes no meaning of a record."""


def bent(node: Any, text: str) -> Any:
    """The record with this text in the place of every word that a person may write."""
    if isinstance(node, dict):
        return {
            key: text if key in FREE and isinstance(value, str) else [text] if key == "given" else bent(value, text)
            for key, value in node.items()
        }
    return [bent(each, text) for each in node] if isinstance(node, list) else node


def chart(text: str) -> list[dict[str, Any]]:
    records = [bent(copy.deepcopy(dict(each)), text) for each in synthetic_charts()[PATIENT]]
    for record in records:
        if record["resourceType"] == "Patient":
            record["identifier"] = [{"type": {"text": text}, "system": f"urn:x:{quote(text)[:80]}", "value": text}]
        if record["resourceType"] == "Observation":
            record["note"] = [{"text": text}]
            record["interpretation"] = [{"text": text, "coding": [{"system": text, "code": text, "display": text}]}]
            record["referenceRange"] = [{"text": text, "low": {"value": 1, "unit": text}}]
            record["bodySite"] = {"text": text}
            record["performer"] = [{"display": text}]
    return records


def pages() -> list[str]:
    records = [each for each in synthetic_charts()[PATIENT] if each["resourceType"] in ("Patient", "Observation")]
    shown = {each["resourceType"]: f"{BASE}/{each['resourceType']}/{each['id']}" for each in records}
    when = AT.replace("+", "%2B")
    return [
        f"/patients/ehr/{PATIENT}?at={when}",
        answer_path(PATIENT, "news2"),
        answer_path(PATIENT, "spo2"),
        *(f"/patients/ehr/{PATIENT}/record?url={quote(url, safe='')}&at={when}" for url in shown.values()),
    ]


def assert_harmless(text: str) -> None:
    """Tags close in order, and none of them came from a record."""
    checked = Checked(text)
    names = [name for name, _ in checked.tags]
    assert [given.get("src") for name, given in checked.tags if name == "script"] == ["/pages/page.js"]
    assert not {"img", "iframe", "object", "style", "base"} & {*names}
    forms = [
        (given.get("class"), given.get("method"), given.get("action")) for name, given in checked.tags if name == "form"
    ]
    assert forms in ([], [("compare", "get", f"/patients/ehr/{PATIENT}")])
    for name, given in checked.tags:
        assert not [key for key in given if key.startswith("on") or key in ("style", "srcdoc", "formaction")], name
        assert (given.get("href") or "/").startswith(("/", "#")), given
    assert "49" not in checked.text.partition("{{ 7*7 }}")[2][:20]
    # Control characters do nothing in a page, and are none of a page's own.
    assert not [sign for sign in checked.text if sign < " " and sign not in "\n\t\r"]
    assert not {"\N{RIGHT-TO-LEFT OVERRIDE}", "\N{RIGHT-TO-LEFT ISOLATE}", "\x85", "\x1b"} & {*text}


@pytest.mark.parametrize("kind", TEXTS)
async def test_no_text_of_a_record_acts(kind: str) -> None:
    async with serving_chart(chart(TEXTS[kind])) as client:
        for path in pages():
            answer = await client.get(path)
            assert answer.status_code == 200, (path, answer.text[:300])
            assert_harmless(answer.text)
            policy = answer.headers["content-security-policy"]
            assert "unsafe" not in policy and "default-src 'none'" in policy and "script-src 'self'" in policy
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("kind", ["script", "turned", "long"])
@pytest.mark.parametrize("form", ["fhir", "turtle", "json-ld"])
async def test_an_export_is_a_file_and_no_page(form: str, kind: str) -> None:
    async with serving_chart(chart(TEXTS[kind])) as client:
        answer = await client.get(f"/patients/ehr/{PATIENT}/export/news2/{form}", params={"at": AT})
    assert answer.status_code == 200 and answer.headers["content-disposition"].startswith("attachment")
    assert "html" not in answer.headers["content-type"] and answer.headers["x-content-type-options"] == "nosniff"
    assert form == "turtle" or json.loads(answer.text)


WHEN = "2026-06-30T12:00:00Z"


@pytest.mark.parametrize(
    "query",
    [
        "at=<script>alert(1)</script>", "at=9999-12-31T23:59:59Z", "at=0001-01-01T00:00:00Z", "at=2026-06-30",
        "at=2026-06-30T12:00:00%2B99:99", "at=%00", "at=2026-W27-2T12:00:00Z", "at=" + "9" * 5_000,
        f"at={WHEN}&since=0001-01-01T00:00:00Z", f"at={WHEN}&since=9999-12-31T00:00:00Z",
        f"at={WHEN}&since=javascript:1",
        f"at={WHEN}&at=2020-01-01T00:00:00Z", "at=2026-06-30T12:00:00-23:59", "at=%F0%9F%92%A3", "since=%E2%80%AE",
        "at=0001-01-01T00:00:00%2B14:00", "at=9999-12-31T23:59:59-14:00",
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["", "/answer/egfr", "/record", "/export/egfr/fhir"])
async def test_bent_times_are_refused_in_words_or_answered(path: str, query: str) -> None:
    """None is an internal error, and no answer repeats what was sent as markup."""
    async with serving_chart("healthy", pages={"questions": ["egfr"]}) as client:
        answer = await client.get(f"/patients/ehr/healthy{path}?{query}")
    assert answer.status_code in (200, 400, 403, 404), (answer.status_code, answer.text[:300])
    assert "<script>alert" not in answer.text and "internal" not in answer.text[:200]
    if answer.status_code == 200:
        # The end is there: what is filled in after the claims did not fail.
        assert path.startswith("/export") or answer.text.rstrip().endswith("</html>")
    else:
        names = [name for name, _ in Checked(answer.text).tags]
        assert "script" not in names and len(answer.text) < 4_000


@pytest.mark.parametrize(
    "path",
    [
        "/patients/ehr/..%2Fadmin", "/patients/ehr/%2e%2e", "/patients/ehr/a%00b", "/patients/ehr/" + "a" * 65,
        "/patients/%3Cscript%3E/x", "/patients/ehr/healthy/answer/%3Cscript%3E", "/patients/ehr/healthy/answer/..%2F..",
        "/patients/ehr/healthy/export/egfr/..%2Fetc", "/patients/ehr/healthy/export/%0d%0aX:y/fhir",
        "/patients/ehr/healthy/answer/" + "e" * 5_000, "/patients?patient=%0d%0aSet-Cookie:x=1",
        "/patients?patient=//evil.example", "/patients?source=x&patient=healthy",
        "/patients?patient=healthy&at=%0d%0aX:y",
    ],
)  # fmt: skip
async def test_bent_paths_lead_nowhere(path: str) -> None:
    async with serving_chart("healthy") as client:
        answer = await client.get(path)
    assert answer.status_code in (303, 400, 404), (answer.status_code, answer.text[:200])
    assert "set-cookie" not in answer.headers and "x" not in answer.headers
    if answer.status_code == 303:
        assert answer.headers["location"].startswith("/patients/ehr/")
    elif answer.headers["content-type"].startswith("text/html"):
        assert "script" not in {name for name, _ in Checked(answer.text).tags}
