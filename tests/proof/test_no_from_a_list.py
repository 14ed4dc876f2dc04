"""PREVENT's "no" from a list: a number beside its limits, only while every guard holds; each guard inside and outside.

The guards are those of the clinical rules (24 months; what contradicts: HbA1c 6.5 %, fasting glucose 126 mg/dL, glucose
200 mg/dL: American Diabetes Association, doi:10.2337/dc24-S002, table 2.1).
"""

from decimal import Decimal
from itertools import product

import pytest

from ontology.values import Absent, AbsentReason, Quantity
from server.executor.binding import certain_value
from server.explain.results import AnswerResult, Status
from tests.support.charts import Record
from tests.support.engine_questions import AT, open_asker, shipped
from tests.support.kept_lists import (
    ATC,
    ICD,
    LISTS,
    SNOMED,
    chart,
    coded,
    diagnosis,
    kept_list,
    measured,
    prescription,
    provenance,
    status,
    visit,
)
from tests.support.module_inputs import evaluate_module, number_of
from tests.support.proof_questions import execution, issue_text, result_of, results_by_concept

ABSENT_UNKNOWN = "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips"
CVD, FAILURE = "prevent-10y-total-cvd", "prevent-10y-heart-failure"
THREE = ("antihypertensive", "diabetes", "statin")
PROBLEMS, MEDICATIONS = "11450-4", "10160-0"
ASTHMA = {"system": ICD, "code": "J45.20"}
NO_VISIT: tuple[Record, ...] = (diagnosis(encounter=None), prescription())
OLD = (diagnosis(encounter=None, recordedDate="2019-01-07"), prescription(authoredOn="2025-11-03"))


def has_number(result: AnswerResult) -> bool:
    """A number and its limits, or limits alone; never anything else."""
    assert result.bounds is not None and result.bounds.low < result.bounds.high
    number = isinstance(result.value, Quantity)
    assert result.status is (Status.PARTIAL if number else Status.INSUFFICIENT)
    assert result.presumed is result.assumed is number
    return number


async def test_number_and_limits() -> None:
    """Both are the published equation: the number without the three, the limits over all of their combinations."""
    async with open_asker(cache={"enabled": False}) as ask:
        trace = await ask(chart(), CVD)
    result, inputs = results_by_concept(trace)[CVD], execution(trace, CVD).inputs
    known = {name: each.value for name, each in inputs.items() if each.presumed is None}
    of = {
        flags: number_of(evaluate_module(CVD, {**known, **dict(zip(THREE, flags, strict=True))}))
        for flags in product((False, True), repeat=3)
    }
    assert result.value == Quantity(of[False, False, False], "%") and result.bounds is not None
    assert (result.bounds.low, result.bounds.high) == (min(of.values()), max(of.values()))
    assert result.text == (
        "Risk of cardiovascular disease within 10 years is 5.4 %, if the problem and medication lists are complete; "
        "5.0 to 13.8 % whatever they leave out (as of 2026-05-20 09:00 UTC)."
    )
    told = issue_text(result, "no-from-list")
    assert "is not on the medication list and is counted as absent. " in told and "Encounter/e1" in told


