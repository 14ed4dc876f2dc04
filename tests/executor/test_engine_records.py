"""Who may read a record itself, before anything is sent; and what a source that answers something else is taken for."""

import json
from dataclasses import replace

import pytest

from collectors.auth.authorisations import Caller
from collectors.errors import AuthorisationError, OtherPatientError, ScopeError, TokenRequiredError
from collectors.supplied_records import OFFLINE, from_records
from ontology.errors import MedtwinError
from ontology.resources import RecordRef
from server.access.grant import caller_of
from server.errors import QuestionError
from server.executor.record_question import RecordQuestion
from tests.support.charts import condition
from tests.support.granted_questions import GrantedApp, granted_app, kidney, make_grant, source
from tests.support.readable_servers import ReadableServers, answering, versioned

OFF = {"enabled": False}
CREATININE = RecordRef("ehr", "https://ehr.example/fhir", "Observation", "o-p1", "1")
BOTH = (source("ehr"), source("lab"))


def chart() -> list[dict[str, object]]:
    return [versioned(each) for each in (*kidney("p1", 1.618), *kidney("p2", 2.718), condition("49436004", id="c1"))]


async def refused(app: GrantedApp, question: RecordQuestion) -> MedtwinError:
    with pytest.raises(MedtwinError) as error:
        await app.engine.record(question)
    return error.value


def bound(app: GrantedApp, **changes: object) -> Caller:
    return caller_of(make_grant(**changes), None, app.engine.source("ehr"), "p1")  # type: ignore[arg-type]


async def test_a_caller_reads_the_records_of_their_patient_alone() -> None:
    servers = ReadableServers(ehr=chart(), lab=chart())
    async with granted_app(servers, *BOTH, cache=OFF) as app:
        caller = bound(app)
        mine = RecordQuestion(CREATININE, "p1", "ehr", caller=caller)
        assert (await app.engine.record(mine)).ref == CREATININE
        servers.reads.clear()
        for changed, code in (
            (replace(mine, patient="p2"), "other-patient"),
            # The same id in another source is somebody else.
            (replace(mine, source="lab"), "other-patient"),
            (replace(mine, patient=None), "patient-required"),
            (replace(mine, source="nowhere"), "unknown-source"),
            (replace(mine, record=replace(CREATININE, source="nowhere")), "unknown-source"),
        ):
            error = await refused(app, changed)
            assert isinstance(error, QuestionError) and error.code == code
        assert servers.reads == []
        # A forged id is read, and is found to be another's.
        forged = replace(mine, record=replace(CREATININE, id="o-p2"))
        assert isinstance(await refused(app, forged), OtherPatientError)
        assert servers.reads == [("ehr", "Observation/o-p2/_history/1")]


@pytest.mark.parametrize(
    ("scope", "read"),
    [
        ("patient/*.rs", True),
        ("patient/*.r", True),
        ("user/Observation.read", True),
        ("patient/Observation.s", False),
        ("patient/Condition.rs patient/Patient.rs", False),
        ("patient/Observation.rs?category=laboratory", False),
        ("patient/observation.rs", False),
        ("", False),
    ],
)
async def test_a_type_needs_the_right_to_read_it(scope: str, read: bool) -> None:
    servers = ReadableServers(ehr=chart())
    async with granted_app(servers, cache=OFF) as app:
        question = RecordQuestion(CREATININE, "p1", "ehr", caller=bound(app, scope=scope))
        if read:
            await app.engine.record(question)
        else:
            assert isinstance(await refused(app, question), ScopeError)
    assert len(servers.reads) == read


