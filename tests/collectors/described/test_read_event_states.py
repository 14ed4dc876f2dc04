"""Every state that R4 has for the described types, and what follows from it: a value set as a table."""

from typing import Any

import pytest

from ontology.values import Value
from tests.support.collector_inputs import issue_codes
from tests.support.event_records import NOT_FOUND, ON_RECORD, RECORDS, ask, catalog, concept_of, event

# What becomes of a record in each state, beside the issues that are told: in a closed world, and in one where a slot
# asks ever.  YES counts; OVER only ever; CLEAR is passed over or only told.
YES, OVER, UNCLEAR, TOLD, DENIED, NEVER = "yes", "over", "unclear", "told", "denied", "never"
STATUS = {
    "Procedure": {
        "preparation": TOLD, "in-progress": YES, "not-done": DENIED, "on-hold": UNCLEAR, "stopped": UNCLEAR,
        "completed": YES, "entered-in-error": NEVER, "unknown": UNCLEAR,
    },
    "Immunization": {"completed": YES, "entered-in-error": NEVER, "not-done": DENIED},
    "Encounter": {
        "planned": TOLD, "arrived": YES, "triaged": YES, "in-progress": YES, "onleave": YES, "finished": OVER,
        "cancelled": DENIED, "entered-in-error": NEVER, "unknown": UNCLEAR,
    },
    "MedicationRequest": {
        "active": YES, "on-hold": OVER, "cancelled": DENIED, "completed": OVER, "entered-in-error": NEVER,
        "stopped": OVER, "draft": TOLD, "unknown": UNCLEAR,
    },
    "MedicationStatement": {
        "active": YES, "completed": OVER, "entered-in-error": NEVER, "intended": TOLD, "stopped": OVER,
        "on-hold": OVER, "unknown": UNCLEAR, "not-taken": DENIED,
    },
    "MedicationAdministration": {
        "in-progress": YES, "not-done": DENIED, "on-hold": OVER, "completed": OVER, "entered-in-error": NEVER,
        "stopped": OVER, "unknown": UNCLEAR,
    },
}  # fmt: skip
INTENT = {
    "proposal": TOLD, "plan": TOLD, "order": YES, "original-order": YES, "reflex-order": YES, "filler-order": YES,
    "instance-order": YES, "option": TOLD,
}  # fmt: skip
CLINICAL = {"active": YES, "inactive": OVER, "resolved": OVER}
VERIFICATION = {"unconfirmed": UNCLEAR, "confirmed": YES, "refuted": DENIED, "entered-in-error": NEVER}
OUTCOMES: dict[str, tuple[tuple[Value, list[str]], tuple[Value, list[str]]]] = {
    YES: ((True, []), (True, [])),
    OVER: ((False, ["closed-world", "over"]), (True, [])),
    UNCLEAR: ((ON_RECORD, ["unconvertible"]), (ON_RECORD, ["unconvertible"])),
    TOLD: ((False, ["closed-world", "doubted"]), (False, ["closed-world", "doubted"])),
    DENIED: ((False, ["closed-world", "negated"]), (False, ["closed-world", "negated"])),
    NEVER: ((False, ["closed-world"]), (False, ["closed-world"])),
}


def coded(code: str) -> dict[str, Any]:
    return {"coding": [{"code": code}]}


