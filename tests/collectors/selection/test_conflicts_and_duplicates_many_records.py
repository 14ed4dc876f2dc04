"""Thousands of records of one time: what they say stays short, and no more of them are judged than decide it."""

from typing import Any

import pytest

from collectors import source_facts
from collectors.facts import SlotSelection
from collectors.reading.r4_validation import invalid_element
from collectors.reading.records import Record
from ontology.slots import Select, Slot
from ontology.values import Absent, AbsentReason, Quantity
from tests.support.collector_inputs import (
    AT,
    CREATININE,
    codeable_concept,
    facts_of,
    issue_codes,
    observation,
    quantity,
    slot,
)

MANY = 3_000
CONFLICTING = Absent(AbsentReason.CONFLICTING)


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The records that were judged."""
    names: list[str] = []

    def counting(record: Record) -> str | None:
        names.append(record.name)
        return invalid_element(record)

    monkeypatch.setattr(source_facts, "invalid_element", counting)
    return names


def crowd(count: int = MANY, **changes: Any) -> list[dict[str, Any]]:
    """Records of one time, each with a number of its own."""
    return [observation(f"1.{number:04}", id=f"o{number}", **changes) for number in range(count)]


def filled(records: list[dict[str, Any]], of: Slot | None = None) -> SlotSelection:
    return facts_of(*records, concepts=(CREATININE,)).select(of or slot(), AT, AT)


def said_in_all(selected: SlotSelection) -> int:
    return sum(len(issue.text) for issue in selected.issues)


def test_a_contradiction_of_thousands_is_told_in_short(judged: list[str]) -> None:
    selected = filled(crowd())
    assert selected.value == CONFLICTING
    assert issue_codes(selected) == ["conflicting"]
    assert "1.0000 mg/dL" in selected.issues[0].text
    assert f"and {MANY - 5} more" in selected.issues[0].text
    assert f"10 of the {MANY} records are given" in selected.issues[0].text
    assert said_in_all(selected) < 1_000
    assert len(selected.resources) == 10
    assert len(judged) == 10


def test_a_series_judges_no_more_of_them(judged: list[str]) -> None:
    selected = filled(crowd(), slot(select=Select.SERIES))
    assert selected.value == CONFLICTING
    assert f"{MANY} records of the series could not be used" in selected.issues[-1].text
    assert said_in_all(selected) < 1_500
    assert len(judged) == 10


def test_judging_goes_on_past_unsound_records_until_two_sound_ones_disagree(judged: list[str]) -> None:
    unsound = [{**record, "foo": 1} for record in crowd(30)]
    sound = [observation(f"2.{number:04}", id=f"s{number}") for number in range(300)]
    selected = filled([*unsound, *sound])
    assert selected.value == CONFLICTING
    assert set(issue_codes(selected)) == {"conflicting", "invalid-record"}
    assert len(judged) == 40
    assert said_in_all(selected) < 2_500


def test_unsound_records_do_not_make_a_contradiction() -> None:
    unsound = [{**record, "foo": 1} for record in crowd(30)]
    selected = filled([*unsound, observation("1.1", id="s")])
    assert isinstance(selected.value, Quantity)
    assert set(issue_codes(selected)) == {"invalid-record"}


def test_one_that_disagrees_is_named_among_many_that_agree() -> None:
    agreeing = [observation("1.1", id=f"o{number}") for number in range(40)]
    selected = filled([*agreeing, observation("9.9", id="x")])
    assert selected.value == CONFLICTING
    assert "9.9 mg/dL" in selected.issues[0].text
    assert "Observation/x" in selected.issues[0].text
    assert any(resource.iri.endswith("Observation/x") for resource in selected.resources)
    assert len(selected.resources) == 10


@pytest.mark.parametrize("select", [Select.LATEST, Select.EARLIEST, Select.SERIES])
def test_of_thousands_that_agree_a_few_are_judged(judged: list[str], select: Select) -> None:
    selected = filled([observation("1.1", id=f"o{number}") for number in range(MANY)], slot(select=select))
    assert selected.value == filled([observation("1.1")], slot(select=select)).value
    assert len(judged) - 1 == len(selected.resources) == 10
    assert issue_codes(selected) == []
    notes = [note for each in selected.resources for note in each.notes]
    assert [note for note in notes if f"{MANY - 10} more records" in note]


def test_those_that_agree_are_not_counted_as_lost_from_a_series() -> None:
    agreeing = [observation("1.1", id=f"o{number}") for number in range(40)]
    lost = observation("900", id="x", effectiveDateTime="2024-04-01T08:00:00Z")
    selected = filled([*agreeing, lost], slot(select=Select.SERIES))
    assert [each.text[:9] for each in selected.issues] == ["1 record "]


@pytest.mark.parametrize("place", [0, 15, MANY])
@pytest.mark.parametrize(
    "other", [{"valueQuantity": quantity("9.9")}, {"valueQuantity": quantity("140", "umol/L")}], ids=str
)
def test_one_that_disagrees_is_judged_among_thousands_that_agree(
    judged: list[str], place: int, other: dict[str, Any]
) -> None:
    agreeing = [observation("1.1", id=f"o{number}") for number in range(MANY)]
    selected = filled([*agreeing[:place], observation(id="x", **other), *agreeing[place:]])
    assert selected.value == CONFLICTING
    assert "Observation/x" in judged and "Observation/x" in selected.issues[0].text
    assert f"10 of the {MANY + 1} records are given" in selected.issues[0].text
    assert len(judged) <= 12


def test_one_that_disagrees_and_is_unsound_settles_nothing() -> None:
    agreeing = [observation("1.1", id=f"o{number}") for number in range(40)]
    selected = filled([*agreeing, observation("9.9", id="x", foo=1)])
    assert selected.value == filled([observation("1.1")]).value
    assert issue_codes(selected) == ["invalid-record"]


def test_sound_ones_are_sought_among_thousands_that_agree_and_are_unsound(judged: list[str]) -> None:
    unsound = [observation("1.1", id=f"o{number}", foo=1) for number in range(300)]
    selected = filled([*unsound, *(observation("1.1", id=f"p{number}") for number in range(300))])
    assert isinstance(selected.value, Quantity)
    assert len(judged) == 310


def test_what_is_to_be_told_of_one_of_them_is_told(judged: list[str]) -> None:
    agreeing = [observation("1.1", id=f"o{number}") for number in range(300)]
    early = [observation("1.1", id=f"p{number}", status="preliminary") for number in range(300)]
    selected = filled([*agreeing, *early])
    assert issue_codes(selected) == ["preliminary"]
    assert len(judged) == 20
    beside = filled([*agreeing, *(observation("9.9", id=f"q{n}", status="preliminary") for n in range(300))])
    assert issue_codes(beside) == ["other-record"]
    assert "and 295 more" in beside.issues[0].text


def test_a_final_record_stands_against_thousands_of_preliminary_ones() -> None:
    selected = filled([observation("9.9", id="x"), *crowd(200, status="preliminary")])
    assert isinstance(selected.value, Quantity)
    assert issue_codes(selected) == ["other-record"]
    assert "and 195 more" in selected.issues[0].text
    assert said_in_all(selected) < 1_000


@pytest.mark.parametrize("step_back", [False, True])
def test_thousands_that_cannot_be_used_are_counted(step_back: bool) -> None:
    lost = [observation("900", id=f"o{number}") for number in range(200)]
    older = observation("1.1", id="x", effectiveDateTime="2024-04-01T08:00:00Z")
    selected = filled([*lost, older], slot(step_back=step_back))
    assert len(selected.issues) == 6
    assert "195 more" in selected.issues[-1].text
    assert said_in_all(selected) < 1_500


def test_beside_a_value_too() -> None:
    lost = [observation("900", id=f"o{number}") for number in range(200)]
    selected = filled([*lost, observation("1.1", id="x")])
    assert issue_codes(selected) == ["left-out"]
    assert "and 195 more" in selected.issues[0].text


def test_rivals_of_an_imprecise_time_are_judged_until_enough_are_named(judged: list[str]) -> None:
    rivals = [
        observation(
            f"1.{number:04}", id=f"o{number}", effectiveDateTime=f"2024-05-01T08:{number // 60:02}:{number % 60:02}Z"
        )
        for number in range(MANY)
    ]
    selected = filled([observation("5", id="x", effectiveDateTime="2024-05-01"), *rivals])
    assert selected.value == filled([observation("5", id="x")]).value
    assert issue_codes(selected) == ["order-uncertain"]
    assert f"and up to {MANY - 5} more" in selected.issues[0].text
    assert len(judged) <= 12


def test_a_record_of_many_parts_that_say_the_same_is_no_twin_of_itself() -> None:
    part = {"code": codeable_concept("2160-0"), "valueQuantity": quantity("1.1")}
    panel = observation(id="panel", valueQuantity=None, code=codeable_concept("1-8"), component=[part] * MANY)
    found = filled([panel])
    assert not any("also on record" in note for each in found.resources for note in each.notes)
    found = filled([panel, observation(id="twin")])
    notes = {note for each in found.resources for note in each.notes if "also on record" in note}
    assert len(notes) == 1 and notes.pop().endswith(("Observation/twin.", "Observation/panel."))
