"""Which inputs cannot change a result: decided soundly, and proven against evaluations with any other values there."""

from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from ontology.concepts import ValueType
from ontology.evaluation import SlotInput
from ontology.values import Absent, AbsentReason, Coding
from server.catalog.criteria import AllOf, Applicability, Compare, Is, Not, OneOf, Remark, RuleCase
from server.catalog.descriptions import Description, Kind
from server.executor.plan_run import evaluate_safely
from server.kinds import evaluate, interpret
from server.kinds.interpretation import has_result, irrelevant_slots, open_grounds
from server.kinds.logic import unknown_slots
from tests.support.descriptions import absent, code, make_description, make_slot, number
from tests.support.module_inputs import START, catalog
from tests.support.slot_values import SEXES, pool

MODULES = sorted(catalog().modules)


def result_of(description: Description, inputs: dict[str, SlotInput]) -> Any:
    """All of a result that an answer shows, but for its issues on single inputs."""
    evaluation = evaluate_safely(description, inputs, START)
    spoken = {"caution", "not-applicable"} if has_result(evaluation) else {"not-applicable"}
    remarks = {remark.code for remark in description.remarks}
    said = {i.text if i.code != "not-applicable" else "" for i in evaluation.issues if i.code in spoken | remarks}
    grounds = [each.ground.text for each in open_grounds(description, inputs, evaluation)]
    band = interpret(description, inputs, evaluation)
    return evaluation.value, evaluation.bounds, band, evaluation.working.qualifier, said, grounds


@pytest.mark.parametrize("module_id", MODULES)
def test_what_is_left_out_changes_nothing_whatever_it_is(module_id: str) -> None:
    """A hundred patients at random: what is called irrelevant is replaced by anything else, all of it at once."""
    description, random, replaced = catalog().modules[module_id], Random(module_id), 0  # noqa: S311
    pools = {slot.name: pool(description, slot) for slot in description.slots}
    rounds = 25 if description.kind is Kind.MODEL else 100
    for _ in range(rounds):
        inputs = {name: SlotInput(random.choice(values)) for name, values in pools.items()}
        evaluation = evaluate_safely(description, inputs, START)
        free = irrelevant_slots(description, inputs, evaluation, pools)
        for _ in range(3):
            other = dict(inputs)
            # In one order, whatever the hashes of the run are.
            for name in sorted(free - concerning_nobody(description, inputs)):
                other[name] = SlotInput(random.choice(pools[name]))
                replaced += 1
            assert result_of(description, other) == result_of(description, inputs), free
    assert replaced or not any(ground.refuse for ground in description.applicability)


def concerning_nobody(description: Description, inputs: dict[str, SlotInput]) -> set[str]:
    """Slots of grounds that do not concern this patient unless they are recorded: then they count."""
    limited = [ground for ground in description.applicability if ground.only_where is not None]
    return {slot for ground in limited for slot in unknown_slots(ground.criterion, inputs)}


SLOTS = (
    make_slot("egfr"),
    *(
        make_slot(name, ValueType.FLAG, required=False, applicability_only=True)
        for name in ("dialysis", "stage", "recorded", "marker")
    ),
)
DIALYSIS = Applicability(Is("dialysis", True), True, "on dialysis")
INJURY = Applicability(AllOf((Is("stage", True), Not(Is("recorded", False)))), False, "injury")
LOW = RuleCase(Compare("egfr", below=Decimal(60)), code("low"), "low")
RULE = make_description(
    slots=SLOTS,
    applicability=(DIALYSIS, INJURY),
    cases=(LOW, RuleCase(None, code("high"), "high")),
    remarks=(Remark(AllOf((Compare("egfr", at_least=Decimal(60)), Is("marker", False))), "no marker", "no-marker"),),
)
NAMES = tuple(slot.name for slot in SLOTS)


@pytest.mark.parametrize(
    ("changed", "irrelevant"),
    [
        ({}, set()),
        # The stage decides on nothing where the other part of the ground is known to be false.
        ({"recorded": SlotInput(False), "stage": absent()}, {"stage"}),
        ({"recorded": absent(), "stage": absent()}, set()),
        # The marker is read from 60 on.
        ({"egfr": number(60)}, set()),
        ({"egfr": number("59.9")}, {"marker"}),
        # Who is refused is so whatever the rest is.
        ({"dialysis": SlotInput(True)}, {"egfr", "stage", "recorded", "marker"}),
        # A failed search of what can change nothing is as good as any.
        ({"recorded": SlotInput(False), "stage": absent(AbsentReason.UNREACHABLE)}, {"stage"}),
        ({"dialysis": absent(AbsentReason.UNREACHABLE)}, set()),
        # A choice of values is cautioned as a value is.
        ({"egfr": absent()}, set()),
    ],
)
def test_irrelevant_slots(changed: dict[str, SlotInput], irrelevant: set[str]) -> None:
    no = {name: SlotInput(False) for name in NAMES}
    inputs = {**no, "egfr": number(70), "recorded": SlotInput(True), "stage": SlotInput(True), **changed}
    found = irrelevant_slots(RULE, inputs, evaluate(RULE, inputs), NAMES)
    assert found == irrelevant


