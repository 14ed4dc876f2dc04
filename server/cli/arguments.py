"""Values of the command line's arguments: times, the caller's token, files, ``--bundle`` and ``--assume``.

The token is read from the environment, since arguments are visible to all users of the machine.
"""

import argparse
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, tzinfo
from datetime import time as clock
from pathlib import Path
from typing import TYPE_CHECKING, Any

from collectors.auth.authorisations import TOKEN_VARIABLE, is_token
from collectors.errors import SuppliedRecordsError
from collectors.supplied_records import SuppliedRecords, from_records
from ontology.concepts import Concept, ValueType
from ontology.values import Coding, Value
from server.catalog.catalog import Catalog
from server.catalog.descriptions import Kind
from server.errors import QuestionError, UnknownConceptError, did_you_mean

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_EXAMPLES = "such as 2026-06-01T08:30:00Z, or a date, such as 2026-06-01"


def time_argument(text: str) -> datetime | date:
    """A time with its zone, or a date alone, from ISO 8601.  Raises argparse.ArgumentTypeError for anything else."""
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
        time = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"a time is in ISO 8601, {_EXAMPLES}") from None
    if time.utcoffset() is None:
        raise argparse.ArgumentTypeError(f"a time needs a zone, {_EXAMPLES}")
    return time


def start_of(given: datetime | date, zone: tzinfo) -> datetime:
    """A time as it is; of a date its first instant in ``zone``."""
    return given if isinstance(given, datetime) else datetime.combine(given, clock.min, zone)


def end_of(given: datetime | date, zone: tzinfo, now: datetime) -> datetime:
    """A time as it is; of a date its last instant in ``zone``, and of today ``now``: the rest has not happened yet."""
    if isinstance(given, datetime):
        return given
    return now if now.astimezone(zone).date() == given else datetime.combine(given, clock.max, zone)


def caller_token(environ: Mapping[str, str] | None = None) -> str | None:
    """The bearer token in the environment, None if unset.  Raises QuestionError for text that cannot be a token."""
    text = (os.environ if environ is None else environ).get(TOKEN_VARIABLE, "").strip()
    if text and not is_token(text):
        raise QuestionError("bad-token", f"the environment variable {TOKEN_VARIABLE} does not contain a bearer token")
    return text or None


def read_file_or_stdin(name: str, max_bytes: int) -> bytes | None:
    """The bytes of a file, or of standard input for ``-``; None for more than ``max_bytes``.  Raises OSError."""
    if name == "-":
        raw = sys.stdin.buffer.read(max_bytes + 1)
    else:
        try:
            with Path(name).open("rb") as file:
                raw = file.read(max_bytes + 1)
        except ValueError:
            # No file can have such a name (it contains a null byte).
            raise FileNotFoundError from None
    return raw if len(raw) <= max_bytes else None


MAX_BUNDLE_BYTES = 256 * 1024 * 1024
"""Size limit of a bundle, in bytes."""


_ALL_TYPES = "all"


def read_bundle(name: str | None, complete: str, patient: str, catalog: Catalog) -> SuppliedRecords | None:
    """The records supplied by ``--bundle``; None without it.

    ``complete``: the resource types that are complete in the file, separated by commas, or ``all`` that are read.
    Raises SuppliedRecordsError.
    """
    types = _complete_types(complete, catalog)
    if name is None:
        if types:
            raise SuppliedRecordsError("--complete names types that are complete in a --bundle; no --bundle was given")
        return None
    try:
        raw = read_file_or_stdin(name, MAX_BUNDLE_BYTES)
    except OSError:
        raise SuppliedRecordsError("the bundle cannot be read; name a readable file, or - for standard input") from None
    if raw is None:
        raise SuppliedRecordsError(f"the bundle is larger than {MAX_BUNDLE_BYTES // 1024 // 1024} MB")
    return from_records(raw, types, patient)


def _complete_types(complete: str, catalog: Catalog) -> frozenset[str]:
    """The types that ``--complete`` names.  Raises SuppliedRecordsError if no collector reads one of them."""
    types = frozenset(each.strip() for each in complete.split(",") if each.strip())
    read: set[str] = set()
    for each in catalog.collectors.values():
        read.update((each.resource_type, *each.includes))
        if each.layout is not None and each.layout.referenced_code is not None:
            read.add(each.layout.referenced_code.resource_type)
    if not types <= read | {_ALL_TYPES}:
        raise SuppliedRecordsError(
            f"--complete names a resource type that is not read; allowed are {', '.join(sorted(read))}; or {_ALL_TYPES}"
        )
    return frozenset(read) if _ALL_TYPES in types else types


if TYPE_CHECKING:
    from server.graphql.assumptions import Assumption

