"""Sex for clinical use where the record states it, else administrative gender, with a rebuttal.

The extension is http://hl7.org/fhir/StructureDefinition/patient-sexParameterForClinicalUse (its parts: ``value``,
``period``, ``comment``, ``supportingInfo``); its codes are those of
http://terminology.hl7.org/CodeSystem/sex-parameter-for-clinical-use, and earlier those of sex-for-clinical-use.
"""

import msgspec

from collectors.reading.fhir_types import CodeableConcept, Period, concept_text
from collectors.reading.quantities import ReadValue, unreadable_value
from ontology.evaluation import Issue, Severity
from ontology.values import Absent, AbsentReason, Coding

GENDER = "http://hl7.org/fhir/administrative-gender"
SEX_EXTENSION = "http://hl7.org/fhir/StructureDefinition/patient-sexParameterForClinicalUse"
_CODES = {
    "female-typical": "female",
    "female": "female",
    "male-typical": "male",
    "male": "male",
    "specified": "other",
    "unknown": "unknown",
}
_SYSTEMS = frozenset(
    {
        "http://terminology.hl7.org/CodeSystem/sex-parameter-for-clinical-use",
        "http://terminology.hl7.org/CodeSystem/sex-for-clinical-use",
        "http://hl7.org/fhir/us/core/CodeSystem/us-core-sex-for-clinical-use",
        "http://terminology.hl7.org/CodeSystem/data-absent-reason",
    }
)
_DISPLAY = {"female": "Female", "male": "Male", "other": "Other"}
SEXES = tuple(Coding(GENDER, code, display) for code, display in _DISPLAY.items())
"""All that sex is read as."""
_ADMINISTRATIVE = Issue(
    Severity.WARNING,
    "administrative-gender",
    "Administrative gender is used, since the record states no sex for clinical use.",
)


class SexExtensionPart(msgspec.Struct):
    """One part of the extension."""

    url: str | None = None
    valueCodeableConcept: CodeableConcept | None = None  # noqa: N815
    valuePeriod: Period | None = None  # noqa: N815


class PatientExtension(msgspec.Struct):
    """An extension of the record: only one kind is read."""

    url: str | None = None
    extension: list[SexExtensionPart] | None = None


class SexElements(msgspec.Struct):
    """What sex is read from."""

    gender: str | None = None
    extension: list[PatientExtension] = []


def read_sex(patient: SexElements) -> tuple[ReadValue, tuple[Issue, ...]]:
    """Sex as male, female or other in FHIR's administrative-gender codes, or an absence; and what to mind."""
    stated = [extension for extension in patient.extension if extension.url == SEX_EXTENSION]
    if stated:
        return _read_clinical_sex(stated), ()
    if patient.gender is None or patient.gender == "unknown":
        return ReadValue(Absent(AbsentReason.RECORDED_UNKNOWN), patient.gender), ()
    if patient.gender not in _DISPLAY:
        return unreadable_value("gender is none of male, female, other, unknown", patient.gender[:40]), ()
    return _sex_value(patient.gender, patient.gender), (_ADMINISTRATIVE,)


def _read_clinical_sex(stated: list[PatientExtension]) -> ReadValue:
    """Several statements (for other uses) are read only where they agree; one whose period ends, not at all."""
    values = [_clinical_sex_code(extension) for extension in stated if not _has_end(extension)]
    if not values:
        return unreadable_value("sex for clinical use is stated for a limited period only")
    shown = "; ".join(text for _, text in values if text) or None
    codes = {code for code, _ in values}
    if len(codes) > 1:
        return unreadable_value("sex for clinical use is stated more than once, and differently", shown)
    code = codes.pop()
    if code is None:
        return unreadable_value("sex for clinical use is stated in a code that is not known", shown)
    if code == "unknown":
        return ReadValue(Absent(AbsentReason.RECORDED_UNKNOWN), shown)
    return _sex_value(code, shown)


def _clinical_sex_code(extension: PatientExtension) -> tuple[str | None, str | None]:
    for part in extension.extension or ():
        if part.url == "value" and part.valueCodeableConcept is not None:
            shown = concept_text(part.valueCodeableConcept)
            for coding in part.valueCodeableConcept.coding:
                if coding.system in _SYSTEMS and coding.code in _CODES:
                    return _CODES[coding.code], shown
            return None, shown
    return None, None


def _has_end(extension: PatientExtension) -> bool:
    return any(part.valuePeriod is not None and part.valuePeriod.end is not None for part in extension.extension or ())


def _sex_value(code: str, recorded: str | None) -> ReadValue:
    return ReadValue(Coding(GENDER, code, _DISPLAY[code]), recorded)
