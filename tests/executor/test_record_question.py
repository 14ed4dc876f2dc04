"""Which record an address names, and which records an answer rests on."""

import pytest

from collectors.auth.authorisations import NO_CALLER
from collectors.settings import Source
from server.errors import QuestionError
from server.executor.question import Question
from server.executor.record_question import record_at, records_of_trace
from tests.support.charts import creatinine, patient
from tests.support.engine_questions import AT
from tests.support.granted_questions import SeenRequests, granted_app, kidney, source

BASE, ALIAS = "https://ehr.example/fhir", "https://inside.example/r4"
SOURCES = (
    Source(id="ehr", base_url=BASE, aliases=(ALIAS,)),
    Source(id="lab", base_url="https://ehr.example/fhir/lab"),
)


@pytest.mark.parametrize(
    ("address", "named"),
    [
        (f"{BASE}/Observation/o1", ("ehr", "Observation", "o1", None)),
        (f"{BASE}/Observation/o1/_history/2", ("ehr", "Observation", "o1", "2")),
        (f"{ALIAS}/Observation/o1/_history/W2", ("ehr", "Observation", "o1", "W2")),
        (f"{BASE}/lab/Patient/x", ("lab", "Patient", "x", None)),
        # Whatever an answer can name as a record: some servers go beyond what FHIR allows in an id.
        (f"{BASE}/Observation/o_1~a/_history/2_b~", ("ehr", "Observation", "o_1~a", "2_b~")),
        (f"{BASE}/Observation/..a", ("ehr", "Observation", "..a", None)),
        (f"{BASE}/Observation/{'a' * 128}", ("ehr", "Observation", "a" * 128, None)),
    ],
)
def test_an_address_of_a_configured_source(address: str, named: tuple[str, ...]) -> None:
    ref = record_at(address, SOURCES)
    assert (ref.source, ref.type, ref.id, ref.version) == named
    # Never the alias, which is only how records refer to each other.
    assert ref.server == next(each.base_url for each in SOURCES if each.id == named[0])


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("https://evil.example/fhir/Observation/o1", "unknown-source"),
        ("https://ehr.example/Observation/o1", "unknown-source"),
        ("https://ehr.example/fhirx/Observation/o1", "unknown-source"),
        ("http://ehr.example/fhir/Observation/o1", "unknown-source"),
        ("https://ehr.example@evil.example/fhir/Observation/o1", "unknown-source"),
        ("Observation/o1", "unknown-source"),
        ("", "unknown-source"),
        (BASE, "unknown-source"),
        (f"{BASE}/", "record-address"),
        (f"{BASE}/Observation", "record-address"),
        (f"{BASE}/Observation/", "record-address"),
        (f"{BASE}/Observation/{'a' * 129}", "record-address"),
        (f"{BASE}/Observation/.", "record-address"),
        (f"{BASE}/Observation/..", "record-address"),
        (f"{BASE}/Observation/../_history/1", "record-address"),
        (f"{BASE}/Observation/o1/_history/..", "record-address"),
        (f"{BASE}/Observation/o1/", "record-address"),
        (f"{BASE}/Observation/o1/_history", "record-address"),
        (f"{BASE}/Observation/o1/_history/2/3", "record-address"),
        (f"{BASE}/Observation/o1?_format=json", "record-address"),
        (f"{BASE}/Observation/o1#x", "record-address"),
        (f"{BASE}/Observation/../Patient/x", "record-address"),
        (f"{BASE}/Observation/%2e%2e", "record-address"),
        (f"{BASE}/$export/o1", "record-address"),
        (f"{BASE}/Observation/o1\n", "record-address"),
    ],
)
def test_any_other_address_is_refused_without_being_repeated(address: str, code: str) -> None:
    with pytest.raises(QuestionError) as refused:
        record_at(address, SOURCES)
    assert refused.value.code == code
    assert "o1" not in str(refused.value) and "evil" not in str(refused.value)


async def test_the_records_of_an_answer_with_the_patient_they_were_found_by() -> None:
    carried = [{"system": "urn:mrn", "value": "17-A"}]
    servers = SeenRequests(
        ehr=kidney("p1", 1.618, identifier=carried),
        lab=[patient(id="x9", identifier=carried), creatinine(2.7, "2026-06-02T08:30:00Z", id="o-x9", of="x9")],
    )
    sources = [source(name, identifiers=["urn:mrn"]) for name in ("ehr", "lab")]
    async with granted_app(servers, *sources, cache={"enabled": False}) as app:
        earlier = AT.replace(day=1, hour=23)
        trace = await app.engine.ask(Question("p1", ("egfr", "age"), AT, "ehr", earlier_times=(earlier,)))
    found = records_of_trace(trace, NO_CALLER)
    # The older creatinine is that of the run which this one is compared with.
    assert {(each.record.source, each.record.type, each.record.id): each.subject for each in found.values()} == {
        ("ehr", "Patient", "p1"): "p1",
        ("lab", "Observation", "o-x9"): "x9",
        ("ehr", "Observation", "o-p1"): "p1",
    }
    assert {(each.patient, each.source, each.caller) for each in found.values()} == {("p1", "ehr", NO_CALLER)}
    assert all(each.record == ref for ref, each in found.items())
