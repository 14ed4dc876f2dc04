"""Bodies of calls: what each hook's page asks for, and what is refused, by the name of the member alone."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.catalog.services import Hook
from server.hooks.errors import MalformedCallError
from server.hooks.request import MOST_DEPTH, MOST_DRAFTS, FhirAuthorization, read_request
from tests.support.hook_calls import AUTHORIZATION, CONTEXTS, INSTANCE, SERVER, make_body, make_call, make_service

SERVICES = {hook: make_service(hook) for hook in Hook}


def refused(body: bytes, hook: Hook = Hook.PATIENT_VIEW) -> MalformedCallError:
    with pytest.raises(MalformedCallError) as caught:
        read_request(body, SERVICES[hook])
    assert "hunter2" not in str(caught.value)
    assert caught.value.status == 400
    return caught.value


@pytest.mark.parametrize("hook", Hook)
def test_the_least_that_a_hook_asks_for_is_enough(hook: Hook) -> None:
    read = read_request(make_body(hook), SERVICES[hook])
    assert (read.hook, read.instance, read.patient) == (hook.value, INSTANCE, "p1")
    assert read.user == CONTEXTS[hook]["userId"]
    assert read.encounter == CONTEXTS[hook].get("encounterId")
    assert read.draft_orders == CONTEXTS[hook].get("draftOrders")
    assert read.selections == (("MedicationRequest/m1",) if hook is Hook.ORDER_SELECT else None)
    assert (read.fhir_server, read.authorization, read.prefetch) == (None, None, {})


@pytest.mark.parametrize("hook", Hook)
def test_what_a_hook_asks_for_is_required(hook: Hook) -> None:
    others: tuple[object, ...] = (..., None, 5, [], {}, "", True)
    for name, value in CONTEXTS[hook].items():
        for other in others:
            if isinstance(value, list) and other == []:
                continue
            error = refused(make_body(hook, context={name: other}), hook)
            assert f"`context.{name}`" in str(error)
    for name in ("hook", "hookInstance", "context"):
        call = make_call(hook)
        del call[name]
        assert f"`{name}`" in str(refused(json.dumps(call).encode(), hook))


def test_members_that_nobody_named_pass_and_null_is_not_given() -> None:
    more = {"extension": {"com.example": {"x": 1}}, "later": [1], "fhirServer": None, "fhirAuthorization": None}
    read = read_request(make_body(context={"encounterId": None, "more": 1}, prefetch=None, **more), make_service())
    assert (read.encounter, read.fhir_server, read.authorization, read.prefetch) == (None, None, None, {})


def test_what_was_prefetched_keeps_its_digits() -> None:
    body = make_body().replace(b'"hookInstance"', b'"prefetch": {"a": null, "b": {"v": 1.10}}, "hookInstance"')
    prefetch = read_request(body, make_service()).prefetch
    assert prefetch == {"a": None, "b": {"v": Decimal("1.10")}}
    assert str(prefetch["b"]) == "{'v': Decimal('1.10')}"


def test_the_token_of_the_ehr_is_taken_as_it_is() -> None:
    body = make_body(fhirServer=SERVER, fhirAuthorization={**AUTHORIZATION, "patient": "p1", "need_patient": True})
    read = read_request(body, make_service())
    assert read.fhir_server == SERVER
    expected = FhirAuthorization(AUTHORIZATION["access_token"], AUTHORIZATION["scope"], "p1")
    assert read.authorization == expected
    assert AUTHORIZATION["access_token"] not in repr(read)
    assert "p1" not in repr(read)
    # The type of a token is compared whatever its case (RFC 6749).
    lower = {**AUTHORIZATION, "token_type": "bearer"}
    again = read_request(make_body(fhirServer=SERVER, fhirAuthorization=lower), make_service())
    assert again.authorization == FhirAuthorization(AUTHORIZATION["access_token"], AUTHORIZATION["scope"])


AUTHORISATIONS: list[tuple[str, object]] = [
    ("access_token", ...), ("access_token", 5), ("access_token", ""), ("access_token", "hunter2\r\nX-Evil: 1"),
    ("access_token", "hunter2 x"), ("access_token", "hünter2"), ("token_type", ...), ("token_type", "mac"),
    ("token_type", "Bearer "), ("scope", ...), ("scope", ["user/*.read"]), ("scope", "a" * 20_000),
    ("patient", "hunter2"), ("patient", ""), ("patient", 5), ("patient", "Patient/p1"), ("patient", ["p1"]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), AUTHORISATIONS)
def test_a_token_that_is_none_is_refused(name: str, value: object) -> None:
    changed = {key: each for key, each in {**AUTHORIZATION, name: value}.items() if each is not ...}
    error = refused(make_body(fhirServer=SERVER, fhirAuthorization=changed))
    assert f"`fhirAuthorization.{name}`" in str(error)


@pytest.mark.parametrize("authorization", ["hunter2", [], 5, True])
def test_an_authorization_is_an_object(authorization: object) -> None:
    assert "`fhirAuthorization`" in str(refused(make_body(fhirServer=SERVER, fhirAuthorization=authorization)))


def test_a_token_without_a_server_is_refused() -> None:
    assert "`fhirServer`" in str(refused(make_body(fhirAuthorization=AUTHORIZATION)))


@pytest.mark.parametrize(
    "server",
    [
        5, "", "ehr.example/fhir", "ftp://ehr.example/fhir", "javascript:hunter2", "https://ehr example/fhir",
        "https://ehr.example/\r\nhunter2", "//ehr.example", "https://", "https://é.example/hunter2",
        "https://ehr.example/" + "a" * 3000, [SERVER], {"url": SERVER},
    ],
)  # fmt: skip
def test_a_server_is_an_address(server: object) -> None:
    assert "`fhirServer`" in str(refused(make_body(fhirServer=server)))


@pytest.mark.parametrize(
    "patient",
    [
        "Patient/hunter2", "../hunter2", "..", ".", "hunter2?x", "hunter2 ", "hünter2", "a" * 65, "hunter2\n",
        "https://ehr.example/fhir/Patient/hunter2", "hunter2|1", "hunter2%2f", "hunter2,b",
    ],
)  # fmt: skip
def test_a_patient_is_an_id_and_no_path(patient: str) -> None:
    assert "`context.patientId`" in str(refused(make_body(context={"patientId": patient})))
    assert "`context.encounterId`" in str(refused(make_body(context={"encounterId": patient})))


@pytest.mark.parametrize("user", ["jdoe", "Practitioner/a/_history/1", f"{SERVER}/Practitioner/1", "Patient/p1"])
@pytest.mark.parametrize("hook", list(Hook))
def test_who_the_user_is_decides_nothing(hook: Hook, user: str) -> None:
    """The pages of the hooks name types (HOOK-3); what an EHR writes beside them is no reason to withhold advice."""
    assert read_request(make_body(hook, context={"userId": user}), SERVICES[hook]).user == user


@pytest.mark.parametrize("instance", ["1", INSTANCE.upper(), INSTANCE.replace("-", ""), f"urn:uuid:{INSTANCE}"])
def test_an_instance_is_any_text(instance: str) -> None:
    assert read_request(make_body(hookInstance=instance), make_service()).instance == instance


@pytest.mark.parametrize("value", [5, "", None, [INSTANCE], "a" * 20_000])
def test_what_is_required_is_a_text(value: object) -> None:
    assert "`hookInstance`" in str(refused(make_body(hookInstance=value)))
    assert "`context.userId`" in str(refused(make_body(context={"userId": value})))


@pytest.mark.parametrize("changed", [{"subject": ...}, {"subject": 1}, {"expires_in": ...}, {"expires_in": "300"}])
def test_what_is_of_no_use_here_is_not_asked_for(changed: dict[str, object]) -> None:
    given = {key: each for key, each in {**AUTHORIZATION, **changed}.items() if each is not ...}
    read = read_request(make_body(fhirServer=SERVER, fhirAuthorization=given), make_service()).authorization
    assert read == FhirAuthorization(AUTHORIZATION["access_token"], AUTHORIZATION["scope"])


def test_a_token_without_scopes_permits_nothing_and_is_one() -> None:
    given = {**AUTHORIZATION, "scope": ""}
    read = read_request(make_body(fhirServer=SERVER, fhirAuthorization=given), make_service()).authorization
    assert read == FhirAuthorization(AUTHORIZATION["access_token"], "")


def test_an_empty_encounter_is_none_where_none_is_required() -> None:
    assert read_request(make_body(context={"encounterId": ""}), make_service()).encounter is None
    refused(make_body(Hook.ENCOUNTER_START, context={"encounterId": ""}), Hook.ENCOUNTER_START)


def test_more_drafts_than_anybody_writes_are_refused() -> None:
    """H115: each is judged, while others wait."""
    order = {"resource": {"resourceType": "MedicationRequest"}}
    most = {
        "draftOrders": {"resourceType": "Bundle", "entry": [order] * MOST_DRAFTS},
        "selections": ["a"] * MOST_DRAFTS,
    }
    read = read_request(make_body(Hook.ORDER_SELECT, context=most), SERVICES[Hook.ORDER_SELECT])
    assert len(read.selections or ()) == MOST_DRAFTS
    more = {"resourceType": "Bundle", "entry": [order] * (MOST_DRAFTS + 1)}
    for hook in (Hook.ORDER_SELECT, Hook.ORDER_SIGN):
        assert "`context.draftOrders`" in str(refused(make_body(hook, context={"draftOrders": more}), hook))
    selected = {"selections": ["a"] * (MOST_DRAFTS + 1)}
    assert "`context.selections`" in str(refused(make_body(Hook.ORDER_SELECT, context=selected), Hook.ORDER_SELECT))


@pytest.mark.parametrize("hook", ["order-sign", "patient-View", "hunter2", "", 5, ["patient-view"]])
def test_a_service_is_on_one_hook(hook: object) -> None:
    assert "`hook`" in str(refused(make_body(hook=hook)))


@pytest.mark.parametrize("prefetch", ["hunter2", [], 5, {"a": "hunter2"}, {"a": [1]}, {"a": 1}, {"a": True}])
def test_a_prefetch_is_an_object_of_resources(prefetch: object) -> None:
    error = refused(make_body(prefetch=prefetch))
    assert "`prefetch`" in str(error)
    assert error.code == "structure"


@pytest.mark.parametrize("orders", [{"resourceType": "MedicationRequest"}, {"entry": []}, "hunter2", [{}]])
def test_draft_orders_are_a_bundle(orders: object) -> None:
    error = refused(make_body(Hook.ORDER_SIGN, context={"draftOrders": orders}), Hook.ORDER_SIGN)
    assert "`context.draftOrders`" in str(error)


@pytest.mark.parametrize("selections", ["MedicationRequest/1", [1], [None], [""], {"a": 1}, [["a"]]])
def test_selections_are_a_list_of_references(selections: object) -> None:
    error = refused(make_body(Hook.ORDER_SELECT, context={"selections": selections}), Hook.ORDER_SELECT)
    assert "`context.selections`" in str(error)


GOOD = make_body()
NESTED = b"[" * 100_000 + b"]" * 100_000


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"null", b"[]", b'"hunter2"', b"5", GOOD + b"x", GOOD + GOOD, b"\xef\xbb\xbf" + GOOD,
        GOOD.decode().encode("utf-16"), GOOD[:-1] + b',"a":NaN}', GOOD[:-1] + b',"a":Infinity}',
        GOOD[:-1] + b',"a":-Infinity}', GOOD[:-1] + b',"a":"\xff"}', GOOD[:-1] + b',"a":"\\ud800"}',
        GOOD[:-1] + b',"a":"\\uDFFF hunter2"}', GOOD[:-1] + b',"a":' + b"9" * 5000 + b"}", GOOD.replace(b'"', b"'"),
        GOOD[:-1] + b',"hunter2":1,"hunter2":2}', GOOD[:-1] + b',"a":{"b":{"hunter2":1,"hunter2":1}}}',
        GOOD[:-1] + b',"hook":"patient-view"}', NESTED, GOOD[:-1] + b',"a":' + NESTED + b"}",
        GOOD[:-1] + b',"a":' + b'{"a":' * 50_000 + b"1" + b"}" * 50_001, GOOD[:-1] + b",}", GOOD[:-1] + b"/**/}",
    ],
    ids=range(26),
)  # fmt: skip
def test_what_is_no_json_in_the_strict_sense_is_refused(body: bytes) -> None:
    """CDS-1: what is exchanged is JSON."""
    assert refused(body).code == "structure"


def test_it_may_nest_as_deeply_as_records_do_and_no_deeper() -> None:
    # The body itself, and `prefetch`, are the first two.
    def nested(depth: int) -> bytes:
        return GOOD[:-1] + b',"prefetch":{"a":' + b'{"a":' * depth + b"1" + b"}" * depth + b"}}"

    assert read_request(nested(MOST_DEPTH - 2), make_service()).prefetch
    assert "deep" in str(refused(nested(MOST_DEPTH + 1)))


def test_a_large_body_is_read_whole() -> None:
    entry = {"resource": {"resourceType": "Observation", "id": "o", "valueQuantity": {"value": 1.5, "unit": "mg"}}}
    prefetch = {"observation": {"resourceType": "Bundle", "entry": [entry] * 20_000}}
    body = make_body(prefetch=prefetch)
    assert 2e6 < len(body) < 3e6
    assert len(read_request(body, make_service()).prefetch["observation"]["entry"]) == 20_000  # type: ignore[index]


ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8) | st.just("p1"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
PLACES = [
    ("hook",), ("hookInstance",), ("context",), ("prefetch",), ("fhirServer",), ("fhirAuthorization",),
    *(("context", name) for name in ("userId", "patientId", "encounterId", "draftOrders", "selections")),
    *(("fhirAuthorization", name) for name in (*AUTHORIZATION, "patient")),
]  # fmt: skip


@given(st.sampled_from(list(Hook)), st.sampled_from(PLACES), ANYTHING)
def test_whatever_stands_where_it_is_read_or_refused(hook: Hook, place: tuple[str, ...], value: object) -> None:
    call = json.loads(json.dumps(make_call(hook, fhirServer=SERVER, fhirAuthorization=AUTHORIZATION)))
    holder = call if len(place) == 1 else call[place[0]]
    holder[place[-1]] = value
    try:
        read = read_request(json.dumps(call).encode(), SERVICES[hook])
    except MalformedCallError as error:
        assert error.issues
    else:
        assert (read.hook, read.patient) == (hook, call["context"]["patientId"])
