"""The patient's own record into facts: birth date, sex and death."""

from dataclasses import dataclass, field

import msgspec

from collectors.collector import NeededReferences, ReadingInProgress, ReferencedRecords
from collectors.reading.fhir_types import (
    MISSING_ELEMENT,
    CodeableConcept,
    Meta,
    Period,
    concept_text,
    element_path,
    read_date,
    read_time,
)
from collectors.reading.fhir_types import Coding as WrittenCoding
from collectors.reading.quantities import ReadValue, unreadable_value
from collectors.reading.readout import PatientContext, Readout, record_iri
from collectors.reading.records import Fact, Record
from collectors.search import Search
from ontology.concepts import Concept
from ontology.evaluation import Issue, Severity
from ontology.resources import Resource
from ontology.values import Absent, AbsentReason, Coding

GENDER = "http://hl7.org/fhir/administrative-gender"
SEX_EXTENSION = "http://hl7.org/fhir/StructureDefinition/patient-sexParameterForClinicalUse"
RECORDED_SEX = (
    "http://hl7.org/fhir/us/core/StructureDefinition/us-core-individual-sex",
    "http://hl7.org/fhir/us/core/StructureDefinition/us-core-sex",
)
"""US Core's extensions for the sex that is documented of a person, whatever it was documented for: a Coding, or a code
in versions 6 and 7."""
_RECORDED_SEX_CODES = {
    ("http://snomed.info/sct", "248152002"): "female",
    ("http://snomed.info/sct", "248153007"): "male",
}
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
"""The values that sex is read as."""
_ADMINISTRATIVE = Issue(
    Severity.WARNING,
    "administrative-gender",
    "Administrative gender is used, since the record states no sex for clinical use.",
)

_RECORDED = Issue(
    Severity.WARNING,
    "administrative-gender",
    "The documented sex is used, since the record states no sex for clinical use and no administrative gender.",
)


class SexExtensionPart(msgspec.Struct):
    """One part of the extension."""

    url: str | None = None
    valueCodeableConcept: CodeableConcept | None = None  # noqa: N815
    valuePeriod: Period | None = None  # noqa: N815


class PatientExtension(msgspec.Struct):
    """An extension of the record: two kinds are read, the sex for clinical use and US Core's documented sex."""

    url: str | None = None
    valueCoding: WrittenCoding | None = None  # noqa: N815
    valueCode: str | None = None  # noqa: N815
    extension: list[SexExtensionPart] | None = None


class SexElements(msgspec.Struct):
    """The elements of a Patient that sex is read from."""

    gender: str | None = None
    extension: list[PatientExtension] = []
    gender_extension: msgspec.Raw = msgspec.field(name="_gender", default=MISSING_ELEMENT)


def read_sex(patient: SexElements) -> tuple[ReadValue, tuple[Issue, ...]]:
    """Sex as male, female or other in FHIR's administrative-gender codes, or an absence; and its warnings."""
    stated = [extension for extension in patient.extension if extension.url == SEX_EXTENSION]
    if stated:
        return _read_clinical_sex(stated), ()
    documented = _documented_sex(patient)
    if patient.gender is None or patient.gender == "unknown":
        if documented is not None:
            return _sex_value(documented, documented), (_RECORDED,)
        reason = _missing_reason(patient.gender is not None or bool(patient.gender_extension))
        return ReadValue(Absent(reason), patient.gender), ()
    if patient.gender not in _DISPLAY:
        return unreadable_value("gender is none of male, female, other, unknown", patient.gender[:40]), ()
    if documented is not None and documented != patient.gender:
        text = f"The record also states the sex {documented}: which applies to clinical use is unknown."
        differing = Issue(Severity.WARNING, "administrative-gender", text)
        return _sex_value(patient.gender, patient.gender), (_ADMINISTRATIVE, differing)
    return _sex_value(patient.gender, patient.gender), (_ADMINISTRATIVE,)


def _missing_reason(stated: bool) -> AbsentReason:
    """Recorded as unknown where the element, or an extension of it, is there; else not recorded at all."""
    return AbsentReason.RECORDED_UNKNOWN if stated else AbsentReason.NOT_FOUND


