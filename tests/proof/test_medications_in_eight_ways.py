"""Six drugs, each written in the eight ways in which records have them: on the list, it is never "not recorded".

RxNorm ingredients and products, and substances of SNOMED CT, as public code lists have them; the NDC is made up, since
none is read.  Paracetamol is of no class that is asked for: in ATC that is certain, in other codes it is not.
"""

import re
from collections.abc import Mapping
from typing import Any

import pytest

from collectors.selection.event_state import unread_entries
from ontology.evaluation import Severity
from ontology.slots import Select, Slot
from ontology.values import Absent, Quantity
from tests.support.charts import lab, patient
from tests.support.collector_inputs import AT
from tests.support.event_records import NOT_FOUND, ON_RECORD, RXNORM, ask, catalog, facts
from tests.support.supplied_answers import answer_from

SNOMED = "http://snomed.info/sct"
NDC = "http://hl7.org/fhir/sid/ndc"
# Concept, RxNorm ingredient, RxNorm product with its name, SNOMED CT substance, ATC, a text of a chart.
DRUGS: dict[str, tuple[str, str, tuple[str, str], str, str, str]] = {
    "atorvastatin": (
        "statin", "83367", ("617320", "atorvastatin 40 MG Oral Tablet [Lipitor]"), "373444002", "C10AA05",
        "Atorvastatina 20 mg",
    ),
    "metformin": (
        "metformin", "6809", ("861007", "metformin hydrochloride 500 MG Oral Tablet"), "372567009", "A10BA02",
        "METFORMINE 850 mg cp",
    ),
    "lisinopril": (
        "ace-inhibitor", "29046", ("314076", "lisinopril 10 MG Oral Tablet"), "386873009", "C09AA03", "Lisinopril 10mg",
    ),
    "amlodipine": (
        "antihypertensive", "17767", ("308135", "amlodipine 10 MG Oral Tablet"), "386864001", "C08CA01",
        "Amlodipin (besilat) 5 mg, 1-0-0",
    ),
    "apixaban": (
        "oral-anticoagulant", "1364430", ("1364445", "apixaban 5 MG Oral Tablet"), "698090000", "B01AF02",
        "Apixabán 5 mg",
    ),
    "warfarin": (
        "oral-anticoagulant", "11289", ("855318", "warfarin sodium 3 MG Oral Tablet"), "372756006", "B01AA03",
        "Warfarin-Natrium 5 mg",
    ),
}  # fmt: skip
WAYS = ("ingredient", "product", "ndc", "snomed", "atc", "local", "text", "contained")
YES_BY_CODE = {"ingredient", "atc", "contained"}
PROBABLE = {"product", "text", "local"}
# Products of these are listed by their codes; that of atorvastatin is a brand's, which none lists.
LISTED_PRODUCTS = {"metformin", "lisinopril", "amlodipine"}


def is_read(drug: str, way: str) -> bool:
    """Whether the code says what the drug is."""
    return way in YES_BY_CODE or (way == "product" and drug in LISTED_PRODUCTS)


def concept(system: str, code: str, display: str | None = None) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code} | ({"display": display} if display else {})]}


def entry(drug: str, way: str, **changes: Any) -> dict[str, Any]:
    """A prescription of the drug, written in one of the ways."""
    _, ingredient, (product, name), substance, atc, text = DRUGS[drug]
    record: dict[str, Any] = {
        "resourceType": "MedicationRequest", "id": "m1", "status": "active", "intent": "order",
        "subject": {"reference": "Patient/p"}, "authoredOn": "2024-04-01",
    }  # fmt: skip
    inner = {
        "resourceType": "Medication",
        "id": "d",
        "code": {"coding": [{"system": "urn:hospital", "code": "4711"}]},
        "ingredient": [{"itemCodeableConcept": concept(RXNORM, ingredient), "isActive": True}],
    }
    written: Mapping[str, dict[str, Any]] = {
        "ingredient": {"medicationCodeableConcept": concept(RXNORM, ingredient)},
        "product": {"medicationCodeableConcept": concept(RXNORM, product, name)},
        "ndc": {"medicationCodeableConcept": concept(NDC, "00000-0000-00")},
        "snomed": {"medicationCodeableConcept": concept(SNOMED, substance)},
        "atc": {"medicationCodeableConcept": concept("http://fhir.de/CodeSystem/bfarm/atc", atc)},
        "local": {"medicationCodeableConcept": concept("urn:hospital", "4711", drug.title())},
        "text": {"medicationCodeableConcept": {"text": text}},
        "contained": {"contained": [inner], "medicationReference": {"reference": "#d"}},
    }
    return record | written[way] | changes


@pytest.mark.parametrize("drug", DRUGS)
@pytest.mark.parametrize("way", WAYS)
def test_a_drug_on_the_list_is_never_not_recorded(drug: str, way: str) -> None:
    for closed in (False, True):
        found = ask(entry(drug, way), concept=DRUGS[drug][0], closed_world=closed)
        codes = {issue.code for issue in found.issues}
        if is_read(drug, way):
            assert found.value is True
            continue
        assert found.value == ON_RECORD
        assert codes == ({"probable"} if way in PROBABLE else {"codes-unreadable"})
        assert "MedicationRequest/m1" in found.issues[0].text


