"""Whether a question is a token's to ask: source and patient, and to whom a token is passed on."""

from dataclasses import replace

import pytest

from collectors.auth.authorisations import Caller
from collectors.auth.permissions import EVERYTHING, Permissions
from collectors.errors import TokenRequiredError
from collectors.settings import Source
from server.access.grant import Audiences, Grant, bind, caller_of, may_pass_on
from server.errors import QuestionError

OURS, EHR_URL = "https://cds.example/graphql", "https://ehr.example/fhir"
EHR = Source("ehr", EHR_URL, aliases=("https://old.example/fhir",))
OWN = replace(EHR, auth="caller")
LAB = Source("lab", "https://lab.example/fhir")
GRANT = Grant(
    issuer="as",
    subject="dr-who",
    client="app",
    sources=frozenset({"ehr"}),
    patient="p1",
    patient_source="ehr",
    any_patient=False,
    scope="patient/*.rs",
    audience=frozenset({OURS}),
    own_audience=frozenset({OURS}),
    expires=2e9,
    token="secret.token.text",
)
FOR_EHR = replace(GRANT, audience=frozenset({EHR_URL}), own_audience=frozenset())
NO_PATIENT = replace(GRANT, patient=None)


@pytest.mark.parametrize(
    ("grant", "source", "patient"),
    [
        (None, EHR, "anybody"),
        (GRANT, EHR, "p1"),
        (GRANT, EHR, "Patient/p1"),
        (GRANT, EHR, f"{EHR_URL}/Patient/p1"),
        (GRANT, EHR, "https://old.example/fhir/Patient/p1/_history/2"),
        (replace(GRANT, sources=frozenset({"ehr", "lab"})), EHR, "p1"),
        (replace(GRANT, sources=frozenset({"ehr", "lab"}), patient_source="lab"), LAB, "p1"),
        (replace(NO_PATIENT, sources=frozenset({"ehr", "lab"}), any_patient=True), LAB, "p1"),
        (replace(NO_PATIENT, any_patient=True), EHR, "p2"),
        (NO_PATIENT, OWN, "p2"),
    ],
)
def test_a_question_of_the_tokens_own_patient_is_allowed(grant: Grant | None, source: Source, patient: str) -> None:
    bind(grant, source, patient)


@pytest.mark.parametrize(
    ("grant", "source", "patient", "code"),
    [
        (GRANT, EHR, "p2", "other-patient"),
        (GRANT, EHR, "P1", "other-patient"),
        (GRANT, EHR, "p1 ", "other-patient"),
        (GRANT, EHR, "p1\n", "other-patient"),
        (GRANT, EHR, "", "other-patient"),
        (GRANT, EHR, "Patient/p2", "other-patient"),
        (GRANT, EHR, "Patient/p1/../p2", "other-patient"),
        (GRANT, EHR, "p1/../p2", "other-patient"),
        (GRANT, EHR, "p1?x=p2", "other-patient"),
        (GRANT, EHR, "p1,p2", "other-patient"),
        (GRANT, EHR, f"{EHR_URL}/Patient/p2", "other-patient"),
        (GRANT, EHR, "https://lab.example/fhir/Patient/p1", "other-patient"),
        (GRANT, EHR, f"{EHR_URL}.evil.example/Patient/p1", "other-patient"),
        # An issuer whose tokens may be for anybody still binds a token that names somebody; so does a passed token.
        (replace(GRANT, any_patient=True), EHR, "p2", "other-patient"),
        (GRANT, OWN, "p2", "other-patient"),
        (GRANT, LAB, "p1", "source-not-permitted"),
        (replace(NO_PATIENT, any_patient=True), LAB, "p1", "source-not-permitted"),
        (replace(GRANT, sources=frozenset()), EHR, "p1", "source-not-permitted"),
        # In another source of the issuer the same id is somebody else's.
        (replace(GRANT, sources=frozenset({"ehr", "lab"})), LAB, "p1", "source-not-permitted"),
        (replace(GRANT, sources=frozenset({"ehr", "lab"}), any_patient=True), LAB, "p1", "source-not-permitted"),
        (NO_PATIENT, EHR, "p1", "patient-required"),
        (replace(GRANT, patient=""), EHR, "", "other-patient"),
    ],
)
def test_any_other_question_is_refused_without_a_word_of_a_patient(
    grant: Grant, source: Source, patient: str, code: str
) -> None:
    for ask in (bind, lambda *each: caller_of(each[0], grant.token, *each[1:])):
        with pytest.raises(QuestionError) as caught:
            ask(grant, source, patient)
        assert caught.value.code == code
        assert "p1" not in str(caught.value) and "p2" not in str(caught.value) and grant.token not in str(caught.value)


