"""The checker of R4's rules finds what is wrong."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from server.explain.fhir import bundle
from tests.support.bundles import NOW, Json, told
from tests.support.r4 import faults


def change(path: tuple[Any, ...], value: Any) -> Callable[[Json], None]:
    def make(found: Json) -> None:
        at: Any = found["entry"]
        for name in path[:-1]:
            at = at[name]
        at[path[-1]] = value

    return make


FAULTS: list[tuple[Callable[[Json], None], str]] = [
    (lambda found: found["entry"].append(found["entry"][0]), "bdl-7"),
    (change((0, "resource", "basis", 0, "reference"), "urn:uuid:nowhere"), "leads nowhere"),
    (change((0, "resource", "prediction", 0, "probabilityDecimal"), 910), "ras-2"),
    (change((0, "resource", "meta"), {"tag": [{"system": "urn:x", "code": "x"}]}), "no tag of ours"),
    (change((2, "resource", "recorded"), "2026-06-02"), "recorded"),
    (change((2, "resource", "entity", 0, "role"), "used"), "no role"),
    (change((3, "resource", "dataAbsentReason"), {"text": "none"}), "obs-6"),
    (change((3, "resource", "derivedFrom"), [{"reference": "http://x/Condition/1"}]), "derivedFrom may not be"),
    (change((3, "resource", "device", "reference"), "http://x/Patient/1"), "device is none"),
    (change((3, "resource", "note", 0, "text"), ""), "is empty"),
]


@pytest.mark.parametrize(("make", "fault"), FAULTS, ids=[fault for _, fault in FAULTS])
def test_the_checker_finds_what_is_wrong(make: Callable[[Json], None], fault: str) -> None:
    made = deepcopy(bundle(told("chain"), NOW))
    assert faults(made) == []
    make(made)
    try:
        found = faults(made)
    except ValueError as error:  # the models of fhir.resources see some of it first
        found = [str(error)]
    assert any(fault in each or "String should match" in each or "type" in each for each in found)
