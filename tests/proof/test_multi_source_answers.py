"""Answers from several sources and from supplied records: what was asked, and which source each record names."""

import tomllib
from pathlib import Path

import httpx
import pytest

from collectors.reading.supplied import encode_resource
from collectors.supplied_records import from_prefetch, from_records
from server.cli import main
from server.compiler.compilation import compile_plan
from server.compiler.searches import prefetch_templates
from server.executor.engine import Engine
from server.executor.question import Question
from server.explain.explain import explain
from server.explain.prov import serialize_result
from server.explain.text import render_argument
from server.settings import Settings
from tests.support.charts import creatinine, patient
from tests.support.engine_questions import AT, shipped
from tests.support.multi_source_servers import Servers

REPO = Path(__file__).parents[2]
PAGE = (REPO / "docs/sources.md").read_text(encoding="utf-8")
MRN = [{"system": "https://hospital.example/mrn", "value": "17-A"}]
OF = ("egfr", "serum-creatinine", "cha2ds2-vasc")
MINE = [patient(identifier=MRN), creatinine(1.1, "2026-06-01T08:30:00Z", meta={"versionId": "3"})]
HERS = [patient(id="77", identifier=MRN), creatinine(1.6, "2026-06-02T08:30:00Z", subject={"reference": "Patient/77"})]


def from_page() -> Settings:
    written = PAGE.split("```toml\n")[1].split("```")[0]
    return Settings.model_validate({**tomllib.loads(written), "cache": {"enabled": False}})


def test_the_page_shows_settings_that_are_read() -> None:
    ranks = {source.id: source.rank for source in from_page().endpoints()}
    assert ranks == {"lab": 0, "ehr": 1, "wearables": 2}


async def test_each_record_says_which_source_it_is_from() -> None:
    servers = Servers(ehr=MINE, lab=HERS)
    async with await Engine.open(
        from_page(), shipped(), httpx.AsyncClient(transport=httpx.MockTransport(servers))
    ) as engine:
        trace = await engine.ask(Question("p1", OF, AT, "ehr"))
    assert servers.of("wearables") in ([], ["metadata", "smart-configuration"])
    egfr, recorded, _ = explain(trace)
    assert "(lab)" in render_argument(egfr)
    (record,) = recorded.records
    assert (record.source, record.server) == ("lab", "https://lab.example/fhir")
    told = serialize_result(egfr)
    assert "https://lab.example/fhir/Observation/" in told and "https://ehr.example/fhir/Patient/p1" in told
    assert trace.source == "ehr" and trace.reference == "https://ehr.example/fhir/Patient/p1"


async def test_one_measurement_in_two_sources_is_told_once_with_both_records() -> None:
    copied = creatinine(1.1, "2026-06-01T08:30:00Z", subject={"reference": "Patient/77"})
    servers = Servers(ehr=MINE, lab=[HERS[0], copied])
    http = httpx.AsyncClient(transport=httpx.MockTransport(servers))
    async with await Engine.open(from_page(), shipped(), http) as engine:
        (recorded,) = explain(await engine.ask(Question("p1", ("serum-creatinine",), AT, "ehr")))
    assert {record.source for record in recorded.records} == {"ehr", "lab"}
    assert "2 records of lab and ehr" in render_argument(recorded)


async def test_a_callers_token_goes_to_the_source_that_was_named_only() -> None:
    sources = [
        {"id": name, "base_url": f"https://{name}.example/fhir", "auth": "caller", "identifiers": [MRN[0]["system"]]}
        for name in ("ehr", "lab")
    ]
    servers = Servers(ehr=MINE, lab=HERS)
    settings = Settings.model_validate({"sources": sources, "cache": {"enabled": False}})
    async with await Engine.open(
        settings, shipped(), httpx.AsyncClient(transport=httpx.MockTransport(servers))
    ) as engine:
        trace = await engine.ask(Question("p1", OF, AT, "ehr", token="a-token"))
    assert "Patient" not in servers.of("lab") and "Observation" not in servers.of("lab")
    assert any(issue.code == "not-joined" for issue in trace.issues)


async def test_a_prefetch_gives_the_answers_that_fetching_gives() -> None:
    plan = compile_plan(shipped(), OF)
    templates = prefetch_templates(plan)
    answers = {key: encode_resource({"resourceType": "Bundle", "type": "searchset", "entry": []}) for key in templates}
    answers["patient"] = encode_resource(MINE[0])
    answers["observation"] = encode_resource(
        {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": MINE[1]}]}
    )
    servers = Servers(ehr=MINE)
    http = httpx.AsyncClient(transport=httpx.MockTransport(servers))
    source = {"id": "ehr", "base_url": "https://ehr.example/fhir"}
    settings = Settings.model_validate({"sources": [source], "cache": {"enabled": False}})
    async with await Engine.open(settings, shipped(), http) as engine:
        fetched = await engine.ask(Question("p1", OF, AT))
        servers.requests.clear()
        handed = await engine.ask(Question("p1", OF, AT), from_prefetch(answers, plan.searches, "p1"))
    assert [kind for kind in servers.of("ehr") if kind[0].isupper()] == []
    assert [render_argument(each) for each in explain(handed)] == [render_argument(each) for each in explain(fetched)]


async def test_without_a_source_what_was_not_handed_in_is_unknown() -> None:
    async with await Engine.open(Settings.model_validate({"cache": {"enabled": False}}), shipped()) as engine:
        part = await engine.ask(Question("p1", OF, AT), from_records(MINE, ("Observation",), "p1"))
        whole = await engine.ask(Question("p1", OF, AT), from_records(MINE, ("Observation", "Condition"), "p1"))
    assert "not-handed-in" in {issue.code for issue in part.issues}
    egfr, _, score = explain(part)
    assert "not requested" in render_argument(score)
    assert explain(whole)[0].text == egfr.text


@pytest.mark.parametrize("form", ["text", "json", "turtle"])
def test_the_command_line_answers_from_a_file(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "handed.json"
    file.write_bytes(
        encode_resource({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": r} for r in MINE]})
    )
    (tmp_path / "medtwin.toml").write_text("[cache]\nenabled = false\n")
    given = ["--bundle", str(file), "--complete", "Observation,Condition", "--at", AT.isoformat(), "--format", form]
    assert main(["ask", "p1", "egfr", *given]) == 0
    assert "handed-in" in capsys.readouterr().out
    assert main(["ask", "p1", "egfr", "--bundle", str(tmp_path / "none.json")]) == 1
    assert "the bundle cannot be read" in capsys.readouterr().err
