"""The declared concepts: what clinical rules say of their codes, units and limits."""

from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest
from rdflib import Graph

from ontology.concepts import Concept, Origin, ValueType
from ontology.units import convert, is_convertible, ucum_code
from ontology.values import Coding, Quantity
from server.catalog.concepts import concept_nodes, read_concept

ROOT = Path(__file__).resolve().parents[2]
LOINC, SCT = "http://loinc.org", "http://snomed.info/sct"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
# What each concept accepts, from the clinical rules' table (those whose names a public source confirms).
ACCEPTED = {
    "serum-creatinine": "2160-0 14682-9 38483-4 59826-8 21232-4 77140-2 35203-9 1000731000000107",
    "recorded-uacr": "9318-7 32294-1 14959-1 14958-3 77253-3 77254-1 13705-9 30000-4 59159-4 76401-9 30001-2",
    "urine-albumin": "1754-1 14957-5 53531-0",
    "urine-creatinine": "2161-8 14683-7 20624-3",
    "heart-rate": "8867-4 364075005 78564009 8889-8 8893-0",
    "respiratory-rate": "9279-1 86290005 271625008",
    "spo2": "59408-5 2708-6 431314004 103228002 2710-2",
    "oxygen-flow": "3151-8 19941-4 371825009",
    "fio2": "3150-0 19994-3 71835-3 250774007",
    "room-air": "722742002 371825009",
    "systolic-bp": "8480-6 72313002 271649006 96608-5",
    "diastolic-bp": "8462-4 1091811000000102 271650006 96609-3",
    "body-temperature": "8310-5 8331-1 276885007 8332-9 8333-7 386725007",
    "consciousness": "67775-7 80288-4 11454-6 1104441000000107",
    "gcs": "9269-2",
    "gcs-eye": "9267-6",
    "gcs-verbal": "9270-0",
    "gcs-motor": "9268-4",
    "body-weight": "29463-7 3141-9 3142-7 27113001",
    "body-height": "8302-2 3137-7 8308-9 1153637007 50373000",
    "recorded-egfr": "62238-1 33914-3 98979-8",
    "total-cholesterol": "2093-3 14647-2",
    "hdl-cholesterol": "2085-9 14646-4",
    "current-smoker": "72166-2 365980008",
    "sodium": "2951-2 2947-0",
    "leucocytes": "6690-2 26464-8",
    "bilirubin": "1975-2 14631-6",
    "serum-albumin": "1751-7 1000821000000103",
    "urea-nitrogen": "3094-0 6299-2",
    "glucose": "2345-7 14749-6 2339-0 1558-6 15074-8 997681000000108",
    "oxygenation": "50984-4",
    "mean-blood-pressure": "8478-0",
    "hba1c": "4548-4 17856-6 4549-2 17855-8",
    "hba1c-ifcc": "59261-8",
    "fasting-glucose": "1558-6 14771-0 76629-5 1556-0 41604-0",
    "glucose-by-meter-or-load": "41653-7 2340-8 1518-0 14995-5",
    "phq9-total": "44261-6",
    "phq9-total-answered": "/44261-6",
}
UNITS = {
    "serum-creatinine": "mg/dL", "recorded-uacr": "mg/g", "urine-albumin": "mg/L", "urine-creatinine": "mg/dL",
    "heart-rate": "/min", "respiratory-rate": "/min", "spo2": "%", "oxygen-flow": "L/min", "fio2": "%",
    "systolic-bp": "mm[Hg]", "diastolic-bp": "mm[Hg]", "body-temperature": "Cel", "gcs": "{score}",
    "gcs-eye": "{score}", "gcs-verbal": "{score}", "gcs-motor": "{score}",
    "body-weight": "kg", "body-height": "cm", "recorded-egfr": "mL/min/{1.73_m2}", "recorded-bmi": "kg/m2",
    "total-cholesterol": "mg/dL", "hdl-cholesterol": "mg/dL",
    "sodium": "mmol/L", "leucocytes": "10*3/uL", "bilirubin": "mg/dL", "serum-albumin": "g/dL",
    "urea-nitrogen": "mg/dL",
    "glucose": "mg/dL", "oxygenation": "mm[Hg]", "mean-blood-pressure": "mm[Hg]", "hba1c": "%",
    "hba1c-ifcc": "mmol/mol", "fasting-glucose": "mg/dL", "glucose-by-meter-or-load": "mg/dL",
}  # fmt: skip
# In some code systems only: the others have no code that says as much.
FEW_SYSTEMS = ["mechanical-heart-valve", "significant-mitral-stenosis", "cardiac-amyloidosis"]
FEW_SYSTEMS += ["hypercapnic-respiratory-failure", "chronic-confusion"]
SITE = ["north-america", "consciousness-by-gcs"]
CONDITIONS = [
    "atrial-fibrillation",
    "atrial-flutter",
    "prosthetic-heart-valve",
    "mitral-stenosis",
    "hypertrophic-cardiomyopathy",
    "heart-failure",
    "hypertension",
    "diabetes",
    "stroke-tia-thromboembolism",
    "vascular-disease",
    "dialysis",
    "chronic-dialysis",
    "kidney-transplant",
    "end-stage-kidney-disease",
    "pregnancy",
    "acute-kidney-injury",
    "spinal-cord-injury",
    "amputation",
    "suspected-infection",
    "ischaemic-heart-disease",
    "intracranial-haemorrhage",
    "acute-organ-failure",
    "copd",
    "liver-cirrhosis",
    "coma",
    "colon-cancer",
    "lung-cancer",
    "cardiogenic-shock",
    "acute-myocardial-infarction",
]
# What was so or was done: asked for by id, by no module yet.
EVENTS = {
    # Of medications those out of RxNorm; its ingredients and products are in test_concepts_kinds.py.
    "oral-anticoagulant": "B01AA* B01AF* B01AE07",
    "ace-inhibitor": "C09AA* C09B* C10BX*",
    "metformin": "A10BA02 A10BD02 A10BD03 A10BD05 A10BD07 A10BD08 A10BD10 A10BD11 A10BD13 A10BD14 A10BD15 A10BD16 "
    "A10BD17 A10BD18 A10BD20 A10BD22 A10BD23 A10BD25 A10BD26 A10BD27 A10BD28 A10BD31 A10BD34",
    "nsaid": "M01AA* M01AB* M01AC* M01AE* M01AG* M01AH* M01AX01 M01AX02 M01AX04 M01AX13 M01AX17 M01AX18 M01AX22 "
    "M01AX23 M01AX68 M01BA01 M01BX* N02AJ03 N02AJ08 N02AJ09 N02AJ14 N02AJ15 N02AJ16 N02AJ19 N02AJ23 N02BE51 C08CA51",
    "topical-nsaid": "M02AA*",
    "aminoglycoside": "J01G* J01RA06 J04AM01",
    "angiotensin-receptor-blocker": "C09C* C09D* C10BX*",
    "diuretic": "C03A* C03B* C03C* C03E* C02L* C07B* C07C* C07D* C09BA* C09DA* C09BX* C09DX*",
    "sitagliptin": "A10BH01 A10BH51 A10BD07 A10BD12 A10BD24 A10BD29 A10BD31",
    "saxagliptin": "A10BH03 A10BD10 A10BD21 A10BD25",
    "canagliflozin": "A10BK02 A10BD16",
    "dapagliflozin": "A10BK01 A10BD15 A10BD21 A10BD25 A10BD29 A10BD30 A10BD31 A10BD32 A10BD33 C03DA54",
    "empagliflozin": "A10BK03 A10BD19 A10BD20 A10BD27",
    "ertugliflozin": "A10BK04 A10BD23 A10BD24",
    "finerenone": "C03DA05",
    "statin": "C10AA* C10B* A10BH51 A10BH52",
    "antihypertensive": "C02A* C02B* C02C* C02D* C02L* C02N* C03A* C03B* C03C* C03D* C03E* C07* C08* C09* C10BX* "
    "G04CA03 N02CX02",
    "other-medication": "",
    "coronary-revascularisation": "415070008 36969009 41339005 8-837.m* 232717009 67166004 232719007 232720001 "
    "232721002 232722009 232723004 418824004",
    "cardioversion": "180325003",
    "dialysis-date": "108241001 11932001 14684005 225230008 233575001 233578004 233580005 233581009 233582002 "
    "233583007 233585000 233586004 233587008 233588003 233590002 238318009 238319001 265764009 302497006 34897002 "
    "428648006 57274006 676002 67970008 71192002 714749008",
    "colonoscopy-date": "73761001",
    "penicillin-allergy": "91936005 373270004 716186003 409137002 764146007 294505008 372687004 372725003 75247008 "
    "7980 70618",
    "influenza-vaccination": "88 135 140 141 144 149 150 155 158 161 166 168 171 185 186 197 205",
    "pneumococcal-vaccination": "133 33",
    "inpatient-stay": "IMP ACUTE NONAC",
    "inpatient-stay-start": "IMP ACUTE NONAC",
    "emergency-visit": "EMER",
    "outpatient-visit": "AMB HH VR",
    "problem-list": "11450-4",
    "medication-list": "10160-0",
    "glucose-lowering": "A10* C03DA54",
    "lipid-lowering": "C10* A10BH51 A10BH52",
    "infarction-in-family": "22298006 57054005 1755008 I21* I25.2*",
}


