"""What each input of a step added, in an exported argument: added up, and compared with what it adds here."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from ontology.evaluation import Contribution
from server.explain.prov.exported import ExportedStep
from server.explain.results import Contributions
from tests.support.changed_arguments import with_step
from tests.support.synthetic_answers import NEWS2, exported_argument, finding_kinds, findings_text, verify_again

Change = Callable[[Contributions], Contributions | None]


def amounts(found: Contributions, *more: int) -> tuple[Contribution, ...]:
    added = (*more, *[0] * len(found.items))
    return tuple(replace(item, amount=item.amount + by) for item, by in zip(found.items, added, strict=False))


def scored() -> tuple[int, ExportedStep, Contributions]:
    steps = exported_argument("sepsis-ward", NEWS2).steps
    place, step = next((place, step) for place, step in enumerate(steps) if step.contributions is not None)
    assert step.contributions is not None
    return place, step, step.contributions


NOTHING = Contribution("zzz", Decimal(0), "nothing")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda told: None, "the file has no contributions"),
        (lambda told: replace(told, base=told.base + 1), "base and contributions add up to"),
        (lambda told: replace(told, output=told.output + 1), "and the output is"),
        (lambda told: replace(told, scale="LOG_ODDS"), "the scale is LOG_ODDS in the file, POINTS here"),
        (lambda told: replace(told, items=amounts(told, 1)), "base and contributions add up to"),
        # As long as the sum is right: only computing it again tells.
        (lambda told: replace(told, items=amounts(told, 1, -1)), "in the file, adds"),
        (lambda told: replace(told, base=told.base + 1, items=amounts(told, -1)), "the base is 1 in the file, 0 here"),
        (
            lambda told: replace(told, items=(*told.items, NOTHING)),
            "other inputs add something here",
        ),
    ],
)
def test_what_was_changed_is_found(change: Change, text: str) -> None:
    place, _, told = scored()
    replayed = verify_again(with_step(exported_argument("sepsis-ward", NEWS2), place, contributions=change(told)))
    assert {kind for kind, _ in finding_kinds(replayed)} == {"contributions"}
    assert text in findings_text(replayed)


def test_what_was_not_changed_comes_out() -> None:
    assert finding_kinds(verify_again(exported_argument("sepsis-ward", NEWS2))) == []


def test_what_no_step_tells_here_is_found() -> None:
    said = exported_argument()
    place = next(place for place, step in enumerate(said.steps) if step.contributions is None)
    item = Contribution("age", Decimal(1), "65 or older")
    made_up = Contributions("POINTS", Decimal(0), Decimal(1), Decimal(0), "no points", items=(item,))
    assert finding_kinds(verify_again(with_step(said, place, contributions=made_up))) == [("contributions", None)]