def test_two_grounds_that_refuse_are_both_spoken_of() -> None:
    """The text names both; what is doubtful of either must be said."""
    other = Applicability(Is("marker", True), True, "marked")
    description = make_description(slots=SLOTS, applicability=(DIALYSIS, other), cases=RULE.cases)
    inputs = {name: SlotInput(True) for name in NAMES} | {"egfr": number(70)}
    found = irrelevant_slots(description, inputs, evaluate(description, inputs), NAMES)
    assert found == {"egfr", "stage", "recorded"}


MALE, FEMALE = SEXES[1], SEXES[0]
COULD = Not(AllOf((OneOf("sex", (MALE,)), OneOf("gender", (MALE,)))))
PREGNANT = Applicability(Is("pregnancy", True), True, "pregnancy", only_where=COULD)
ONLY = make_description(
    slots=(
        *(make_slot(name, ValueType.CODING, required=False, applicability_only=True) for name in ("sex", "gender")),
        make_slot("pregnancy", ValueType.FLAG, required=False, applicability_only=True),
    ),
    applicability=(PREGNANT,),
    cases=(RuleCase(None, code("any"), "always"),),
)


@pytest.mark.parametrize(
    ("sex", "gender", "pregnancy", "raised"),
    [
        (MALE, MALE, absent(), False),
        (MALE, MALE, absent(AbsentReason.STALE), False),
        # Another sex for clinical use, or another gender, or one that is not known.
        (FEMALE, MALE, absent(), True),
        (MALE, FEMALE, absent(), True),
        (MALE, Absent(AbsentReason.RECORDED_UNKNOWN), absent(), True),
        (Absent(AbsentReason.UNCONVERTIBLE), MALE, absent(), True),
        (FEMALE, FEMALE, absent(), True),
        # Whether one is recorded is not known.
        (MALE, MALE, absent(AbsentReason.UNREACHABLE), True),
        (MALE, MALE, absent(AbsentReason.NOT_PERMITTED), True),
        (MALE, MALE, SlotInput(False), False),
    ],
)
def test_whom_a_ground_can_concern(sex: Any, gender: Any, pregnancy: SlotInput, raised: bool) -> None:
    inputs = {"sex": SlotInput(sex), "gender": SlotInput(gender), "pregnancy": pregnancy}
    codes = [issue.code for issue in evaluate(ONLY, inputs).issues]
    assert codes == (["applicability-unknown"] if raised else [])


UNDER_60 = replace(PREGNANT, criterion=AllOf((PREGNANT.criterion, Compare("age", below=Decimal(60)))))
WITH_AGE = replace(
    ONLY,
    slots=(*ONLY.slots, make_slot("age", required=False, applicability_only=True)),
    applicability=(UNDER_60,),
)


@pytest.mark.parametrize(
    ("pregnancy", "age", "raised", "irrelevant"),
    [
        # A pregnancy on record of a man: the age alone decides, and nobody knows it.
        (SlotInput(True), absent(), True, set()),
        (SlotInput(True), absent(AbsentReason.STALE), True, set()),
        (SlotInput(True), number(60), False, {"pregnancy"}),
        # Of a man, and not on record: it concerns nobody.
        (SlotInput(False), absent(), False, {"age", "pregnancy"}),
        (absent(), absent(), False, {"age", "pregnancy"}),
        (absent(), number(40), False, {"age", "pregnancy"}),
        (absent(AbsentReason.UNREACHABLE), absent(), True, set()),
    ],
)
def test_what_is_recorded_counts_though_an_age_leaves_it_open(
    pregnancy: SlotInput, age: SlotInput, raised: bool, irrelevant: set[str]
) -> None:
    inputs = {"sex": SlotInput(MALE), "gender": SlotInput(MALE), "pregnancy": pregnancy, "age": age}
    evaluation = evaluate(WITH_AGE, inputs)
    assert ("applicability-unknown" in [issue.code for issue in evaluation.issues]) is raised
    assert irrelevant_slots(WITH_AGE, inputs, evaluation, ("pregnancy", "age")) == irrelevant


@pytest.mark.parametrize("sex", SEXES)
def test_what_is_recorded_counts_whoever_it_concerns(sex: Coding) -> None:
    inputs = {"sex": SlotInput(sex), "gender": SlotInput(sex), "pregnancy": SlotInput(True)}
    assert evaluate(ONLY, inputs).value == Absent(AbsentReason.NOT_APPLICABLE)