_NUMBER = re.compile(r"\s*([+-]?\d+(?:\.\d+)?)\s*(.*?)\s*")
_FLAGS = {"yes": True, "true": True, "no": False, "false": False}
_MISSING = "missing"


def assumption_inputs(texts: Sequence[str], catalog: Catalog) -> list[dict[str, Any]]:
    """The assumptions as GraphQL inputs, in the order of ``texts``, each ``CONCEPT=VALUE``.

    A value is ``1.2mg/dL``, ``yes``, ``no``, ``missing``, or a code (``SYSTEM|CODE``, or CODE alone for a code of the
    concept).  Raises UnknownConceptError and QuestionError; their texts say what is allowed, and never repeat the
    input.
    """
    return [_assumption_input(text, catalog) for text in texts]


def read_assumption_values(inputs: Sequence[Mapping[str, Any]], catalog: Catalog) -> dict[str, Value]:
    """The assumed values by concept id, checked as in a GraphQL question.  Raises QuestionError and CompileError."""
    # GraphQL takes a third of a second to import: only a question with assumptions waits for it.
    from server.graphql.assumptions import read_assumptions

    return read_assumptions(map(_graphql_assumption, inputs), catalog.concepts, catalog.modules.values())


def _graphql_assumption(given: Mapping[str, Any]) -> "Assumption":
    from server.graphql.assumptions import Assumption, CodingInput, QuantityInput

    made: dict[str, Any] = dict(given)
    for name, kind in (("quantity", QuantityInput), ("coding", CodingInput)):
        if name in made:
            made[name] = kind(**made[name])
    return Assumption(**made)


def _assumption_input(text: str, catalog: Catalog) -> dict[str, Any]:
    name, equals, value = (part.strip() for part in text.partition("="))
    if not equals or not value:
        raise QuestionError("assumption-form", "--assume takes CONCEPT=VALUE, such as serum-creatinine=1.2mg/dL")
    concept = catalog.concepts.get(name)
    if concept is None:
        raise UnknownConceptError(f"--assume names a concept that does not exist{did_you_mean(name, catalog.concepts)}")
    if value.lower() == _MISSING:
        return {"concept": concept.id, "absent": True}
    match concept.value_type:
        case ValueType.QUANTITY:
            return {"concept": concept.id, "quantity": _quantity_input(value, concept)}
        case ValueType.FLAG if value.lower() in _FLAGS:
            return {"concept": concept.id, "boolean": _FLAGS[value.lower()]}
        case ValueType.CODING:
            return {"concept": concept.id, "coding": _coding_input(value, concept, catalog)}
    allowed = "yes, no or missing" if concept.value_type is ValueType.FLAG else "missing and nothing else"
    raise QuestionError("assumption-type", f"{concept.id} takes {allowed}")


def _quantity_input(text: str, concept: Concept) -> dict[str, Any]:
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise QuestionError("assumption-type", f"{concept.id} takes a number with its unit, or missing")
    own = concept.unit or "1"
    # A count or a score has no unit to mistake; for any other quantity the unit is never guessed.
    if not match[2] and own != "1" and not own.startswith("{"):
        units = ", ".join(dict.fromkeys((own, *concept.units)))
        raise QuestionError("assumption-unit", f"{concept.id} needs a unit, as in {concept.id}=1{own}: {units}")
    return {"value": float(match[1]), "unit": match[2] or own}


def _coding_input(text: str, concept: Concept, catalog: Catalog) -> dict[str, Any]:
    if "|" in text:
        system, _, code = text.partition("|")
        return {"system": system, "code": code}
    known = dict.fromkeys(_known_codes(concept, catalog))
    found = [coding for coding in known if coding.code == text]
    if len(found) != 1:
        codes = ", ".join(dict.fromkeys(coding.code for coding in known))
        raise QuestionError(
            "assumption-code", f"{concept.id} takes SYSTEM|CODE{f', or one of {codes}' if codes else ''}"
        )
    return {"system": found[0].system, "code": found[0].code}


def _known_codes(concept: Concept, catalog: Catalog) -> Iterator[Coding]:
    """The codes named by the concept's answers, by the rules that compute it and by the models that read it."""
    for answer in concept.answers:
        if isinstance(answer.means, Coding):
            yield Coding(answer.means.system, answer.means.code)
    for module in catalog.modules.values():
        for case in module.cases if module.kind is Kind.RULE and module.produces.id == concept.id else ():
            if isinstance(case.output, Coding):
                yield Coding(case.output.system, case.output.code)
        for feature in module.model.features if module.model is not None else ():
            for code, _ in feature.encodes if module.slot(feature.slot).concept.id == concept.id else ():
                if isinstance(code, Coding):
                    yield Coding(code.system, code.code)