# Draft orders, each read by the codes of its medication.
ORDERS = ["metformin-order", "nsaid-order", "finerenone-order", "sitagliptin-order", "saxagliptin-order"]
ORDERS += ["canagliflozin-order", "dapagliflozin-order", "empagliflozin-order", "ertugliflozin-order"]


@cache
def concepts() -> dict[str, Concept]:
    found = {}
    for path in sorted((ROOT / "ontology").glob("*.ttl")):
        graph = Graph().parse(path, publicID=f"https://medtwin.example/ontology/{path.stem}")
        for node in concept_nodes(graph):
            concept = read_concept(graph, node)
            assert concept.id not in found
            found[concept.id] = concept
    return found


def test_ids_are_kebab_case_of_the_names() -> None:
    for concept in concepts().values():
        name = concept.iri.rpartition("#")[2]
        assert name.lower() == concept.id.replace("-", ""), concept.id


def test_everything_that_modules_expect_is_declared() -> None:
    wanted = {
        *ACCEPTED,
        *UNITS,
        *CONDITIONS,
        *FEW_SYSTEMS,
        "spo2-scale-2",
        "sedation",
        "no-known-problems",
        "birth-date",
        "sex",
        "administrative-gender",
        *SITE,
        *EVENTS,
        *ORDERS,
    }
    assert wanted == set(concepts())