@pytest.mark.parametrize(
    ("audience", "own", "source", "whether"),
    [
        ({EHR_URL}, set(), OWN, True),
        ({EHR_URL + "/"}, set(), OWN, True),
        ({"https://old.example/fhir"}, set(), OWN, True),
        ({EHR_URL, "https://auth.example/userinfo"}, set(), OWN, True),
        ({OURS}, {OURS}, OWN, False),
        # For both: it is for us, so it goes no further.
        ({OURS, EHR_URL}, {OURS}, OWN, False),
        ({OURS + "/", EHR_URL}, {OURS}, OWN, False),
        ({OURS, EHR_URL}, {OURS + "/"}, OWN, False),
        ({"https://ehr.example"}, set(), OWN, False),
        ({EHR_URL + "/Patient"}, set(), OWN, False),
        ({"https://EHR.example/fhir"}, set(), OWN, False),
        (set(), set(), OWN, False),
        ({EHR_URL}, set(), EHR, False),
        ({EHR_URL}, set(), replace(EHR, auth="backend"), False),
        ({EHR_URL}, set(), replace(LAB, auth="caller"), False),
    ],
)
def test_a_token_goes_only_to_the_source_that_it_was_issued_for(
    audience: set[str], own: set[str], source: Source, whether: bool
) -> None:
    grant = replace(
        GRANT,
        audience=frozenset(audience),
        own_audience=frozenset(own),
        sources=frozenset({"ehr", "lab"}),
        patient_source=source.id,
    )
    assert may_pass_on(grant, source) is whether
    if source.auth != "caller":
        assert caller_of(grant, grant.token, source, "p1").token is None
    elif whether:
        assert caller_of(grant, None, source, "p1").token == grant.token
    else:
        with pytest.raises(TokenRequiredError, match=r"is not passed on$"):
            caller_of(grant, grant.token, source, "p1")


def test_our_own_audiences_are_those_that_are_no_source() -> None:
    listed = [OURS, EHR_URL + "/", "https://old.example/fhir", "medtwin"]
    assert Audiences.known(listed, ["ehr"], [EHR, LAB]).own == {OURS, "medtwin"}


@pytest.mark.parametrize(
    ("audience", "sources", "expected"),
    [
        ({OURS}, ["ehr"], "ehr"),
        ({OURS}, ["ehr", "lab"], "ehr"),
        ({OURS}, ["lab", "ehr"], "lab"),
        (set(), ["lab", "ehr"], "lab"),
        ({EHR_URL}, ["lab", "ehr"], "ehr"),
        ({"https://old.example/fhir/", OURS}, ["lab", "ehr"], "ehr"),
        ({EHR_URL, "https://lab.example/fhir"}, ["lab", "ehr"], "lab"),
        # A source for which the issuer does not speak is its patient's source nevertheless, and the token of no use.
        ({"https://lab.example/fhir", OURS}, ["ehr"], "lab"),
        ({"https://lab.example/fhir", EHR_URL}, ["ehr"], "ehr"),
    ],
)
def test_a_patients_id_is_of_the_source_in_the_audience_or_the_first_of_the_issuer(
    audience: set[str], sources: list[str], expected: str
) -> None:
    assert Audiences.known([OURS], sources, [EHR, LAB]).patient_source(audience) == expected


def test_a_caller_is_bound_to_the_one_patient_and_to_the_issuers_sources() -> None:
    caller = caller_of(GRANT, "another token", EHR, "p1")
    assert caller.token is None and caller.sources == frozenset({"ehr"})
    assert caller.permissions == Permissions.from_scopes(GRANT.scope)
    assert caller.may_ask("ehr", "p1")
    assert not caller.may_ask("ehr", "p2") and not caller.may_ask("lab", "p1")
    assert not Caller(sources=frozenset({"ehr"})).may_ask("ehr", "p1")


def test_without_issuers_nothing_is_limited() -> None:
    caller = caller_of(None, "tok", EHR, "p7")
    assert caller == Caller("tok") and caller.permissions is EVERYTHING and caller.may_ask("lab", "p8")


@pytest.mark.parametrize(
    "other",
    [
        replace(GRANT, issuer="as2"),
        replace(GRANT, subject="dr-no"),
        replace(GRANT, client="app2"),
        replace(GRANT, scope="patient/Observation.rs"),
        replace(GRANT, scope=""),
        replace(GRANT, sources=frozenset({"ehr", "lab"})),
        replace(GRANT, patient="p2"),
    ],
)
def test_what_is_cached_is_named_by_all_that_a_token_allows(other: Grant) -> None:
    ours, theirs = (caller_of(each, None, EHR, each.patient or "") for each in (GRANT, other))
    assert ours.scope_text != theirs.scope_text
    again = replace(GRANT, expires=3e9, token="renewed", scope="patient/*.s patient/*.r openid")
    assert caller_of(again, None, EHR, "p1").scope_text == ours.scope_text


def test_of_tokens_that_are_passed_on_each_has_a_name_of_its_own() -> None:
    one, two = (caller_of(replace(FOR_EHR, token=each), None, OWN, "p1") for each in ("a", "b"))
    assert one.scope_text != two.scope_text


KEY = b"a key of tests"


def test_the_key_of_a_caller_holds_nothing_of_them() -> None:
    assert GRANT.caller_digest(KEY) == replace(GRANT, token="x", scope="", patient="p2").caller_digest(KEY)
    others = [replace(GRANT, issuer="a"), replace(GRANT, subject="asdr-who"), replace(GRANT, client="a")]
    assert len({each.caller_digest(KEY) for each in (GRANT, *others)}) == 4
    assert GRANT.caller_digest(b"k" * 32) != GRANT.caller_digest(KEY)
    for shown in (GRANT.caller_digest(KEY), repr(GRANT), repr(caller_of(FOR_EHR, None, OWN, "p1"))):
        assert "dr-who" not in shown and "p1" not in shown and GRANT.token not in shown
