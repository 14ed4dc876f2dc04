"""The picture of a chain: records left, the goal right, only what carries a value, and a range where it is open."""

from __future__ import annotations

import pytest

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
