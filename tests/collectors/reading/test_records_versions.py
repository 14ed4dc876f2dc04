"""One id twice in what a source gives: the newer version counts; where neither is known to be newer, they conflict."""

from typing import Any

import pytest

from collectors.facts import SlotSelection
from ontology.values import Absent, AbsentReason
from tests.support.collector_inputs import AT, CREATININE, FIBRILLATION, PATIENT, condition, facts_of, observation, slot
from tests.support.event_records import ask
from tests.support.multi_source_servers import Servers

Json = dict[str, Any]
CONFLICT = Absent(AbsentReason.CONFLICTING)
T1, T2 = "2024-05-02T00:00:00Z", "2024-05-02T00:00:01Z"


def of(value: str, version: str | None = None, updated: str | None = None, **more: Any) -> Json:
    meta = {name: each for name, each in (("versionId", version), ("lastUpdated", updated)) if each}
    return observation(value, meta=meta or None, **more)


# Two records of one id, in this order; the value that is used (None: they conflict).
PAIRS: dict[str, tuple[Json, Json, str | None]] = {
    "nothing tells": (of("2.0"), of("1.0"), None),
    "the same content": (of("2.0"), of("2.0"), "2.0"),
    "the same content, in other words": (of("2"), of("2.0"), "2.0"),
    "versions": (of("2.0", "10"), of("1.0", "9"), "2.0"),
    "versions, newer last": (of("2.0", "9"), of("1.0", "10"), "1.0"),
    "one version": (of("2.0", "9"), of("1.0", "9"), None),
    "versions that are no numbers": (of("2.0", "a"), of("1.0", "b"), None),
    "one version only": (of("2.0", "9"), of("1.0"), None),
    "times, one second apart": (of("2.0", None, T2), of("1.0", None, T1), "2.0"),
    "the same time": (of("2.0", None, T1), of("1.0", None, T1), None),
    "one version, at different times": (of("2.0", "9", T1), of("1.0", "9", T2), "1.0"),
    "taken at different times": (of("2.0"), of("1.0", effectiveDateTime="2024-05-03T08:00:00Z"), None),
}


def check(found: SlotSelection, expected: str | None) -> None:
    if expected is not None:
        assert not isinstance(found.value, Absent) and found.resources[0].recorded.startswith(expected[0])  # type: ignore[union-attr]
        return
    assert found.value == CONFLICT
    texts = [issue.text for issue in found.issues if issue.code == "conflicting"]
    assert texts and all("Observation/o1" in each and "twice, with different contents" in each for each in texts)


@pytest.mark.parametrize("name", PAIRS)
async def test_one_id_twice(name: str) -> None:
    first, second, expected = PAIRS[name]
    older = observation("1.5", id="o0", effectiveDateTime="2024-04-01T08:00:00Z")
    records = (older, first, second)
    check(facts_of(*records, concepts=(CREATININE,)).select(slot(), AT, AT), expected)
    over_http = await Servers(ehr=[PATIENT, *records]).facts()
    check(over_http.select(slot(), AT, AT), expected)


async def test_the_other_records_are_used_where_a_slot_steps_back() -> None:
    records = (observation("1.5", id="o0", effectiveDateTime="2024-04-01T08:00:00Z"), of("2.0"), of("1.0"))
    found = facts_of(*records, concepts=(CREATININE,)).select(slot(step_back=True), AT, AT)
    assert found.resources[0].recorded == "1.5 mg/dL" and {issue.code for issue in found.issues} == {"stepped-back"}


def test_a_condition_given_twice_is_neither_a_yes_nor_a_no() -> None:
    refuted = condition(verificationStatus={"coding": [{"code": "refuted"}]})
    assert ask(condition(), refuted, concept=FIBRILLATION).value == CONFLICT
    assert ask(condition(), condition(), concept=FIBRILLATION).value is True


def test_an_encounter_given_twice_dates_nothing() -> None:
    undated = condition(onsetDateTime=None, recordedDate=None, encounter={"reference": "Encounter/e"})
    stays = [
        {
            "resourceType": "Encounter",
            "id": "e",
            "status": "finished",
            "subject": {"reference": "Patient/p"},
            "period": {"start": f"2024-05-0{day}", "end": f"2024-05-0{day}"},
        }
        for day in (1, 2)
    ]
    assert ask(undated, stays[0], concept=FIBRILLATION).value is True
    assert isinstance(ask(undated, *stays, concept=FIBRILLATION).value, Absent)
