"""What a "no" from a list could hide: items of a list without a record, codes that say little, values in other codes.

And normal records of the United States, which get a number without that any guard is weaker.
"""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from ontology.values import Quantity
from server.explain.results import Status
from tests.support.charts import Record
from tests.support.engine_questions import open_asker
from tests.support.kept_lists import ATC, ICD, LISTS, chart, coded, diagnosis, kept_list, measured, prescription
from tests.support.proof_questions import issue_text, result_of, results_by_concept
from tests.support.supplied_answers import answer_from

CVD = "prevent-10y-total-cvd"
PROBLEMS, MEDICATIONS = "11450-4", "10160-0"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
OLD = (diagnosis(encounter=None, recordedDate="2019-01-07"), prescription(authoredOn="2025-11-03"))
NIL_KNOWN = coded("http://terminology.hl7.org/CodeSystem/list-empty-reason", "nilknown")


def items(*names: dict[str, object]) -> list[dict[str, object]]:
    return [{"item": name} for name in names]


ITEMS: dict[str, tuple[Record, str | None]] = {
    "each has its record": (kept_list(PROBLEMS, entry=items({"reference": "Condition/c1"})), None),
    "of one version": (kept_list(PROBLEMS, entry=items({"reference": "Condition/c1/_history/2"})), None),
    "words alone": (kept_list(PROBLEMS, entry=items({"display": "Type 2 diabetes"})), "Type 2 diabetes"),
    "one of two as words": (
        kept_list(PROBLEMS, entry=items({"reference": "Condition/c1"}, {"display": "Zucker"})),
        "Zucker",
    ),
    "a record that was not found": (kept_list(PROBLEMS, entry=items({"reference": "Condition/c77"})), "Condition/c77"),
    "a record elsewhere": (
        kept_list(PROBLEMS, entry=items({"reference": "https://other.example/fhir/Condition/c1"})),
        "other.example",
    ),
    "deleted from it": (kept_list(PROBLEMS, entry=[{"deleted": True, "item": {"display": "Type 2 diabetes"}}]), None),
    "a medication as words": (kept_list(MEDICATIONS, entry=items({"display": "Lipitor 20"})), "Lipitor 20"),
    "a list that is retired": (
        kept_list(PROBLEMS, status="retired", entry=items({"display": "Type 2 diabetes"})),
        None,
    ),
    "a list that is undated": (kept_list(PROBLEMS, None, entry=items({"display": "Diabetes"})), "Diabetes"),
    "a list of next month": (kept_list(PROBLEMS, "2026-07-20", entry=items({"display": "Diabetes"})), None),
}


@pytest.mark.parametrize("name", ITEMS)
async def test_every_item_of_a_list_has_its_record(name: str) -> None:
    kept, hidden = ITEMS[name]
    result = await result_of(chart(kept), CVD)
    assert isinstance(result.value, Quantity) is (hidden is None)
    if hidden is not None:
        assert hidden in issue_text(result, "codes-unreadable") and "not understood" in issue_text(
            result, "list-not-reconciled"
        )


NOTHING_KNOWN: dict[str, tuple[tuple[Record, ...], bool]] = {
    "and nothing on it": ((OLD[1], kept_list(PROBLEMS, entry=[], emptyReason=NIL_KNOWN)), True),
    "with items": ((OLD[1], kept_list(PROBLEMS, emptyReason=NIL_KNOWN)), False),
    "beside a current problem": ((*OLD, kept_list(PROBLEMS, entry=[], emptyReason=NIL_KNOWN)), False),
}


@pytest.mark.parametrize("name", NOTHING_KNOWN)
async def test_a_list_that_says_that_nothing_is_known(name: str) -> None:
    lists, wanted = NOTHING_KNOWN[name]
    result = await result_of(chart(kept_list(MEDICATIONS), lists=lists), CVD)
    assert isinstance(result.value, Quantity) is wanted


HIDDEN: dict[str, tuple[Record, bool]] = {
    "no code of ICD-10-CM": (diagnosis("c2", coded(ICD, "IMO0002")), False),
    "no code of ICD-10-CM, by its OID": (diagnosis("c2", coded("urn:oid:2.16.840.1.113883.6.90", "IMO0002")), False),
    "asthma, by the OID of ICD-10-CM": (diagnosis("c2", coded("urn:oid:2.16.840.1.113883.6.90", "J45.20")), True),
    "insulin, by the OID of ICD-10-CM": (diagnosis("c2", coded("urn:oid:2.16.840.1.113883.6.90", "Z79.4")), False),
    "illness, unspecified": (diagnosis("c2", coded(ICD, "R69")), False),
    "a block of ICD": (diagnosis("c2", coded(ICD, "E00-E89")), False),
    "low insulin after surgery": (diagnosis("c2", coded(ICD, "E89.1")), False),
    "injected drugs for diabetes": (diagnosis("c2", coded(ICD, "Z79.85")), False),
    "long-term drugs, which ones unsaid": (diagnosis("c2", coded(ICD, "Z79")), False),
    "underdosing of insulin": (diagnosis("c2", coded(ICD, "T38.3X6A")), False),
    "history of a diabetic foot ulcer": (diagnosis("c2", coded(ICD, "Z86.31")), False),
    "family history of diabetes": (diagnosis("c2", coded(ICD, "Z83.3")), True),
    "prediabetes": (diagnosis("c2", coded(ICD, "R73.03")), True),
    "a chapter of ATC": (prescription("m2", coded(ATC, "C")), False),
    "all lipid modifying agents, by the OID of ATC": (
        prescription("m2", coded("urn:oid:2.16.840.1.113883.6.73", "C10")),
        False,
    ),
    "all lipid modifying agents": (prescription("m2", coded(ATC, "C10")), False),
    "terazosin": (prescription("m2", coded(ATC, "G04CA03")), False),
    "tamsulosin": (prescription("m2", coded(ATC, "G04CA02")), True),
    "clonidine for migraine": (prescription("m2", coded(ATC, "N02CX02")), False),
    "statin on hold": (prescription("m2", coded(ATC, "C10AA05"), status="on-hold"), False),
    "something else on hold": (prescription("m2", coded(ATC, "R03AC02"), status="on-hold"), True),
    "HbA1c by HPLC": (measured("o", "17856-6", 6.5, "%"), False),
    "HbA1c by electrophoresis": (measured("o", "4549-2", 6.5, "%"), False),
    "glucose in serum in moles": (measured("o", "14749-6", 11.1, "mmol/L"), False),
    "glucose in blood in moles": (measured("o", "15074-8", 11.0, "mmol/L"), True),
    "glucose by meter": (measured("o", "41653-7", 200, "mg/dL"), False),
    "glucose by meter, lower": (measured("o", "41653-7", 199, "mg/dL"), True),
    "glucose after a load": (measured("o", "1518-0", 200, "mg/dL"), False),
    "fasting glucose by meter": (measured("o", "41604-0", 126, "mg/dL"), False),
    "fasting glucose in blood": (measured("o", "76629-5", 6.9, "mmol/L"), True),
}


