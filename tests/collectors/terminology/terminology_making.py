"""Value sets and concept maps as plain values, for tests."""

import json
from typing import Any

LOINC = "http://loinc.org"
SCT = "http://snomed.info/sct"
LOCAL = "https://lab.example/codes"


def value_set(
    url: str = "https://example.org/ValueSet/one", version: str | None = "1", **elements: Any
) -> dict[str, Any]:
    named = {"resourceType": "ValueSet", "url": url, "status": "active", **elements}
    return named if version is None else {**named, "version": version}


def include(*codes: str, system: str | None = LOINC, sets: tuple[str, ...] = ()) -> dict[str, Any]:
    made: dict[str, Any] = {} if system is None else {"system": system}
    if codes:
        made["concept"] = [{"code": code} for code in codes]
    if sets:
        made["valueSet"] = list(sets)
    return made


def concept_map(
    *groups: dict[str, Any],
    url: str = "https://lab.example/ConceptMap/codes",
    version: str | None = "1",
    **elements: Any,
) -> dict[str, Any]:
    made = {"resourceType": "ConceptMap", "url": url, "status": "active", "group": list(groups), **elements}
    return made if version is None else {**made, "version": version}


def group(
    *rows: tuple[str, str | None, str], source: str = LOCAL, target: str = LOINC, **elements: Any
) -> dict[str, Any]:
    """Rows of local code, target code and equivalence."""
    by_code: dict[str, list[dict[str, Any]]] = {}
    for local, code, equivalence in rows:
        to = {"equivalence": equivalence} if code is None else {"code": code, "equivalence": equivalence}
        by_code.setdefault(local, []).append(to)
    return {
        "source": source,
        "target": target,
        "element": [{"code": code, "target": targets} for code, targets in by_code.items()],
        **elements,
    }


def encoded(resource: Any) -> bytes:
    return json.dumps(resource).encode()