@pytest.mark.parametrize("name", sorted(ACCEPTED | EVENTS))
def test_codes_met_in_records_are_accepted_and_no_others(name: str) -> None:
    of_medication = concepts()[name].origin is Origin.MEDICATION
    accepted = (a.coding for a in concepts()[name].accepted)
    codes = {each.code for each in accepted if not (of_medication and each.system == RXNORM)}
    assert codes == set((ACCEPTED | EVENTS)[name].split())


def test_body_fluid_creatinine_and_urine_protein_are_not_accepted_anywhere() -> None:
    accepted = {a.coding.code for c in concepts().values() for a in c.accepted}
    assert not accepted & {"12190-5", "2888-6", "2890-2", "34366-5"}


def test_a_code_means_one_concept_only() -> None:
    seen: dict[tuple[str, str, bool], str] = {}
    for concept in concepts().values():
        for each in concept.accepted:
            # What a relative had is coded as what the patient has.
            key = each.coding.system, each.coding.code, concept.origin is Origin.FAMILY_HISTORY
            # An infarction is a vascular disease as well, dialysis of either kind is dialysis, a fasting glucose is a
            # glucose, "on oxygen" may say how much, and a medication may be of several kinds; nothing else is two
            # things.  A stay has a start.
            several = concept.origin is Origin.MEDICATION or (concept.id, each.coding.code) in (
                ("oxygen-flow", "371825009"),
                ("fasting-glucose", "1558-6"),
            )
            two = ("acute-myocardial-infarction", "chronic-dialysis", "dialysis-date", "inpatient-stay-start")
            if not several and concept.id not in two:
                assert seen.setdefault(key, concept.id) == concept.id
    assert len(seen) > 300


