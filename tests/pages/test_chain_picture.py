"""The picture of a chain: records left, the goal right, only what carries a value, and a range where it is open."""

from __future__ import annotations

import re

import pytest

from ontology.values import Absent
from server.explain.results import Status
from server.pages.chain_picture import Picture, chain_picture
from tests.support.synthetic_answers import synthetic_answers


def picture(patient: str, concept: str) -> Picture:
    found = chain_picture(synthetic_answers()[patient, concept])
    assert found is not None
    return found


def test_records_are_left_and_the_goal_is_right() -> None:
    drawn = picture("ckd-progressing", "kidney-failure-risk-5y")
    kinds = {
        kind: [box.x for box in drawn.boxes if box.kind == kind] for kind in ("record", "site", "computed", "goal")
    }
    assert len(kinds["goal"]) == 1
    assert max(kinds["record"] + kinds["site"]) < min(kinds["computed"]) <= max(kinds["computed"]) < kinds["goal"][0]
    names = {" ".join(box.lines) for box in drawn.boxes}
    # AKI and chronicity only decide whether it applies: no value comes from them.
    assert "Estimated GFR" in names and not any("AKI" in name for name in names)


def test_a_value_that_is_open_is_a_range() -> None:
    goal = next(box for box in picture("af-stroke", "cha2ds2-vasc").boxes if box.kind == "goal")
    assert goal.value == "at least 8, up to 9 points"


@pytest.mark.parametrize("concept", ["kidney-failure-risk-5y", "egfr-slope", "gfr-category", "news2"])
def test_boxes_lie_within_the_picture_and_apart(concept: str) -> None:
    drawn = chain_picture(synthetic_answers()["ckd-progressing", concept])
    if drawn is None:
        return
    for box in drawn.boxes:
        assert box.x >= 0 and box.x + drawn.box_width <= drawn.width
        assert box.y >= 0 and box.y + drawn.box_height <= drawn.height
        for other in drawn.boxes:
            apart = abs(box.x - other.x) >= drawn.box_width or abs(box.y - other.y) >= drawn.box_height
            assert other is box or apart


def test_what_is_read_has_no_chain() -> None:
    answers = synthetic_answers()
    read = [each for each in answers.values() if each.step is None]
    assert all(chain_picture(each) is None for each in read)


def drawn_pictures() -> list[Picture]:
    found = [chain_picture(each) for each in synthetic_answers().values()]
    return [each for each in found if each is not None]


def test_no_line_runs_behind_a_box() -> None:
    """A line that passes behind "Age" reads as if its value came from the age."""
    count = 0
    for drawn in drawn_pictures():
        for path in drawn.paths:
            x, y = map(int, path.removeprefix("M").split(" C", 1)[0].split())
            for part in re.findall(r"[CH][^CH]*", path):
                numbers = list(map(int, part[1:].split()))
                if part[0] == "C":
                    x, y = numbers[-2:]
                    continue
                for box in drawn.boxes:
                    inside = (
                        box.x < numbers[0] and box.x + drawn.box_width > x and box.y <= y <= box.y + drawn.box_height
                    )
                    assert not inside, (path, box)
                count += 1
                x = numbers[0]
    assert count > 50


def test_lines_join_boxes_alone() -> None:
    for drawn in drawn_pictures():
        middles = {(box.x, box.y + drawn.box_height // 2) for box in drawn.boxes}
        for path in drawn.paths:
            x, y = map(int, path.removeprefix("M").split(" C", 1)[0].split())
            end = tuple(map(int, path.rsplit("C", 1)[1].split()[-2:]))
            assert (x - drawn.box_width, y) in middles and end in middles


def test_where_nothing_follows_there_is_no_picture_and_no_value_has_no_number() -> None:
    for answer in synthetic_answers().values():
        drawn = chain_picture(answer)
        if answer.status in (Status.NOT_APPLICABLE, Status.FAILED):
            assert drawn is None
        elif drawn is not None and isinstance(answer.value, Absent):
            assert next(box for box in drawn.boxes if box.kind == "goal").value == "No value"
