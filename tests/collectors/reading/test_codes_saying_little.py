"""Codes that say too little of an entry: stand-ins that are no codes, codes of any illness, and groups too wide."""

from dataclasses import replace

import pytest

from collectors.reading.codes import coded_part, deciding_systems, says_what_it_is, wider_codes
from collectors.search import NO_NAMED_CODES
from ontology.concepts import AcceptedCode
from ontology.values import Coding
from tests.support.engine_questions import shipped

ICD10, ICD9 = "http://hl7.org/fhir/sid/icd-10-cm", "http://hl7.org/fhir/sid/icd-9-cm"
ATC = "http://www.whocc.no/atc"


@pytest.mark.parametrize(
    ("system", "code", "wanted"),
    [
        (ICD10, "I10", True),
        (ICD10, "E11.9", True),
        (ICD10, "e119", True),
        (ICD10, "S72.001A", True),
        (ICD10, "U07.1", True),
        ("http://fhir.de/CodeSystem/bfarm/icd-10-gm", "M14.2*", True),
        ("http://fhir.de/CodeSystem/bfarm/icd-10-gm", "E11.-", True),
        # Stand-ins of one vendor's records, where a term has no code.
        (ICD10, "IMO0001", False),
        (ICD10, "IMO0002", False),
        (ICD10, "E00-E89", False),
        (ICD10, "", False),
        # Illness, unspecified; other unknown and unspecified cause of morbidity.
        (ICD10, "R69", False),
        (ICD9, "799.9", False),
        (ICD9, "799.89", True),
        (ICD9, "V58.67", True),
        (ICD9, "E932.3", True),
        (ICD9, "25000", True),
        (ICD9, "diabetes", False),
        (ATC, "C10AA05", True),
        (ATC, "C10", True),
        (ATC, "C10A05", False),
        ("urn:oid:2.16.840.1.113883.6.73", "n/a", False),
        # Procedures have other forms, and other systems are not looked at.
        ("http://mimic.mit.edu/fhir/mimic/CodeSystem/mimic-procedure-icd10", "0210093", True),
        ("http://www.cms.gov/Medicare/Coding/ICD10", "0210093", True),
        ("http://snomed.info/sct", "44054006", True),
        ("https://clinic.example/codes", "D1", True),
    ],
)
def test_whether_a_code_says_what_it_is(system: str, code: str, wanted: bool) -> None:
    assert says_what_it_is((system, code)) is wanted


@pytest.mark.parametrize(
    ("concept", "system", "code", "wide"),
    [
        ("statin", ATC, "C10", True),
        ("statin", ATC, "C10A", True),
        ("statin", ATC, "C", True),
        ("statin", ATC, "C10AB", False),
        ("statin", ATC, "C10B", False),
        ("metformin", ATC, "A10B", True),
        ("metformin", ATC, "A10BA", True),
        ("oral-anticoagulant", ATC, "B01AE", True),
        ("antihypertensive", ATC, "C10", True),
        ("diabetes", ICD10, "Z79", True),
        ("diabetes", ICD10, "J45", False),
        ("stroke-tia-thromboembolism", ICD10, "G45", True),
        ("diabetes", "http://snomed.info/sct", "4405", False),
    ],
)
def test_a_group_of_codes_that_may_be_the_concept(concept: str, system: str, code: str, wide: bool) -> None:
    """None that the concept accepts itself: those are read."""
    found = wider_codes(shipped().concepts[concept])
    assert ((system, code) in found) is wide


def test_an_entry_with_such_a_code_only_is_not_understood() -> None:
    statin = shipped().concepts["statin"]
    for code, wanted in (("C10", False), ("N02BE01", True)):
        part = coded_part(frozenset({(ATC, code)}), NO_NAMED_CODES)
        assert part.is_understood(deciding_systems(statin), wider_codes(statin)) is wanted
    assert not coded_part(frozenset({(ICD10, "IMO0002")}), NO_NAMED_CODES).codes


def test_what_is_kept_of_a_concept_is_not_that_of_another_in_its_place() -> None:
    """Concepts are made anew where a value set is worked out: their addresses in memory are used again."""
    statin = shipped().concepts["statin"]
    for number in range(5_000):
        system = f"https://medtwin.example/{number}"
        made = replace(statin, accepted=(AcceptedCode(Coding(system, "1"), of_set=True),))
        assert deciding_systems(made) == {system}
        del made
    assert deciding_systems(statin) is deciding_systems(statin)