@pytest.mark.parametrize("name", sorted(UNITS))
def test_units_are_ucum_and_meet(name: str) -> None:
    concept = concepts()[name]
    assert concept.unit == UNITS[name]
    for unit in concept.units:
        assert is_convertible(unit)
        assert ucum_code(unit) == unit
        convert(Decimal(1), unit, UNITS[name], concept.molar_mass)


@pytest.mark.parametrize("name", sorted(UNITS))
def test_what_is_usual_is_plausible(name: str) -> None:
    concept = concepts()[name]
    assert concept.plausible_low is not None
    assert concept.plausible_high is not None
    assert concept.plausible_low < concept.plausible_high
    assert concept.note is not None
    assert "lausible" in concept.note
    if concept.reference is not None:
        assert isinstance(concept.reference, Quantity)
        assert concept.plausible_low <= concept.reference.value <= concept.plausible_high


def test_inspired_oxygen_is_percent_or_fraction_only_by_its_unit() -> None:
    fio2 = concepts()["fio2"]
    assert set(fio2.units) == {"%", "1"}
    assert all(each.needs_unit for each in fio2.accepted)
    low, high = fio2.plausible_low, fio2.plausible_high
    assert low is not None
    assert high is not None
    assert low <= convert(Decimal("0.21"), "1", "%") <= high
    assert not low <= Decimal("0.21")
    assert not convert(Decimal(40), "1", "%") <= high


def test_a_ratio_of_albumin_needs_its_unit() -> None:
    uacr = concepts()["recorded-uacr"]
    assert all(each.needs_unit for each in uacr.accepted)
    assert convert(Decimal(3), "mg/mmol", "mg/g", uacr.molar_mass).quantize(Decimal("0.1")) == Decimal("26.5")
    best = {a.coding.code for a in uacr.accepted if a.rank == 0}
    assert best == {"9318-7", "14959-1", "32294-1", "30000-4", "77253-3"}
    strip = next(a for a in uacr.accepted if a.coding.code == "30001-2")
    assert strip.caution is not None
    assert strip.rank > max(a.rank for a in uacr.accepted if a is not strip)


def test_saturation_from_a_blood_gas_is_cautioned_and_comes_second() -> None:
    codes = {a.coding.code: a for a in concepts()["spo2"].accepted}
    assert codes["59408-5"].caution is None
    assert "blood gas" in (codes["2708-6"].caution or "")
    assert codes["2708-6"].rank > codes["59408-5"].rank


def test_temperatures_in_the_other_scale_are_implausible() -> None:
    low, high = concepts()["body-temperature"].plausible_low, concepts()["body-temperature"].plausible_high
    assert low is not None
    assert high is not None
    for celsius in (Decimal(30), Decimal(42)):
        assert low <= celsius <= high
        assert convert(celsius, "[degF]", "Cel") < low
        assert convert(celsius, "Cel", "[degF]") > high


def test_stated_weight_is_cautioned() -> None:
    stated = next(a for a in concepts()["body-weight"].accepted if a.coding.code == "3142-7")
    assert stated.caution == "stated, not measured"