@pytest.mark.parametrize("drug", DRUGS)
@pytest.mark.parametrize("way", WAYS)
def test_it_does_not_hide_behind_another_class_either(drug: str, way: str) -> None:
    """Asked for another class: no only where ATC, or a code of a class that is known, says what the drug is."""
    other = "metformin" if DRUGS[drug][0] != "metformin" else "statin"
    found = ask(entry(drug, way), concept=other, closed_world=False)
    assert found.value == (NOT_FOUND if is_read(drug, way) else ON_RECORD)
    if not is_read(drug, way):
        assert [issue.code for issue in found.issues] == ["codes-unreadable"]


@pytest.mark.parametrize("way", ["product", "snomed", "text"])
def test_the_sentence_shows_the_entry_in_its_own_words(way: str) -> None:
    written = entry("atorvastatin", way, subject={"reference": "Patient/p1"}, authoredOn="2026-05-01")
    text = answer_from([{"resourceType": "Patient", "id": "p1"}, written], "statin")["statin"].text
    shown = {"product": "atorvastatin 40 MG Oral Tablet", "snomed": "373444002 of", "text": "Atorvastatina 20 mg"}
    assert shown[way] in text
    assert re.search("not (recorded|found|known|documented)|No record of|missing", text) is None


# What is on the list and what is asked for, with what comes of it: yes, unclear, or not on the list at all.
READ: dict[str, tuple[dict[str, Any], str, object]] = {
    "a part of a word is no name": ({"text": "Metforminhydrochlorid 500"}, "metformin", "codes-unreadable"),
    "a name in another": ({"text": "dihydrolisinopril"}, "ace-inhibitor", "codes-unreadable"),
    "in capitals": ({"text": "WARFARINA"}, "oral-anticoagulant", "probable"),
    "the display of any coding": (
        {"coding": [{"system": "urn:a", "code": "1", "display": "X"}, {"system": "urn:b", "display": "Ramipril 5"}]},
        "ace-inhibitor", "probable",
    ),
    "a name beside a code that says otherwise": (
        concept("http://www.whocc.no/atc", "A10BA02") | {"text": "not atorvastatin"}, "statin", False,
    ),
    "a group of combinations": (concept("http://www.whocc.no/atc", "C10BA05"), "statin", "probable"),
    "combinations of ACE inhibitors": (concept("http://www.whocc.no/atc", "C09BA03"), "ace-inhibitor", True),
    "paracetamol in ATC": (concept("http://www.whocc.no/atc", "N02BE01"), "statin", False),
    "paracetamol in RxNorm": (concept(RXNORM, "161"), "statin", "codes-unreadable"),
    "ibuprofen in RxNorm, of another class": (concept(RXNORM, "5640"), "statin", False),
    "ibuprofen for the skin in ATC": (concept("http://www.whocc.no/atc", "M02AA13"), "nsaid", False),
    "ibuprofen for the skin in RxNorm": (
        concept(RXNORM, "141997", "Ibuprofen 0.05 MG/MG Topical Gel"), "nsaid", False,
    ),
    "aspirin is none": (concept("http://www.whocc.no/atc", "B01AC06"), "nsaid", False),
    "aspirin for pain is none": (concept("http://www.whocc.no/atc", "N02BA01"), "nsaid", False),
    "glucosamine is none": (concept("http://www.whocc.no/atc", "M01AX05"), "nsaid", False),
    "codeine with ibuprofen": (concept("http://www.whocc.no/atc", "N02AJ08"), "nsaid", True),
    "paracetamol with something": (concept("http://www.whocc.no/atc", "N02BE51"), "nsaid", "probable"),
    "naproxen in Italian": ({"text": "Naprossene 500 mg"}, "nsaid", "probable"),
    "linagliptin with empagliflozin": (concept("http://www.whocc.no/atc", "A10BD19"), "metformin", False),
    "metformin with empagliflozin": (concept("http://www.whocc.no/atc", "A10BD20"), "metformin", True),
    "a code of another class": (concept(RXNORM, "29046"), "statin", False),
    "by the OID of the WHO": (concept("urn:oid:2.16.840.1.113883.6.73", "C10AA01"), "statin", True),
    "in Norway": (concept("urn:oid:2.16.578.1.12.4.1.1.7180", "B01AA03"), "oral-anticoagulant", True),
    "no word at all": ({}, "statin", "codes-unreadable"),
}  # fmt: skip


@pytest.mark.parametrize("name", READ)
def test_read(name: str) -> None:
    code, asked, expected = READ[name]
    found = ask(entry("metformin", "text", medicationCodeableConcept=code), concept=asked)
    if isinstance(expected, bool):
        assert found.value is expected
    else:
        assert (found.value, [issue.code for issue in found.issues]) == (ON_RECORD, [expected])


