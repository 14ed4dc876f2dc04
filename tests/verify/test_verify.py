"""An argument computed again: the same comes out, for every patient and module; and what differs here is named."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from ontology.evaluation import SlotInput
from ontology.values import Absent, AbsentReason, Coding, Quantity, Series
from server.catalog.catalog import ROOT, Catalog
from server.executor.cache.encryption import Keyring
from server.explain.results import Status
from server.verify.verify import recompute_answer
from tests.support.changed_arguments import step_index, with_input, with_step
from tests.support.engine_questions import shipped, with_module
from tests.support.exported_arguments import exported_answer
from tests.support.synthetic_answers import (
    KEYS,
    RISK,
    current_environment,
    exported_argument,
    finding_kinds,
    findings_text,
    synthetic_answers,
    verify_again,
    what_if_answer,
)

GFR = "mL/min/{1.73_m2}"


def test_everything_about_every_patient_comes_out_the_same() -> None:
    statuses: Counter[Status] = Counter()
    modules = set()
    for (patient, concept), result in synthetic_answers().items():
        replayed = verify_again(exported_answer(result))
        assert replayed.matches, (patient, concept, findings_text(replayed))
        assert all(step.evaluation is not None for step in replayed.steps)
        statuses[result.status] += 1
        modules |= {step.module.iri for step in result.chain}
    assert modules == {module.iri for module in shipped().modules.values()}
    assert statuses[Status.COMPLETE] > 50 and statuses[Status.PARTIAL] > 3
    assert statuses[Status.INSUFFICIENT] > 50 and statuses[Status.NOT_APPLICABLE] > 50


def test_the_hard_kinds_of_values_are_among_them() -> None:
    """So that the test above says something of them."""
    said = [exported_answer(result) for result in synthetic_answers().values()]
    given = [each for one in said for step in one.steps for each in step.inputs.values()]
    assert {Quantity, Coding, bool, Series, Absent} <= {type(each.consumed.value) for each in given}
    assert any(each.consumed.bounds for each in given)
    assert any(each.consumed.value == Absent(AbsentReason.STALE) for each in given)
    assert any(each.assumed for each in given)
    points = [step for one in said for step in one.steps if step.as_of != one.at]
    assert len(points) > 20
    assert sum(len(one.attributions) for one in said) > 50
    assert sum(one.interval is not None for one in said) > 5
    assert any(told.groups for one in said for told in one.attributions)
    assert any(item for one in said for told in one.attributions if told.since for item in told.items)


@pytest.mark.parametrize(
    "assume",
    [
        {"egfr": Quantity(Decimal(28), GFR), "north-america": True},
        {"serum-creatinine": Quantity(Decimal("2.2"), "mg/dL"), "north-america": False},
    ],
)
def test_a_what_if_comes_out_the_same(assume: dict[str, Quantity | bool]) -> None:
    said = exported_answer(what_if_answer("ckd-progressing", RISK, assume))
    replayed = verify_again(said)
    assert replayed.matches, findings_text(replayed)
    assert any(given.assumed for step in said.steps for given in step.inputs.values())


def test_what_a_what_if_moved_comes_out_too() -> None:
    said = exported_answer(
        what_if_answer("ckd-progressing", "egfr", {"serum-creatinine": Quantity(Decimal("0.9"), "mg/dL")})
    )
    assert said.attributions[0].items
    assert verify_again(said).matches


def test_an_answer_that_was_assumed_itself_has_nothing_to_compute() -> None:
    said = exported_answer(what_if_answer("ckd-progressing", "egfr", {"egfr": Quantity(Decimal(28), GFR)}))
    assert verify_again(said).matches
    assert finding_kinds(verify_again(replace(said, assumed=False))) == [("link", None)]


def test_without_the_key_the_public_digests_do() -> None:
    assert verify_again(exported_argument(), keys=None).matches
    assert verify_again(exported_argument(), keys=Keyring.from_secret(None)).matches
    other = verify_again(exported_argument(), keys=Keyring.from_secret(bytes(32)))
    assert finding_kinds(other) == [("key", None)] * len(exported_argument().steps)


def test_what_comes_of_a_step_goes_into_the_next() -> None:
    """The file's own word for an input that a step gave is not believed."""
    said = exported_argument()
    lower = with_step(said, step_index(said, "egfr"), value=Quantity(Decimal(30), GFR))
    assert ("value", None) in finding_kinds(verify_again(lower))
    upper = with_input(said, len(said.steps) - 1, "egfr", consumed=SlotInput(Quantity(Decimal(30), GFR)))
    assert ("input", "egfr") in finding_kinds(verify_again(upper))
    assert "30 mL/min/{1.73_m2} in the file" in findings_text(verify_again(upper))


def egfr(**changes: Any) -> Catalog:
    return with_module(shipped(), replace(shipped().modules["egfr"], **changes))


def without_egfr() -> Catalog:
    return replace(shipped(), by_iri={iri: each for iri, each in shipped().by_iri.items() if "/egfr#" not in iri})


ELSEWHERE: dict[str, tuple[Callable[[], Catalog], str, str]] = {
    "another version": (lambda: egfr(version="1.1.0", digest="d" * 64), "version", "here it is 1.1.0"),
    "described otherwise": (lambda: egfr(digest="d" * 64), "description", "under the same number"),
    "other code": (lambda: egfr(code_digest="c" * 64), "code", "other code"),
    "no such module": (without_egfr, "module", "there is no module"),
    "code that is not there": (lambda: egfr(folder=ROOT / "nowhere"), "failed", "the computation failed"),
}


@pytest.mark.parametrize("name", ELSEWHERE)
def test_another_installation_is_named(name: str) -> None:
    catalog, kind, text = ELSEWHERE[name]
    replayed = verify_again(exported_argument(), catalog())
    assert kind in {each for each, _ in finding_kinds(replayed)}
    assert text in findings_text(replayed)


def test_what_rests_on_a_step_that_cannot_be_computed_is_taken_from_the_file_and_told() -> None:
    replayed = verify_again(exported_argument(), without_egfr())
    assert ("not-computed", "egfr") in finding_kinds(replayed)
    assert replayed.steps[-1].evaluation is not None
    assert replayed.steps[-1].evaluation.value == exported_argument().value


def test_other_libraries_are_named_and_the_value_is_compared_all_the_same() -> None:
    replayed = recompute_answer(
        exported_argument(), shipped(), replace(current_environment(), libraries="others"), KEYS
    )
    assert {kind for kind, _ in finding_kinds(replayed)} == {"environment"}
    assert all(step.evaluation is not None and step.evaluation.value == step.exported.value for step in replayed.steps)


def test_another_slot_here_is_named() -> None:
    module = shipped().modules["egfr"]
    more = egfr(slots=(*module.slots, replace(module.slots[0], name="cystatin")))
    assert ("slot", "cystatin") in finding_kinds(verify_again(exported_argument(), more))
    assert ("slot", module.slots[0].name) in finding_kinds(
        verify_again(exported_argument(), egfr(slots=module.slots[1:]))
    )