def _documented_sex(patient: SexElements) -> str | None:
    """The sex in US Core's extension; None where there is none, in another code, or in two that differ."""
    stated = set()
    for each in patient.extension:
        if each.url in RECORDED_SEX and each.valueCoding is not None:
            stated.add(_RECORDED_SEX_CODES.get((each.valueCoding.system or "", each.valueCoding.code or "")))
        elif each.url in RECORDED_SEX and each.valueCode is not None:
            # The code systems to which it is bound have no code in common.
            stated.add(next((sex for (_, code), sex in _RECORDED_SEX_CODES.items() if code == each.valueCode), None))
    return stated.pop() if len(stated) == 1 else None


def _read_clinical_sex(stated: list[PatientExtension]) -> ReadValue:
    """Several statements are read only where they agree; one whose period ends is ignored."""
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


class Patient(SexElements):
    """The parts of a Patient that are read."""

    resourceType: str | None = None  # noqa: N815  (FHIR's own names, here and below)
    id: str | None = None
    meta: Meta | None = None
    birthDate: str | None = None  # noqa: N815
    birth_date_extension: msgspec.Raw = msgspec.field(name="_birthDate", default=MISSING_ELEMENT)
    deceasedBoolean: bool | None = None  # noqa: N815
    deceasedDateTime: str | None = None  # noqa: N815
    modifierExtension: msgspec.Raw = MISSING_ELEMENT  # noqa: N815


PATIENT = msgspec.json.Decoder(Patient)
_EMPTY = Patient()


@dataclass(frozen=True, slots=True)
class _ReadingInProgress:
    records: list[Record]
    search: Search
    context: PatientContext
    needed_references: NeededReferences = field(default_factory=dict)

    def finish(self, references: ReferencedRecords) -> Readout:
        own = [record for record in self.records if record.ref.id == self.context.patient]
        return read_patient(own[0], self.search.concepts, self.context) if own else Readout()


def begin(records: list[Record], search: Search, context: PatientContext) -> ReadingInProgress:
    """Reads the patient's own record; no referenced records are needed."""
    return _ReadingInProgress(records, search, context)


def read_patient(record: Record, concepts: tuple[Concept, ...], context: PatientContext) -> Readout:
    """One fact for each of the concepts, and the death if it is recorded."""
    result = Readout()
    unusable: ReadValue | None = None
    try:
        patient = PATIENT.decode(record.raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        where = element_path(error) if isinstance(error, msgspec.ValidationError) else "the record itself"
        patient, unusable = _EMPTY, unreadable_value(f"{where} is not of the type that FHIR says")
        text = "The Patient record cannot be read, so it is not known whether a death is recorded"
        result.issues.append(Issue(Severity.WARNING, "unreadable-record", text))
    else:
        _read_death(patient, context, result)
    if patient.modifierExtension:
        unusable = unreadable_value("modifierExtension changes its meaning in an unknown way")
    for concept in concepts:
        issues: tuple[Issue, ...] = ()
        if unusable is not None:
            reading = unusable
        elif concept.element == "birthDate":
            reading = _read_birth_date(patient)
        elif concept.element == "sex":
            reading, issues = read_sex(patient)
        elif concept.element == "gender":
            reading = _read_gender(patient)
        else:
            reading = unreadable_value(f"{concept.id} is not read from a Patient record")
        resource = Resource(
            record_iri(record.ref),
            concept.id,
            reading.value,
            None,
            context.subject,
            record.ref,
            recorded=reading.recorded,
            problem=reading.problem,
            notes=tuple(issue.text for issue in issues),
        )
        result.add(Fact(resource, record, issues=issues))
    return result


def _read_gender(patient: Patient) -> ReadValue:
    """The administrative gender by itself, whatever the record says of sex for clinical use."""
    return read_sex(SexElements(patient.gender))[0]


def _read_birth_date(patient: Patient) -> ReadValue:
    if patient.birthDate is None:
        reason = _missing_reason(bool(patient.birth_date_extension))
        return ReadValue(Absent(reason), None, None, "birthDate is missing")
    try:
        return ReadValue(read_date(patient.birthDate), patient.birthDate)
    except ValueError:
        return unreadable_value("birthDate is not a date", patient.birthDate[:20])


def _read_death(patient: Patient, context: PatientContext, result: Readout) -> None:
    text: str | None = None
    if patient.deceasedDateTime is not None:
        try:
            result.death = read_time(patient.deceasedDateTime, context.source.zone)
        except (ValueError, OverflowError):
            text = "A death is recorded with a date that cannot be read"
    elif patient.deceasedBoolean:
        text = "A death is recorded without a date"
    if text is not None:
        result.issues.append(Issue(Severity.WARNING, "death-undated", text))