ALIVE: dict[str, tuple[tuple[Record, ...], bool]] = {
    "visit 24 months ago": (
        (
            diagnosis(recordedDate="2024-06-30"),
            prescription(authoredOn="2024-06-30", status="completed"),
            visit(day="2024-06-30"),
        ),
        True,
    ),
    "visit a day longer ago": (
        (
            diagnosis(recordedDate="2024-06-29"),
            prescription(authoredOn="2024-06-29", status="completed"),
            visit(day="2024-06-29"),
        ),
        False,
    ),
    "no visit, no list": (NO_VISIT, False),
    "an entry that names another encounter": ((diagnosis(encounter={"reference": "Encounter/e9"}), *LISTS[1:]), False),
    "entries recorded on other days": ((*OLD, visit()), False),
    "emergency visit": ((*LISTS[:2], visit(kind="EMER")), False),
    "inpatient stay": ((*LISTS[:2], visit(kind="IMP")), False),
    "planned visit": ((*LISTS[:2], visit(status="planned")), False),
    "visit of unknown status": ((*LISTS[:2], visit(status="unknown")), False),
    "visit in error": ((*LISTS[:2], visit(status="entered-in-error")), False),
    "visit of another patient": ((*LISTS[:2], visit(subject={"reference": "Patient/p2"})), False),
    "video visit": ((*LISTS[:2], visit(kind="VR")), True),
    "diagnosis of the encounter": (
        (diagnosis(category=[coded("x", "encounter-diagnosis")]), *LISTS[1:]),
        False,
    ),
    "item of the problem list": ((diagnosis(category=[coded("x", "problem-list-item")]), *LISTS[1:]), True),
    "inpatient order": ((LISTS[0], prescription(category=[coded("x", "inpatient")]), visit()), False),
    "both lists dated": ((*OLD, kept_list(PROBLEMS), kept_list(MEDICATIONS)), True),
    "lists dated 24 months ago": ((*OLD, *(kept_list(c, "2024-06-30") for c in (PROBLEMS, MEDICATIONS))), True),
    "lists dated a day before": ((*OLD, *(kept_list(c, "2024-06-29") for c in (PROBLEMS, MEDICATIONS))), False),
    "lists dated by the month": ((*OLD, *(kept_list(c, "2024-06") for c in (PROBLEMS, MEDICATIONS))), False),
    "lists dated later": ((*OLD, *(kept_list(c, "2026-07-01") for c in (PROBLEMS, MEDICATIONS))), False),
    "one list only": ((*OLD, kept_list(PROBLEMS)), False),
    "retired list": ((*OLD, kept_list(PROBLEMS), kept_list(MEDICATIONS, status="retired")), False),
    "list of changes": ((*OLD, kept_list(PROBLEMS), kept_list(MEDICATIONS, mode="changes")), False),
    "list entered in error": ((*OLD, kept_list(PROBLEMS), kept_list(MEDICATIONS, status="entered-in-error")), False),
    "nothing known": (
        (kept_list(PROBLEMS, entry=[], emptyReason=coded("x", "nilknown")), kept_list(MEDICATIONS), OLD[1]),
        True,
    ),
    "not available": (
        (kept_list(PROBLEMS, entry=[], emptyReason=coded("x", "unavailable")), kept_list(MEDICATIONS), OLD[1]),
        False,
    ),
    "not available, beside a visit": (
        (*LISTS, kept_list(PROBLEMS, entry=[], emptyReason=coded("x", "unavailable"))),
        False,
    ),
    "empty without a reason": ((kept_list(PROBLEMS, entry=[]), kept_list(MEDICATIONS)), False),
    "undated list": ((*OLD, kept_list(PROBLEMS, None), kept_list(MEDICATIONS)), False),
    "undated list with its provenance": (
        (
            *OLD,
            kept_list(PROBLEMS, None),
            kept_list(MEDICATIONS),
            provenance(f"List/l{PROBLEMS}", "2026-01-12T10:00:00Z"),
        ),
        True,
    ),
    "provenance of long ago": (
        (
            *OLD,
            kept_list(PROBLEMS, None),
            kept_list(MEDICATIONS),
            provenance(f"List/l{PROBLEMS}", "2024-01-12T10:00:00Z"),
        ),
        False,
    ),
    "provenance of something else": (
        (*OLD, kept_list(PROBLEMS, None), kept_list(MEDICATIONS), provenance("List/l9", "2026-01-12T10:00:00Z")),
        False,
    ),
}


@pytest.mark.parametrize("name", ALIVE)
async def test_a_list_is_alive(name: str) -> None:
    lists, wanted = ALIVE[name]
    result = await result_of(chart(lists=lists), CVD)
    assert has_number(result) is wanted
    if not wanted:
        text = issue_text(result, "list-not-reconciled")
        assert "is recorded in the last 24 months" in text or "is unknown" in text