async def test_a_joined_source_must_be_the_issuers_and_the_patient_known_there() -> None:
    servers = ReadableServers(ehr=chart(), lab=[versioned(each) for each in kidney("x9", 2.718)])
    theirs = RecordRef("lab", "https://lab.example/fhir", "Observation", "o-x9", "1")
    async with granted_app(servers, *BOTH, cache=OFF) as app:
        wide = bound(app, sources=frozenset({"ehr", "lab"}))
        question = RecordQuestion(theirs, "p1", "ehr", "x9", caller=wide)
        assert (await app.engine.record(question)).ref == theirs
        servers.reads.clear()
        assert isinstance(await refused(app, replace(question, caller=bound(app))), AuthorisationError)
        # Without knowing whom the patient is there, no record of it is theirs: not even of one with the same id.
        assert isinstance(await refused(app, replace(question, subject=None)), OtherPatientError)
        assert servers.reads == []


async def test_a_token_goes_to_the_source_that_it_is_for() -> None:
    servers = ReadableServers(ehr=chart(), lab=chart())
    there = replace(CREATININE, source="lab", server="https://lab.example/fhir")
    sources = (source("ehr", auth="caller"), source("lab", auth="caller"))
    async with granted_app(servers, *sources, cache=OFF) as app:
        caller = Caller("the.token")
        await app.engine.record(RecordQuestion(CREATININE, "p1", caller=caller))
        assert set(servers.tokens) == {("ehr", "Bearer the.token")}
        servers.reads.clear()
        error = await refused(app, RecordQuestion(there, "p1", "ehr", "p1", caller=caller))
        assert isinstance(error, AuthorisationError) and "the.token" not in str(error)
        assert isinstance(await refused(app, RecordQuestion(CREATININE, "p1")), TokenRequiredError)
    assert servers.reads == []


@pytest.mark.parametrize("name", [".", "..", "a/b", "o1?x", "o1#", "", "x" * 129, "o1\n"])
async def test_a_name_that_is_none_makes_no_address(name: str) -> None:
    servers = ReadableServers(ehr=chart())
    async with granted_app(servers, cache=OFF) as app:
        for ref in (replace(CREATININE, id=name), replace(CREATININE, type=name), replace(CREATININE, version=name)):
            assert "cannot be requested" in str(await refused(app, RecordQuestion(ref, "p1")))
    assert servers.reads == []


async def test_a_reference_to_another_patient_is_not_followed() -> None:
    linked = {**chart()[1], "performer": [{"reference": "Patient/p2"}, {"reference": "Group/g1"}]}
    servers = ReadableServers(ehr=[*chart()])
    servers.faults = {
        ("ehr", "Observation/o-p1/_history/1"): answering(linked),
        ("ehr", "Group/g1"): answering({"resourceType": "Group", "id": "g1"}),
    }
    async with granted_app(servers, cache=OFF) as app:
        for kind, id_ in (("Patient", "p2"), ("Group", "g1")):
            wanted = RecordRef("ehr", CREATININE.server, kind, id_)
            error = await refused(app, RecordQuestion(wanted, "p1", referenced_by=CREATININE))
            assert isinstance(error, OtherPatientError) and id_ not in str(error)


async def test_what_was_supplied_is_not_fetched() -> None:
    servers = ReadableServers(ehr=chart())
    given = versioned(kidney("p1", 9.9)[1], note=[{"text": "as handed in"}])
    supplied = from_records(json.dumps([kidney("p1", 9.9)[0], given]).encode(), (), "p1")
    async with granted_app(servers, cache=OFF) as app:
        content = await app.engine.record(RecordQuestion(CREATININE, "p1"), supplied)
        assert content.values["note"] and servers.reads == []
        # Another version than the file has is the source's to give; without a source there is none.
        newer = replace(CREATININE, version="2")
        servers.faults = {("ehr", "Observation/o-p1/_history/2"): answering(versioned(chart()[1], "2"))}
        assert (await app.engine.record(RecordQuestion(newer, "p1"), supplied)).ref.version == "2"
        assert len(servers.reads) == 1
        offline = RecordRef(OFFLINE.id, OFFLINE.base_url, "Observation", "o-p1", "2")
        with pytest.raises(MedtwinError, match="was not supplied"):
            await app.engine.record(RecordQuestion(offline, "p1"), supplied)
    assert len(servers.reads) == 1
