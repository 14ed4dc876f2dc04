"""Which codes of a diagnosis are one of a concept: without dots, of one's history, rheumatic, of a known severity."""

import pytest

from ontology.values import Coding
from tests.support.engine_questions import shipped

SCT = "http://snomed.info/sct"


def _holds(name: str, system: str, code: str) -> bool:
    for each in shipped().concepts[name].accepted:
        if each.coding.system == system:
            wanted = each.coding.code
            if wanted == code or (wanted.endswith("*") and code.startswith(wanted[:-1].replace(".", ""))):
                return True
    return False


@pytest.mark.parametrize(
    ("name", "code", "holds"),
    [
        ("atrial-fibrillation", "I4891", True),
        ("atrial-fibrillation", "I4892", False),
        ("atrial-fibrillation", "I483", False),
        ("heart-failure", "I110", True),
        ("heart-failure", "I119", False),
        ("hypertension", "I119", True),
        ("diabetes", "E119", True),
        ("diabetes", "O244", False),
        ("diabetes", "R7303", False),
        ("stroke-tia-thromboembolism", "I639", True),
        ("stroke-tia-thromboembolism", "I619", False),
        ("stroke-tia-thromboembolism", "G454", False),
        ("vascular-disease", "I252", True),
        ("vascular-disease", "E1151", True),
        ("vascular-disease", "I255", False),
        ("dialysis", "Z992", True),
        ("dialysis", "N186", False),
        ("dialysis", "Z9911", False),
        ("end-stage-kidney-disease", "N186", True),
        ("end-stage-kidney-disease", "N185", False),
        ("end-stage-kidney-disease", "Z992", False),
        ("atrial-flutter", "I4892", True),
        ("atrial-flutter", "I484", True),
        ("atrial-flutter", "I4891", False),
        ("mechanical-heart-valve", "Z952", False),
        ("prosthetic-heart-valve", "Z952", True),
        ("prosthetic-heart-valve", "Z953", False),
        ("significant-mitral-stenosis", "I050", True),
        ("significant-mitral-stenosis", "I342", False),
        ("mitral-stenosis", "I342", True),
        ("mitral-stenosis", "I050", False),
        ("hypertrophic-cardiomyopathy", "I421", True),
        ("hypertrophic-cardiomyopathy", "I422", True),
        ("hypertrophic-cardiomyopathy", "I420", False),
        ("cardiac-amyloidosis", "E8582", True),
        ("cardiac-amyloidosis", "E854", False),
        ("kidney-transplant", "Z940", True),
        ("kidney-transplant", "Z9484", False),
        ("acute-kidney-injury", "N179", True),
        ("acute-kidney-injury", "N189", False),
    ],
)
def test_diagnoses_as_ten_coded_without_dots(name: str, code: str, holds: bool) -> None:
    system = "http://mimic.mit.edu/fhir/mimic/CodeSystem/mimic-diagnosis-icd10"
    assert _holds(name, system, code) is holds


@pytest.mark.parametrize(
    ("name", "system", "code"),
    [
        ("vascular-disease", SCT, "399211009"),
        ("stroke-tia-thromboembolism", SCT, "275526006"),
        ("stroke-tia-thromboembolism", SCT, "161511000"),
        ("stroke-tia-thromboembolism", "http://hl7.org/fhir/sid/icd-10-cm", "Z86.73*"),
    ],
)
def test_history_of_counts_only_where_ever_is_asked(name: str, system: str, code: str) -> None:
    matching = [a for a in shipped().concepts[name].accepted if a.coding == Coding(system, code)]
    assert [a.ever for a in matching] == [True]
    assert not any(a.ever for a in shipped().concepts["atrial-fibrillation"].accepted)


def test_the_classification_decides_whether_i05_says_rheumatic() -> None:
    """WHO's I05 takes a stenosis whether or not it is specified as rheumatic; ICD-10-CM calls I05.0 rheumatic."""
    who, us = "http://hl7.org/fhir/sid/icd-10", "http://hl7.org/fhir/sid/icd-10-cm"
    for code in ("I05.0*", "I05.2*"):
        assert _holds("significant-mitral-stenosis", us, code) and not _holds("mitral-stenosis", us, code)
        assert _holds("mitral-stenosis", who, code) and not _holds("significant-mitral-stenosis", who, code)


@pytest.mark.parametrize(
    ("code", "concept"),
    [
        ("79619009", "mitral-stenosis"),
        ("838448003", None),
        ("838449006", "significant-mitral-stenosis"),
        ("838450006", "significant-mitral-stenosis"),
    ],
)
def test_only_moderate_or_severe_stenosis_is_significant(code: str, concept: str | None) -> None:
    found = [name for name in ("mitral-stenosis", "significant-mitral-stenosis") if _holds(name, SCT, code)]
    assert found == ([] if concept is None else [concept])