UNDERSTOOD: dict[str, tuple[Record, bool]] = {
    "ICD-10-CM": (diagnosis("c2", coded(ICD, "J45.20")), True),
    # That there are none: understood as a code, and not as text or as "no information".
    "no current problems": (diagnosis("c2", coded(SNOMED, "160245001")), True),
    "no known problems": (diagnosis("c2", coded(ABSENT_UNKNOWN, "no-known-problems")), True),
    "no information": (diagnosis("c2", coded(ABSENT_UNKNOWN, "no-problem-info")), False),
    "no problems, as text": (diagnosis("c2", {"text": "no current problems"}), False),
    "text alone": (diagnosis("c2", {"text": "Zucker, diaetetisch"}), False),
    "a local code": (diagnosis("c2", coded("https://clinic.example/codes", "D1")), False),
    "a local code beside ICD-10-CM": (
        diagnosis(
            "c2", {"coding": [*coded("https://clinic.example/codes", "A1")["coding"], *coded(ICD, "J45.20")["coding"]]}
        ),
        True,
    ),
    "SNOMED CT that another concept names": (diagnosis("c2", coded(SNOMED, "38341003")), True),
    "SNOMED CT, which no list here decides": (diagnosis("c2", coded(SNOMED, "195967001")), False),
    "diabetes in pregnancy": (diagnosis("c2", coded(ICD, "O24.011")), False),
    "long-term use of insulin": (diagnosis("c2", coded(ICD, "Z79.4")), False),
    "a medication in a local code": (prescription("m2", coded("https://clinic.example/drugs", "77")), False),
    "a medication as text": (prescription("m2", {"text": "Amlodipine 5 mg"}), False),
    "a stopped medication as text": (prescription("m2", {"text": "Amlodipine 5 mg"}, status="stopped"), False),
    "ATC": (prescription("m2", coded(ATC, "R03AC02")), True),
    "ATC group in which some lower pressure": (prescription("m2", coded(ATC, "C02KX01")), False),
    "a stopped medication in ATC": (prescription("m2", coded(ATC, "R03AC02"), status="stopped"), True),
    "ATC in its German name": (prescription("m2", coded("http://fhir.de/CodeSystem/bfarm/atc", "R03AC02")), True),
    "ICD-10-GM": (diagnosis("c2", coded("http://fhir.de/CodeSystem/bfarm/icd-10-gm", "J45.9")), True),
    "combination that may have a statin": (prescription("m2", coded(ATC, "C10BX03")), False),
}


@pytest.mark.parametrize("name", UNDERSTOOD)
async def test_every_entry_is_understood(name: str) -> None:
    record, wanted = UNDERSTOOD[name]
    assert has_number(await result_of(chart(record), CVD)) is wanted


async def test_hypertension_beside_an_entry_that_is_not_understood() -> None:
    hypertension = diagnosis("c2", coded(ICD, "I10"))
    assert has_number(await result_of(chart(hypertension), CVD))
    unclear = prescription("m2", {"text": "Blutdruckmittel"}, status="completed")
    assert not has_number(await result_of(chart(hypertension, unclear), CVD))