@pytest.mark.parametrize("name", HIDDEN)
async def test_what_could_be_hidden(name: str) -> None:
    record, wanted = HIDDEN[name]
    assert isinstance((await result_of(chart(record), CVD)).value, Quantity) is wanted


@pytest.mark.parametrize(
    ("drug", "on_statin"),
    [
        (coded(ATC, "A10BH51"), True),
        (coded(ATC, "A10BH01"), False),
        (coded(RXNORM, "404011"), True),
        (coded(RXNORM, "197361"), False),
    ],
    ids=["sitagliptin with simvastatin", "sitagliptin", "amlodipine with atorvastatin", "amlodipine"],
)
async def test_a_statin_in_a_combination_is_no_no(drug: Record, on_statin: bool) -> None:
    """Diabetes is recorded, so that nothing else stops the number: it must be that of a statin, or presume none."""
    result = await result_of(chart(diagnosis("c2", coded(ICD, "E11.9")), prescription("m2", drug)), CVD)
    assert isinstance(result.value, Quantity)
    assert ("Statin" in issue_text(result, "no-from-list")) is not on_statin


@pytest.mark.parametrize(("percent", "wanted"), [("6.4", True), ("6.5", False)])
async def test_what_is_assumed_contradicts_as_what_is_recorded_does(percent: str, wanted: bool) -> None:
    """A what-if of an HbA1c is not passed over, though values of a series are read for nothing else."""
    async with open_asker(cache={"enabled": False}) as ask:
        trace = await ask(chart(), CVD, assume={"hba1c": Quantity(Decimal(percent), "%")})
    result = results_by_concept(trace)[CVD]
    assert isinstance(result.value, Quantity) is wanted
    assert ("is assumed" in issue_text(result, "list-contradicted")) is not wanted


NORMAL = {"normal-us-hypertension": {"diabetes", "statin"}, "normal-us-statin": {"diabetes"}}


@pytest.mark.parametrize("name", NORMAL)
@pytest.mark.parametrize("risk", ["prevent-10y-total-cvd", "prevent-10y-ascvd", "prevent-10y-heart-failure"])
def test_a_normal_record_gets_a_number(name: str, risk: str) -> None:
    """Problems in SNOMED CT and ICD-10-CM, products of RxNorm, a visit last month; one is allergic to metformin."""
    path = Path(__file__).parents[1] / "cases" / "records" / f"{name}.json"
    records = [entry["resource"] for entry in json.loads(path.read_text())["entry"]]
    patient = next(each["id"] for each in records if each["resourceType"] == "Patient")
    result = answer_from(records, risk, patient=patient)[risk]
    assert result.status is Status.PARTIAL and isinstance(result.value, Quantity) and result.bounds is not None
    assert result.bounds.low <= result.value.value < result.bounds.high
    presumed = {issue.slot for issue in result.issues if issue.code == "no-from-list"}
    assert presumed == NORMAL[name] - ({"statin"} if risk.endswith("failure") else set())
    assert ("whatever it leaves out" in result.text) is (len(presumed) == 1)


@pytest.mark.parametrize("left_out", ["problem-2", "medication-2"])
def test_one_entry_in_text_alone_takes_it_away(left_out: str) -> None:
    path = Path(__file__).parents[1] / "cases" / "records" / "normal-us-hypertension.json"
    records = [entry["resource"] for entry in json.loads(path.read_text())["entry"]]
    (entry,) = [each for each in records if each["id"] == left_out]
    code = "code" if "code" in entry else "medicationCodeableConcept"
    entry[code] = {"text": "see letter"}
    result = answer_from(records, CVD, patient="normal-1")[CVD]
    assert result.status is Status.INSUFFICIENT and result.bounds is not None
    assert '"see letter"' in issue_text(result, "codes-unreadable")


async def test_lists_as_they_are_kept_for_these_tests() -> None:
    assert isinstance((await result_of(chart(lists=LISTS), CVD)).value, Quantity)