def test_panels_hold_pressures_and_oxygen() -> None:
    for name in ("systolic-bp", "diastolic-bp"):
        assert {p.code for p in concepts()[name].panels} >= {"85354-9", "55284-4"}
    for name in ("oxygen-flow", "fio2"):
        assert {p.code for p in concepts()[name].panels} >= {"59408-5", "2708-6"}


def test_new_confusion_is_only_what_is_recorded_as_acute() -> None:
    means = {a.recorded.code: a.means for a in concepts()["consciousness"].answers}
    assert {m.code for m in means.values() if isinstance(m, Coding)} == {
        "248234008", "130987000", "130988005", "300202002", "450847001", "422768004",
    }  # fmt: skip
    assert [code for code, m in means.items() if m == Coding(SCT, "130987000")] == ["130987000"]
    assert "LA6560-2" not in means


def test_scale_2_and_room_air_are_statements() -> None:
    scale = {a.recorded.code: a.means for a in concepts()["spo2-scale-2"].answers}
    assert scale == {"scale-1": False, "scale-2": True}
    assert {a.coding.code: a.asserts for a in concepts()["room-air"].accepted} == {
        "722742002": True,
        "371825009": False,
    }
    asserting = {c.id for c in concepts().values() for a in c.accepted if a.asserts is not None}
    assert asserting == {"room-air", "penicillin-allergy"}


@pytest.mark.parametrize("name", CONDITIONS)
def test_conditions_can_be_recognised_in_every_code_system(name: str) -> None:
    concept = concepts()[name]
    assert concept.origin is Origin.CONDITION
    assert concept.value_type is ValueType.FLAG
    systems = {a.coding.system for a in concept.accepted}
    sid = "http://hl7.org/fhir/sid/"
    assert systems >= {sid + "icd-10-cm", sid + "icd-9-cm"}
    # ICD-10 (WHO) has no code for end-stage kidney disease: N18.5 is stage 5.
    assert (sid + "icd-10" in systems) is (name != "end-stage-kidney-disease")
    assert SCT in systems


def test_creatinine_in_mass_and_molar_units_is_one_concept() -> None:
    creatinine = concepts()["serum-creatinine"]
    assert creatinine.molar_mass == Decimal("113.12")
    assert set(creatinine.units) >= {"mg/dL", "umol/L"}


def test_a_gfr_that_is_not_indexed_is_not_read_as_one() -> None:
    assert concepts()["recorded-egfr"].units == ("mL/min/{1.73_m2}",)


def test_a_code_that_excludes_is_accepted_by_no_concept_but_where_it_is_only_recognised() -> None:
    excluding = {(c.id, e.coding.system, e.coding.code) for c in concepts().values() for e in c.excluded_by}
    accepted = {(c.id, a.coding.system, a.coding.code) for c in concepts().values() for a in c.accepted}
    # An average over a day is recognised, to be reported, and never read.
    assert {code for _, _, code in excluding & accepted} == {"96608-5", "96609-3"}
    assert not {(s, c) for _, s, c in excluding - accepted} & {(s, c) for _, s, c in accepted - excluding}


def test_only_what_lasts_less_than_for_ever_is_recorded_elsewhere() -> None:
    """But for a valve, which stays once it is replaced."""
    valves = {"mechanical-heart-valve", "prosthetic-heart-valve"}
    held = [(c.id, each) for c in concepts().values() for each in c.accepted if each.recorded_in is not None]
    assert len(held) > 20
    assert {name for name, each in held if each.holds_for is None} == valves
    elsewhere = [each for _, each in held]
    # A session may be of an acute injury, which chronic dialysis must not be.
    assert not any(each.recorded_in for each in concepts()["chronic-dialysis"].accepted)
    assert {each.coding.code for each in elsewhere if each.recorded_in is Origin.OBSERVATION} == {"82810-3"}
