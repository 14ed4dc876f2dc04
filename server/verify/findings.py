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
from server.catalog.descriptions import Description
from server.explain.prov.exported import ExportedAnswer, ExportedStep
from server.explain.wording import interval_words, value_words


class FindingKind(StrEnum):
    """What a finding is about."""

    MODULE = "module"
    """There is no such module here."""
    VERSION = "version"
    """The module has another version here."""
    DESCRIPTION = "description"
    """The module is described otherwise here."""
    CODE = "code"
    """The module's code is another here."""
    ENVIRONMENT = "environment"
    """Interpreter, ontology or libraries are others here."""
    FORMAT = "format"
    """Fingerprints have another form here."""
    SLOT = "slot"
    """What fills the slots does not fit the module."""
    LINK = "link"
    """An input does not come from where it must."""
    INPUT = "input"
    """An input is not what the step before it gives here."""
    TIME = "time"
    """Times do not fit each other, or cannot be reckoned with."""
    FINGERPRINT = "fingerprint"
    """The digest does not fit what the step says."""
    KEY = "key"
    """The fingerprint is not the one that this installation gives."""
    VALUE = "value"
    """Another value comes out here."""
    BOUNDS = "bounds"
    """Other limits of the value come out here."""
    INTERVAL = "interval"
    """Another uncertainty comes out here."""
    CONTRIBUTIONS = "contributions"
    """What each input added does not come out."""
    FAILED = "failed"
    """The module fails here."""
    NOT_COMPUTED = "not-computed"
    """It cannot be computed here, for reasons that other findings give."""
    ANSWER = "answer"
    """The answer is not what its last step gave."""
    STATUS = "status"
    """The status does not fit the steps."""
    ATTRIBUTION = "attribution"
    """What moved the answer does not come out."""
    SEAL = "seal"
    """The seal does not fit."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that differs, is missing or could not be computed; ``text`` says both sides."""

    kind: FindingKind
    text: str
    slot: str | None = None


@dataclass(frozen=True, slots=True)
class RecomputedStep:
    """A step, computed again.  ``description`` is None where there is no such module, ``evaluation`` where it could not
    be computed; ``inputs`` is what it was computed from."""

    exported: ExportedStep
    description: Description | None
    inputs: dict[str, SlotInput]
    evaluation: Evaluation | None
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class RecomputedAnswer:
    """An answer, computed again.  ``findings`` are those of the answer as a whole, ``notes`` what was not looked at."""

    exported: ExportedAnswer
    steps: tuple[RecomputedStep, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()

    @property
    def matches(self) -> bool:
        """Whether nothing was found."""
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
