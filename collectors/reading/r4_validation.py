"""Validation of a record against FHIR R4, by the R4B models of ``fhir.resources``: only when the record is used.

R4B's models reject some records that are valid R4, or whose fault lies in elements that are not read.
``TOLERATED_VIOLATIONS`` lists each tolerated violation with its reason.  Nothing else is tolerated.
"""

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module

from pydantic import BaseModel, ValidationError

from collectors.reading.fhir_types import printable_text
from collectors.reading.records import DuplicateNameError, Record, decode_strict


@dataclass(frozen=True, slots=True)
class ToleratedViolation:
    """A violation that is tolerated: pattern of its path, pydantic error type, predicate on its content, and why."""

    path: re.Pattern[str]
    kind: str
    content: Callable[[object], bool]
    reason: str


_LOOSE_TIME = re.compile(r"\d{4}-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?")

TOLERATED_VIOLATIONS = (
    ToleratedViolation(
        re.compile(r"(.*\.)?extension\.\d+\.valueMeta"),
        "extra_forbidden",
        lambda content: isinstance(content, Mapping),
        "R4 allows valueMeta in an extension, and the models have no field for it",
    ),
    ToleratedViolation(
        re.compile(r".*"),
        "value_error",
        lambda content: isinstance(content, str) and _LOOSE_TIME.fullmatch(content) is not None,
        "a time without seconds or zone is read as the span that it leaves open, in the source's zone",
    ),
    ToleratedViolation(
        re.compile(r"(.*\.)?(display|text)"),
        "string_pattern_mismatch",
        lambda content: content == "",
        "an empty display or text is common, says nothing, and is not read",
    ),
)


def invalid_element(record: Record) -> str | None:
    """The path of the first element that violates FHIR R4; None if the record is valid.

    Contained resources are not validated: nothing is read from them, and R4B dropped or changed some R4 types.
    """
    try:
        content = {name: each for name, each in decode_strict(record.raw).items() if name != "contained"}
        _model(record.ref.type).model_validate(content)
    except ValidationError as error:
        for each in error.errors(include_url=False, include_context=False):
            path = ".".join(str(step) for step in each["loc"])
            if not _is_tolerated(path, each["type"], each["input"]):
                return printable_text(path) or "the record itself"
    except DuplicateNameError as error:
        return printable_text(error.name)
    except (ValueError, RecursionError):
        return "the record itself"
    return None


def _is_tolerated(path: str, kind: str, content: object) -> bool:
    return any(
        rule.kind == kind and rule.path.fullmatch(path) is not None and rule.content(content)
        for rule in TOLERATED_VIOLATIONS
    )


def preload_model(resource_type: str) -> None:
    """Imports and builds the model of a resource type (0.1 s), from any thread; a type without one is ignored."""
    try:
        _model(resource_type).model_validate({"resourceType": resource_type})
    except ValueError:
        return  # nothing is valid without its mandatory elements; by now the model is built


# The models' modules import one another: two threads that import two of them at once could see half of one.
_IMPORTING = threading.Lock()


@cache
def _model(resource_type: str) -> type[BaseModel]:
    """The model of a resource type, imported when it is first needed (ValueError where there is none)."""
    with _IMPORTING:
        model: type[BaseModel] = import_module("fhir.resources.R4B").get_fhir_model_class(resource_type)
    return model