CONTRADICTED: dict[str, tuple[Record, bool]] = {
    "HbA1c 6.4 %": (measured("o", "4548-4", 6.4, "%"), True),
    "HbA1c 6.5 %": (measured("o", "4548-4", 6.5, "%"), False),
    "HbA1c 6.5 %, ten years ago": (measured("o", "4548-4", 6.5, "%", "2016-05-20"), False),
    "HbA1c 47 mmol/mol": (measured("o", "59261-8", 47, "mmol/mol"), True),
    "HbA1c 48 mmol/mol": (measured("o", "59261-8", 48, "mmol/mol"), False),
    "HbA1c in a unit that cannot be read": (measured("o", "4548-4", 48, "mmol/mol"), False),
    "fasting glucose 125 mg/dL": (measured("o", "1558-6", 125, "mg/dL"), True),
    "fasting glucose 126 mg/dL": (measured("o", "1558-6", 126, "mg/dL"), False),
    "fasting glucose 6.9 mmol/L": (measured("o", "14771-0", 6.9, "mmol/L"), True),
    "fasting glucose 7.0 mmol/L": (measured("o", "14771-0", 7.0, "mmol/L"), False),
    "glucose 199 mg/dL": (measured("o", "2345-7", 199, "mg/dL"), True),
    "glucose 200 mg/dL": (measured("o", "2345-7", 200, "mg/dL"), False),
    "glucose 11.1 mmol/L": (measured("o", "2345-7", 11.1, "mmol/L"), False),
    "metformin": (prescription("m2", coded(ATC, "A10BA02")), False),
    "metformin, stopped": (prescription("m2", coded(ATC, "A10BA02"), status="stopped"), False),
    "metformin, planned": (prescription("m2", coded(ATC, "A10BA02"), intent="plan"), True),
    "fenofibrate": (prescription("m2", coded(ATC, "C10AB05")), False),
    "fenofibrate, stopped": (prescription("m2", coded(ATC, "C10AB05"), status="stopped"), True),
}


@pytest.mark.parametrize("name", CONTRADICTED)
async def test_nothing_contradicts(name: str) -> None:
    record, wanted = CONTRADICTED[name]
    result = await result_of(chart(record), CVD)
    assert has_number(result) is wanted
    assert bool(issue_text(result, "list-contradicted")) is not wanted


def diabetes(**changes: object) -> Record:
    return diagnosis("c2", coded(ICD, "E11.9"), **changes)


STATED: dict[str, tuple[Record, bool]] = {
    "refuted": (diabetes(verificationStatus=status("ver-status", "refuted")), True),
    "entered in error": (diabetes(verificationStatus=status("ver-status", "entered-in-error")), True),
    "provisional": (diabetes(verificationStatus=status("ver-status", "provisional")), False),
    "in remission": (diabetes(clinicalStatus=status("clinical", "remission")), False),
    "resolved": (diabetes(clinicalStatus=status("clinical", "resolved")), False),
    "statin not taken": (
        {
            "resourceType": "MedicationStatement",
            "id": "s1",
            "status": "not-taken",
            "medicationCodeableConcept": coded(ATC, "C10AA05"),
            "subject": {"reference": "Patient/p1"},
            "effectiveDateTime": "2026-03-02",
        },
        True,
    ),
    "statin stopped": (prescription("m2", coded(ATC, "C10AA05"), status="stopped"), True),
}


@pytest.mark.parametrize("name", STATED)
async def test_what_is_stated_about_it(name: str) -> None:
    record, wanted = STATED[name]
    assert has_number(await result_of(chart(record), CVD)) is wanted


async def test_recorded_disease_needs_no_list_of_it() -> None:
    """Diabetes is recorded: only the medication list has to be complete, and only it is named."""
    result = await result_of(chart(diabetes()), CVD)
    assert has_number(result) and "if the medication list is complete" in result.text


async def test_another_input_missing_leaves_limits_only() -> None:
    records = [each for each in chart() if each["id"] != "smoking"]
    result = await result_of(records, CVD)
    assert not has_number(result) and not issue_text(result, "no-from-list")


async def test_heart_failure_does_not_ask_of_statins() -> None:
    fibrate = prescription("m2", coded(ATC, "C10AB05"))
    assert has_number(await result_of(chart(fibrate), FAILURE))
    assert not has_number(await result_of(chart(fibrate), CVD))


async def test_the_site_switches_it_off_by_module_and_slot() -> None:
    """Another fingerprint: what was computed with the one is never found by the other."""
    found = {}
    for name, absence in (("on", {}), ("off", {CVD: {"statin": False}})):
        async with open_asker(site={"absence": absence}) as ask:
            traces = [await ask(chart(), CVD, FAILURE) for _ in range(2)]
            assert [execution(trace, CVD).reused for trace in traces] == [False, True]
            found[name] = traces[-1]
    assert has_number(results_by_concept(found["on"])[CVD]) and has_number(results_by_concept(found["off"])[FAILURE])
    assert not has_number(results_by_concept(found["off"])[CVD])
    assert execution(found["on"], CVD).fingerprint != execution(found["off"], CVD).fingerprint