CASES = [
    *((kind, {"status": word}, outcome) for kind, table in STATUS.items() for word, outcome in table.items()),
    *(("MedicationRequest", {"intent": word}, outcome) for word, outcome in INTENT.items()),
    *(("AllergyIntolerance", {"clinicalStatus": coded(word)}, outcome) for word, outcome in CLINICAL.items()),
    *(("AllergyIntolerance", {"verificationStatus": coded(word)}, outcome) for word, outcome in VERIFICATION.items()),
    ("MedicationRequest", {"doNotPerform": True}, DENIED),
    ("MedicationRequest", {"doNotPerform": False}, YES),
    # The gravest of several holds.
    ("MedicationRequest", {"status": "stopped", "intent": "plan"}, TOLD),
    ("MedicationRequest", {"status": "entered-in-error", "doNotPerform": True}, NEVER),
    ("AllergyIntolerance", {"clinicalStatus": coded("resolved"), "verificationStatus": coded("refuted")}, DENIED),
    # What R4 does not know, and what is missing.
    *((kind, {"status": "abandoned"}, UNCLEAR) for kind in STATUS),
    *((kind, {"status": None}, UNCLEAR) for kind in STATUS),
    *((kind, {"status": 1}, UNCLEAR) for kind in STATUS),
    ("MedicationRequest", {"intent": None}, UNCLEAR),
    ("AllergyIntolerance", {"verificationStatus": coded("presumed")}, UNCLEAR),
    ("AllergyIntolerance", {"verificationStatus": {"text": "perhaps"}}, UNCLEAR),
    ("AllergyIntolerance", {"clinicalStatus": None, "verificationStatus": None}, YES),
    # "How it is meant changes" is never passed over.
    *((kind, {"modifierExtension": [{"url": "urn:x", "valueBoolean": True}]}, UNCLEAR) for kind in RECORDS),
    *((kind, {"implicitRules": "urn:x"}, UNCLEAR) for kind in RECORDS),
]


@pytest.mark.parametrize(("kind", "changes", "outcome"), CASES, ids=str)
def test_state(kind: str, changes: dict[str, Any], outcome: str) -> None:
    now, ever = OUTCOMES[outcome]
    record, concept = event(kind, **changes), concept_of(kind)
    found = ask(record, concept=concept)
    assert (found.value, issue_codes(found)) == now
    found = ask(record, concept=concept, ever=True)
    assert (found.value, issue_codes(found)) == ever


@pytest.mark.parametrize("kind", RECORDS)
def test_not_recorded_is_a_no_only_in_a_closed_world(kind: str) -> None:
    concept = concept_of(kind)
    assert ask(concept=concept).value is False
    assert ask(concept=concept, closed_world=False).value == NOT_FOUND


@pytest.mark.parametrize("kind", RECORDS)
def test_of_another_patient_or_of_our_own_making_it_does_not_count(kind: str) -> None:
    subject = "patient" if "patient" in event(kind) else "subject"
    ours = {"tag": [{"system": "https://medtwin.example/tags", "code": "medtwin-result"}]}
    changes: dict[str, Any]
    for changes in ({subject: {"reference": "Patient/x"}}, {"meta": ours}):
        assert ask(event(kind, **changes), concept=concept_of(kind)).value is False
    # Of whom it is cannot be told: it may be the patient's, and nothing is ruled out.
    for changes in ({subject: None}, {subject: "p"}):
        assert ask(event(kind, **changes), concept=concept_of(kind)).value == ON_RECORD


@pytest.mark.parametrize("kind", RECORDS)
def test_a_record_that_breaks_fhirs_rules_is_no_ground_and_no_no(kind: str) -> None:
    found = ask(event(kind, foo=1), concept=concept_of(kind))
    assert (found.value, issue_codes(found)) == (ON_RECORD, ["invalid-record"])


@pytest.mark.parametrize("kind", RECORDS)
def test_what_is_in_codes_that_cannot_be_read_is_no_no(kind: str) -> None:
    layout = next(c.layout for c in catalog().collectors.values() if c.resource_type == kind)
    assert layout is not None
    element = layout.codes[0]
    foreign = {"coding": [{"system": "urn:local", "code": "1"}]} if element != "class" else {"code": "IMP"}
    for code in (foreign, {"text": "in words"}, None, "not a code"):
        found = ask(event(kind, **{element: code}), concept=concept_of(kind))
        assert (found.value, issue_codes(found)) == (ON_RECORD, ["codes-unreadable"]), code


@pytest.mark.parametrize("kind", RECORDS)
def test_the_record_is_the_ground(kind: str) -> None:
    (resource,) = ask(event(kind), concept=concept_of(kind)).resources
    assert resource.source is not None
    assert (resource.source.type, resource.source.id, resource.value) == (kind, "e1", True)
    assert resource.status is not None
