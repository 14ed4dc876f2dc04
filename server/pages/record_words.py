"""The elements of a record in words: quantities are marked as numbers, times are as people write them."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from markupsafe import Markup

from collectors.reading.quantities import UCUM
from ontology.words.lists import list_words
from server.explain.short_text import with_calendar_days
from server.pages.rendering import quoted

_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_LEFT_OUT = frozenset({"resourceType", "id", "meta", "text", "contained"})
_DEEPEST = 6
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})")
_MEASURED = frozenset({"Observation"})


@dataclass(frozen=True, slots=True)
class Element:
    """One element in words."""

    name: str
    text: Markup


class RecordWords:
    """The words for one record; ``moment`` writes an instant as the site's readers do."""

    def __init__(self, record: Mapping[str, Any], moment: Callable[[datetime], str]) -> None:
        self._record, self._moment = record, moment
        self._time = _effective(record) if record.get("resourceType") in _MEASURED else ""

    def elements(self) -> Iterator[Element]:
        """The elements in the order of the record, each with its name and what it says; empty ones are left out."""
        return (each for each in self._elements(self._record, "", 0) if each.text.striptags())

    def time(self, text: str) -> Markup | None:
        """A day or an instant as people write it; None where the text is neither."""
        if _DAY.fullmatch(text):
            shown = with_calendar_days(text)
        elif _MOMENT.fullmatch(text):
            try:
                shown = self._moment(datetime.fromisoformat(text))
            except (ValueError, OverflowError):
                return None
        else:
            return None
        return Markup('<time datetime="{}">{}</time>').format(text, shown) if shown != text else None

    def _elements(self, node: Mapping[str, Any], prefix: str, depth: int) -> Iterator[Element]:
        for key, value in node.items():
            if depth == 0 and key in _LEFT_OUT:
                continue
            name = f"{prefix}{_CAPITAL.sub(' ', key).lower()}"
            many = value if isinstance(value, list) else [value]
            when = self._time if key.startswith("value") else ""
            plain = [self._words(each, when) for each in many]
            if all(text is not None for text in plain):
                yield Element(name, _joined([text for text in plain if text]))
                continue
            for each, text in zip(many, plain, strict=True):
                if text is not None:
                    yield Element(name, _joined([text]))
                elif isinstance(each, Mapping) and depth < _DEEPEST:
                    yield from self._elements(each, f"{name}, ", depth + 1)

    def _words(self, value: Any, when: str) -> str | None:
        """A scalar, or one of FHIR's usual data types, in words; None of what has elements of its own."""
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, str | int | float | Decimal):
            text = str(value)
            return (self.time(text) if isinstance(value, str) else None) or text
        if not isinstance(value, Mapping):
            return None
        keys = value.keys()
        if keys & {"coding", "text"} and keys <= {"coding", "text", "id", "extension"}:
            return _concept(value)
        if "code" in keys and "system" in keys and keys <= {"system", "version", "code", "display", "userSelected"}:
            return _coding(value)
        if "value" in keys and keys & {"unit", "code"} and keys <= {"value", "unit", "code", "system", "comparator"}:
            return _quantity(value, when)
        if "reference" in keys and keys <= {"reference", "display", "type"}:
            shown = value.get("display")
            return f"{shown} ({value['reference']})" if shown else str(value["reference"])
        if keys and keys <= {"start", "end"}:
            ends = (str(value.get("start", "not known")), str(value.get("end", "not ended")))
            return Markup("{} to {}").format(*(self.time(each) or quoted(each) for each in ends))
        return None


def _joined(texts: Sequence[str]) -> Markup:
    """One or more in a sentence: text of the record between its marks, which are kept."""
    if not any(isinstance(each, Markup) for each in texts):
        return quoted(list_words(texts))
    return Markup(", ").join(each if isinstance(each, Markup) else quoted(each) for each in texts)


def _quantity(value: Mapping[str, Any], when: str) -> str:
    """A number with its unit as they were written; marked with the unit's code, where that is one of UCUM."""
    number, comparator = value["value"], str(value.get("comparator", ""))
    unit = str(value.get("unit") or value.get("code", ""))
    text = f"{comparator}{number} {unit}".rstrip()
    if isinstance(number, bool) or not isinstance(number, int | float | Decimal):
        return text
    code = str(value["code"]) if value.get("system") == UCUM and value.get("code") else unit
    compared = Markup(' data-comparator="{}"').format(comparator) if comparator else ""
    return Markup('<data value="{}" data-unit="{}" data-time="{}"{}>{}</data>').format(
        format(Decimal(str(number)), "f"), code, when, compared, quoted(text)
    )


def _effective(record: Mapping[str, Any]) -> str:
    """When a measurement was made, if its record says it to the minute; of a period its end."""
    period = record.get("effectivePeriod")
    ended = period.get("end") if isinstance(period, Mapping) else None
    text = record.get("effectiveDateTime") or record.get("effectiveInstant") or ended
    if not isinstance(text, str) or not _MOMENT.fullmatch(text):
        return ""
    try:
        return datetime.fromisoformat(text).isoformat()
    except ValueError:
        return ""


def _concept(value: Mapping[str, Any]) -> str:
    codings = [each for each in value.get("coding") or () if isinstance(each, Mapping)]
    text = value.get("text")
    # The text is mostly the name of the first code once more.
    is_new = text and all(str(text) != str(each.get("display") or "") for each in codings)
    return "; ".join([*([str(text)] if is_new else []), *(_coding(each) for each in codings)])


def _coding(value: Mapping[str, Any]) -> str:
    name = str(value.get("display") or "")
    code = f"{value.get('code', '')} in {value.get('system', 'no system')}"
    return f"{name} ({code})" if name else code
