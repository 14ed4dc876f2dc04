"""Findings of a verification, the recomputed steps and answers that have them, and the text of two values that differ.

Values are written so exactly that they differ in the text as well.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from itertools import zip_longest

from ontology.evaluation import Evaluation, Interval, SlotInput
from ontology.values import Bound, Coding, Quantity, Series, Value
from ontology.words.values import interval_words, value_words
from server.catalog.descriptions import Description
from server.explain.prov.exported import ExportedAnswer, ExportedStep


class FindingKind(StrEnum):
    """What a finding is about."""

    MODULE = "module"
    """There is no such module here."""
    VERSION = "version"
    """The module has another version here."""
    DESCRIPTION = "description"
    """The module has another description here, under the same version."""
    CODE = "code"
    """The module has other code here."""
    ENVIRONMENT = "environment"
    """Interpreter, ontology or libraries differ here."""
    FORMAT = "format"
    """Fingerprints have another form here."""
    SLOT = "slot"
    """The slots of the file are not those of the module here, or hold what these do not take."""
    LINK = "link"
    """An input does not come from where it must."""
    INPUT = "input"
    """An input is not what the step before it gives here."""
    TIME = "time"
    """Times disagree, or are out of range."""
    FINGERPRINT = "fingerprint"
    """The digest does not match the step."""
    KEY = "key"
    """The fingerprint is not under the key of this installation."""
    VALUE = "value"
    """Another value comes out here."""
    BOUNDS = "bounds"
    """Other limits of the value come out here."""
    INTERVAL = "interval"
    """Another uncertainty comes out here."""
    CONTRIBUTIONS = "contributions"
    """What each input added differs here, or does not add up."""
    FAILED = "failed"
    """The module fails here."""
    NOT_COMPUTED = "not-computed"
    """It cannot be computed here, for reasons that other findings give."""
    ANSWER = "answer"
    """The answer is not the result of its last step."""
    STATUS = "status"
    """The status does not follow from the steps."""
    ATTRIBUTION = "attribution"
    """What moved the answer differs here, or does not add up."""
    SEAL = "seal"
    """The seal does not match."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that differs, is missing or could not be computed; ``text`` has both sides."""

    kind: FindingKind
    text: str
    slot: str | None = None


@dataclass(frozen=True, slots=True)
class RecomputedStep:
    """A step, computed again from ``inputs`` (by slot).

    ``description`` is None where there is no such module here, ``evaluation`` where the step could not be computed.
    """

    exported: ExportedStep
    description: Description | None
    inputs: dict[str, SlotInput]
    evaluation: Evaluation | None
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class RecomputedAnswer:
    """An answer, computed again.  ``findings`` are those of the answer as a whole, ``notes`` what was not checked."""

    exported: ExportedAnswer
    steps: tuple[RecomputedStep, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()

    @property
    def matches(self) -> bool:
        """Whether there is no finding."""
        return not any(self.all_findings())

    def all_findings(self) -> Iterator[Finding]:
        """The findings of the steps, and those of the answer."""
        for step in self.steps:
            yield from step.findings
        yield from self.findings


def format_exact(value: Value) -> str:
    """A value with all its digits, its unit as written and its code."""
    match value:
        case Quantity():
            return f"{value.value:f} {value.unit}"
        case Bound():
            return f"{value.comparator}{value.value:f} {value.unit}"
        case Coding():
            return f"{value.display or 'code'} ({value.system}|{value.code})"
        case _:
            return value_words(value)


def describe_difference(there: Value, here: Value) -> str:
    """``<there> in the file, <here> here``."""
    if isinstance(there, Series) and isinstance(here, Series):
        return f"{_describe_series_difference(there, here)}"
    return f"{format_exact(there)} in the file, {format_exact(here)} here"


def describe_limits_difference(there: Interval | None, here: Interval | None) -> str:
    """The same of the limits between which a value lies."""
    return f"{_format_limits(there)} in the file, {_format_limits(here)} here"


def _format_limits(bounds: Interval | None) -> str:
    if bounds is None:
        return "no limits"
    words = interval_words(bounds)
    return f"{words} ({bounds.low:f} to {bounds.high:f} {bounds.unit})"


def _describe_series_difference(there: Series, here: Series) -> str:
    if there.unit != here.unit:
        return f"a series in {there.unit} in the file, in {here.unit} here"
    for place, (one, other) in enumerate(zip_longest(there.points, here.points), start=1):
        if one != other:
            in_file, computed = _format_point(one, there), _format_point(other, here)
            return f"value {place} of the series: {in_file} in the file, {computed} here"
    return f"{value_words(there)} in the file, {value_words(here)} here"


def _format_point(point: tuple[datetime, Decimal] | None, series: Series) -> str:
    return "none" if point is None else f"{point[1]:f} {series.unit} at {point[0].isoformat()}"