def medication(*ingredients: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"resourceType": "Medication", "id": "d", "ingredient": list(ingredients)} | more


STATIN = {"itemCodeableConcept": concept(RXNORM, "83367")}
EZETIMIBE = {"itemCodeableConcept": {"text": "ezetimibe"}}
METFORMIN = {"itemCodeableConcept": concept(RXNORM, "6809")}
INGREDIENTS: dict[str, tuple[dict[str, Any], object]] = {
    "without isActive": (medication(STATIN), True),
    "active": (medication(STATIN | {"isActive": True}), True),
    "an excipient": (medication(STATIN | {"isActive": False}, METFORMIN), NOT_FOUND),
    "one of two": (medication(EZETIMIBE, STATIN), True),
    "all understood": (medication(METFORMIN), NOT_FOUND),
    "one of two not understood": (medication(METFORMIN, EZETIMIBE), ON_RECORD),
    "by name": (medication({"itemCodeableConcept": {"text": "simvastatin"}}), ON_RECORD),
    "a contained substance": (
        medication(
            {"itemReference": {"reference": "#s"}},
            contained=[{"resourceType": "Substance", "id": "s", "code": concept(RXNORM, "83367")}],
        ),
        True,
    ),
    "a substance of the source": (medication({"itemReference": {"reference": "Substance/1"}}), ON_RECORD),
}


@pytest.mark.parametrize("name", INGREDIENTS)
def test_ingredients(name: str) -> None:
    record, value = INGREDIENTS[name]
    written = entry("atorvastatin", "text", medicationCodeableConcept=None, medicationReference={"reference": "#d"})
    del written["medicationCodeableConcept"]
    outside = written | {"medicationReference": {"reference": "Medication/d"}}
    assert ask(outside, record, concept="statin", closed_world=False).value == value
    if "contained" not in record:
        assert ask(written | {"contained": [record]}, concept="statin", closed_world=False).value == value


@pytest.mark.parametrize(
    ("changes", "value", "code"),
    [
        ({"doNotPerform": True}, NOT_FOUND, "negated"),
        ({"intent": "proposal"}, NOT_FOUND, "doubted"),
        ({"intent": "plan"}, NOT_FOUND, "doubted"),
        ({"status": "unknown"}, ON_RECORD, None),
        ({"status": "stopped"}, NOT_FOUND, "over"),
    ],
)
@pytest.mark.parametrize("way", ["ingredient", "text"])
def test_what_does_not_count(way: str, changes: dict[str, Any], value: Absent, code: str | None) -> None:
    found = ask(entry("atorvastatin", way, **changes), concept="statin", closed_world=False)
    assert found.value == value
    assert code is None or code in {issue.code for issue in found.issues}


def test_a_yes_is_not_made_unclear_by_what_else_is_on_the_list() -> None:
    found = ask(entry("atorvastatin", "atc"), entry("warfarin", "text", id="m2"), concept="statin")
    assert (found.value, found.issues) == (True, ())


def test_codes_of_one_class_are_known_in_every_class_that_has_them() -> None:
    """A code of another class is understood as something else: so no class may lack what its own members are."""
    for one in catalog().concepts.values():
        for accepted in one.accepted if one.ingredient_names else ():
            for other in catalog().concepts.values():
                label = (accepted.coding.display or "").casefold()
                if any(re.search(rf"\b{name}\b", label) for name in other.ingredient_names):
                    codes = {each.coding for each in other.accepted}
                    assert accepted.coding in codes or accepted.coding.system != RXNORM, (other.id, label)


def test_which_entries_are_not_understood() -> None:
    statin = catalog().concepts["statin"]
    wanted = Slot("input", statin, Select.ANY, True)
    known = facts(entry("warfarin", "text"), entry("metformin", "atc", id="m2"), concept=statin)
    found = unread_entries(wanted, known._pool(statin), AT)
    assert [entry.label for entry in found.entries] == ['"Warfarin-Natrium 5 mg" (MedicationRequest/m1)']
    assert found


def test_where_a_caution_hangs_on_what_is_probable_it_warns() -> None:
    """The undiagnosed diabetes of somebody who probably takes metformin."""
    day = "2026-05-01"
    written = entry("metformin", "text", subject={"reference": "Patient/p1"}, authoredOn=day)
    measured = (
        lab("8302-2", 170, "cm", day),
        lab("29463-7", 80, "kg", day),
        lab("2093-3", 200, "mg/dL", day),
    )
    answer = answer_from([patient("1970-04-01"), *measured, written], "hba1c-defined-diabetes")
    assert isinstance(answer["hba1c-defined-diabetes"].value, Quantity)
    warned = [issue for issue in answer["hba1c-defined-diabetes"].issues if issue.code == "probable"]
    assert [(issue.severity, issue.slot) for issue in warned] == [(Severity.WARNING, "metformin")]
    assert "METFORMINE 850 mg cp" in warned[0].text