async def test_one_engine_never_takes_the_one_for_the_other() -> None:
    """The same inputs but for a list that is not kept: limits only, though the number is in the cache."""
    async with open_asker() as ask:
        for lists, wanted in ((LISTS, True), (NO_VISIT, False), (LISTS, True)):
            assert has_number(results_by_concept(await ask(chart(lists=lists), CVD))[CVD]) is wanted


async def test_at_an_earlier_time_the_list_was_not_kept_yet() -> None:
    records = chart(measured("scr", "2160-0", 0.8, "mg/dL", "2026-02-20"), lists=LISTS)
    result = await result_of(records, CVD, at=AT.replace(month=3, day=1))
    assert not isinstance(result.value, Quantity)


def test_only_the_three_slots_of_prevent() -> None:
    assert {(module, slot) for module, slots in shipped().reconciled_slots.items() for slot in slots} == {
        *(
            (module, slot)
            for module in (CVD, "prevent-10y-ascvd")
            for slot in ("antihypertensive", "diabetes", "statin")
        ),
        *((FAILURE, slot) for slot in ("antihypertensive", "diabetes")),
    }
    refusing = {each.criterion for module in shipped().modules.values() for each in module.applicability}
    assert refusing


@pytest.mark.parametrize(
    ("kind", "of"),
    [
        *((kind, "glucose-lowering") for kind in ("metformin", "sitagliptin", "saxagliptin", "canagliflozin")),
        *((kind, "glucose-lowering") for kind in ("dapagliflozin", "empagliflozin", "ertugliflozin")),
        *((kind, "antihypertensive") for kind in ("ace-inhibitor", "angiotensin-receptor-blocker", "diuretic")),
        ("finerenone", "antihypertensive"),
        ("statin", "lipid-lowering"),
    ],
)
def test_a_code_of_a_kind_is_a_code_of_its_class(kind: str, of: str) -> None:
    """A code that another concept names is understood: its class must not pass it over."""
    accepted = shipped().concepts[of].accepted
    exact = {(each.coding.system, each.coding.code) for each in accepted}
    starts = {(s, code[:-1]) for s, code in exact if code.endswith("*")}
    rxnorm = "http://www.nlm.nih.gov/research/umls/rxnorm"
    for each in shipped().concepts[kind].accepted:
        system, code = each.coding.system, each.coding.code.rstrip("*")
        if (kind, system) == ("statin", rxnorm):
            # Of statins the slot itself asks by these.
            continue
        known = (system, code) in exact or any(s == system and code.startswith(start) for s, start in starts)
        assert known, (kind, system, code)


async def test_what_is_computed_from_it_gets_the_limits() -> None:
    """The number never stands alone, in a step above it either."""
    async with open_asker(cache={"enabled": False}) as ask:
        result = execution(await ask(chart(), CVD), CVD).evaluation
    assert result.presumed == THREE
    assert certain_value(result) == Absent(AbsentReason.INPUT_ABSENT)
    assert isinstance(result.value, Quantity) and result.value.value > Decimal(5)


@pytest.mark.parametrize("concept", [CVD, FAILURE])
@pytest.mark.parametrize(
    ("day", "warned"),
    # Asked on 30 June: what ended 30 days ago, or goes on, and what ended before.
    [("2026-06-29", True), ("2026-06-01", True), ("2026-05-30", False)],
)
async def test_an_inpatient_stay_within_30_days_is_a_caution(concept: str, day: str, warned: bool) -> None:
    stay = visit("stay", day, kind="IMP")
    result = await result_of(chart(lists=(*LISTS, stay)), concept)
    assert ("inpatient stay within 30 days" in issue_text(result, "caution")) is warned
