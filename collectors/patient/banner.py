"""The head of a page: who the patient is, as their own record says; read when asked for, and never kept."""

from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from collectors.errors import SourceAnswerError
from collectors.reading.fhir_types import CodeableConcept, Period, printable_text, read_date, read_time
from collectors.settings import Source
from ontology.values import Date

_RECORD_NUMBER = ("http://terminology.hl7.org/CodeSystem/v2-0203", "MR")
# Names that a person goes by now, the best first; one without a use comes after these.
_USES = ("official", "usual")
_NOT_NOW = frozenset({"old", "maiden", "temp", "nickname", "anonymous"})
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Identifier:
    """An identifier of the patient: ``label`` is what kind the record says it is."""

    system: str | None
    value: str
    label: str | None


@dataclass(frozen=True, slots=True)
class Banner:
    """Who the patient is.  None: the record does not say, or cannot be read there.

    ``deceased``: whether a death is recorded; ``deceased_at`` its time, of a death dated to a day the end of it.
    ``identifiers`` are those of the systems that the settings name, else the medical record numbers.
    """

    name: str | None = field(repr=False)
    born: Date | None = field(repr=False)
    deceased: bool | None
    deceased_at: datetime | None
    gender: str | None
    identifiers: tuple[Identifier, ...] = field(repr=False)


class _Name(msgspec.Struct):
    use: str | None = None
    text: str | None = None
    family: str | None = None
    given: list[str | None] = []
    period: Period | None = None


class _Identifier(msgspec.Struct):
    use: str | None = None
    type: CodeableConcept | None = None
    system: str | None = None
    value: str | None = None


class _Patient(msgspec.Struct):
    resourceType: str  # noqa: N815  (FHIR's own names, here and below)
    id: str | None = None
    name: list[_Name] = []
    gender: str | None = None
    birthDate: str | None = None  # noqa: N815
    deceasedBoolean: bool | None = None  # noqa: N815
    deceasedDateTime: str | None = None  # noqa: N815
    identifier: list[_Identifier] = []


_PATIENT = msgspec.json.Decoder(_Patient)


def read_banner(body: bytes, patient: str, source: Source) -> Banner:
    """The banner in a Patient record.  Raises SourceAnswerError where it is none, or that of another patient."""
    try:
        record = _PATIENT.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise SourceAnswerError(f"source {source.id}: the patient's record cannot be read") from None
    if record.resourceType != "Patient" or record.id != patient:
        raise SourceAnswerError(f"source {source.id}: it gave another record than the patient's")
    return Banner(
        _name(record.name),
        _born(record.birthDate),
        _is_deceased(record),
        _deceased_at(record.deceasedDateTime, source),
        record.gender if record.gender in ("male", "female", "other", "unknown") else None,
        _identifiers(record.identifier, source),
    )


def _name(names: list[_Name]) -> str | None:
    """The name that the patient goes by now: an official one first."""
    current = [each for each in names if each.use not in _NOT_NOW and not (each.period and each.period.end)]
    current.sort(key=lambda each: _USES.index(each.use) if each.use in _USES else len(_USES))
    return next((text for text in map(_name_text, current) if text), None)


def _name_text(name: _Name) -> str:
    parts = [*(each for each in name.given if each), *([name.family] if name.family else [])]
    return _readable(" ".join(parts) or name.text or "")


def _readable(text: str) -> str:
    return printable_text(text[:_LONGEST]).strip()


def _born(text: str | None) -> Date | None:
    try:
        return None if text is None else read_date(text)
    except ValueError:
        return None


def _is_deceased(record: _Patient) -> bool | None:
    return True if record.deceasedDateTime is not None else record.deceasedBoolean


def _deceased_at(text: str | None, source: Source) -> datetime | None:
    try:
        return None if text is None else read_time(text, source.zone).end
    except (ValueError, OverflowError):
        return None


def _identifiers(found: list[_Identifier], source: Source) -> tuple[Identifier, ...]:
    usable = [each for each in found if each.value and each.use != "old"]
    if source.identifiers:
        shown = [each for each in usable if each.system in source.identifiers]
    else:
        shown = [each for each in usable if _is_record_number(each)]
    return tuple(Identifier(each.system, _readable(each.value or ""), _label(each)) for each in shown)


def _is_record_number(identifier: _Identifier) -> bool:
    codings = identifier.type.coding if identifier.type is not None else ()
    return any((each.system, each.code) == _RECORD_NUMBER for each in codings)


def _label(identifier: _Identifier) -> str | None:
    kind = identifier.type
    if kind is None:
        return None
    text = kind.text or next((each.display for each in kind.coding if each.display), None)
    return _readable(text) if text else None
