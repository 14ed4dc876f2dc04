"""Equations: what evaluate is given, what is said where it cannot be called, and that its folder is all it needs."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from ontology.concepts import ValueType
from ontology.evaluation import Interval, Severity, SlotInput
from ontology.slots import Select, Slot
from ontology.values import Absent, AbsentReason, Bound, Date, Quantity, Series
from server.catalog.criteria import Applicability, Compare, Is
from server.catalog.descriptions import Description, Kind
from server.kinds import KindError, check_signature, evaluate
from server.kinds.implementation import load_implementation
from tests.support.descriptions import absent, between, bound, code, make_concept, make_description, make_slot, number
from tests.support.module_inputs import bounds

AT = datetime(2026, 6, 30, tzinfo=UTC)
INSUFFICIENT = Absent(AbsentReason.INPUT_ABSENT)
HEAD = """
from datetime import datetime
from decimal import Decimal
from ontology.evaluation import Evaluation, Issue, Severity, Working
from ontology.values import Absent, AbsentReason, Bound, Coding, Date, Quantity, Series
"""


Writer = Callable[[str], Path]
"""Writes an evaluate.py and gives its folder."""


@pytest.fixture
def folder(tmp_path: Path) -> Writer:
    def write(source: str) -> Path:
        (tmp_path / "evaluate.py").write_text(HEAD + dedent(source))
        return tmp_path

    return write


SUM = """
def evaluate(a: Decimal, sex: Coding, k: Decimal) -> Evaluation:
    factor = {"male": 1, "female": 2}[sex.code]
    issues = (Issue(Severity.INFORMATION, "own", "its own"),)
    return Evaluation(Quantity(a * factor + k, "1"), Working(f"{a} * {factor} + {k}"), issues)
"""
A = make_slot("a", bound_by_ends=True)
SEX = make_slot("sex", ValueType.CODING, candidates=(code("female"), code("male")))


def make_sum(folder: Writer, slots: tuple[Slot, ...] = (A, SEX), **overrides: Any) -> Description:
    return make_description(
        Kind.EQUATION, slots=slots, folder=folder(SUM), parameters={"k": Decimal("0.25")}, **overrides
    )


MALE = SlotInput(code("male"))


def test_slots_and_parameters_reach_evaluate(folder: Writer) -> None:
    description = make_sum(folder)
    assert check_signature(description) == []
    evaluation = evaluate(description, {"a": number(2), "sex": MALE})
    assert evaluation.value == Quantity(Decimal("2.25"), "1")
    assert [issue.code for issue in evaluation.issues] == ["own"]


def test_every_type_of_argument(folder: Writer) -> None:
    source = """
    def evaluate(q: Decimal, b: Decimal | Bound, c: Coding, f: bool, d: Date, s: Series, any: bool,
                 o: Decimal | Absent, at: datetime) -> Evaluation:
        return Evaluation(Quantity(q, "1"), Working(repr((q, b, c, f, d, s, any, o, at))))
    """
    slots = (
        make_slot("q"),
        make_slot("b", accepts_bound=True),
        make_slot("c", ValueType.CODING),
        make_slot("f", ValueType.FLAG),
        make_slot("d", ValueType.DATE),
        make_slot("s", select=Select.SERIES),
        make_slot("any", ValueType.FLAG, select=Select.ANY),
        make_slot("o", required=False),
        make_slot("hidden", ValueType.FLAG, required=False, applicability_only=True),
    )
    description = make_description(Kind.EQUATION, slots=slots, folder=folder(source), evaluation_time=timedelta(days=1))
    assert check_signature(description) == []
    day, series = Date(AT.date(), AT.date()), Series(((AT, Decimal(1)),), "1")
    inputs = {
        "q": number(1),
        "b": bound("<", 5),
        "c": MALE,
        "f": SlotInput(False),
        "d": SlotInput(day),
        "s": SlotInput(series),
        "any": SlotInput(True),
        "o": absent(AbsentReason.STALE),
        "hidden": absent(),
    }
    expected = (
        Decimal(1), Bound("<", Decimal(5), "1"), code("male"), False, day, series, True, Absent(AbsentReason.STALE), AT,
    )  # fmt: skip
    assert evaluate(description, inputs, AT).working.warrant == repr(expected)
    with pytest.raises(KindError, match="evaluation time"):
        evaluate(description, inputs, AT.replace(tzinfo=None))


def test_a_missing_required_slot_is_named_with_its_reason(folder: Writer) -> None:
    description = make_sum(folder, slots=(make_slot("a"), make_slot("sex", ValueType.CODING)))
    evaluation = evaluate(description, {"a": absent(AbsentReason.STALE), "sex": absent()})
    assert (evaluation.value, evaluation.bounds) == (INSUFFICIENT, None)
    assert evaluation.working.warrant == "Not computed: a and sex are missing."
    assert [(i.severity, i.code, i.slot, i.text) for i in evaluation.issues] == [
        (Severity.ERROR, "input-absent", "a", "a: too old"),
        (Severity.ERROR, "input-absent", "sex", "sex: not found"),
    ]


def test_a_bound_is_no_number_for_an_equation_that_does_not_take_it(folder: Writer) -> None:
    evaluation = evaluate(make_sum(folder), {"a": bound("<", 5), "sex": MALE})
    assert (evaluation.value, evaluation.bounds) == (INSUFFICIENT, None)
    assert evaluation.issues[0].text == "a: known only as <5"


def test_candidates_give_limits_and_each_result(folder: Writer) -> None:
    evaluation = evaluate(make_sum(folder), {"a": number(2), "sex": absent()})
    assert evaluation.value == INSUFFICIENT
    assert evaluation.bounds == Interval(Decimal("2.25"), Decimal("4.25"), "1", "regardless of sex")
    told = next(issue for issue in evaluation.issues if issue.code == "combinations")
    assert (told.severity, told.text) == (Severity.INFORMATION, "sex female: 4.25; sex male: 2.25")
    assert [issue.code for issue in evaluation.issues] == ["input-absent", "combinations", "own"]


def missing_flag(presumed: bool | None) -> SlotInput:
    return SlotInput(Absent(AbsentReason.NOT_FOUND), None, presumed)


FLAGS = """
def evaluate(a: bool, b: bool) -> Evaluation:
    return Evaluation(Quantity(Decimal(1 + 2 * a + 4 * b), "1"), Working("sum"))
"""


@pytest.mark.parametrize(
    ("a", "b", "value", "limits"),
    [
        (missing_flag(False), missing_flag(False), Quantity(Decimal(1), "1"), (1, 7)),
        (missing_flag(True), missing_flag(False), Quantity(Decimal(3), "1"), (1, 7)),
        (SlotInput(True), missing_flag(False), Quantity(Decimal(3), "1"), (3, 7)),
        # One of the two is neither known nor presumed: limits only.
        (missing_flag(False), missing_flag(None), INSUFFICIENT, (1, 7)),
        (missing_flag(None), SlotInput(False), INSUFFICIENT, (1, 3)),
    ],
)
def test_what_is_presumed_gives_a_number_beside_the_limits(
    folder: Writer, a: SlotInput, b: SlotInput, value: Quantity | Absent, limits: tuple[int, int]
) -> None:
    slots = tuple(make_slot(name, ValueType.FLAG, candidates=(True, False)) for name in ("a", "b"))
    description = make_description(Kind.EQUATION, folder=folder(FLAGS), slots=slots)
    evaluation = evaluate(description, {"a": a, "b": b})
    assert evaluation.value == value and bounds(evaluation) == tuple(map(Decimal, limits))
    named = tuple(name for name, given in (("a", a), ("b", b)) if isinstance(given.value, Absent))
    assert evaluation.presumed == (named if isinstance(value, Quantity) else ())
    assert ("input-absent" in [issue.code for issue in evaluation.issues]) is isinstance(value, Absent)


def test_ends_and_candidates_combine(folder: Writer) -> None:
    evaluation = evaluate(make_sum(folder, display_decimals=1), {"a": between(1, 3), "sex": absent()})
    assert bounds(evaluation) == (Decimal("1.25"), Decimal("6.25"))
    assert "a 3 and sex female: 6.3" in evaluation.issues[2].text


@pytest.mark.parametrize("known", [{"a": absent(), "sex": absent()}, {"a": absent(), "sex": MALE}])
def test_no_limits_where_one_missing_slot_has_none(folder: Writer, known: dict[str, SlotInput]) -> None:
    evaluation = evaluate(make_sum(folder), known)
    assert (evaluation.value, evaluation.bounds) == (INSUFFICIENT, None)


def test_ends_only_where_the_description_allows_them(folder: Writer) -> None:
    slots = (make_slot("a"), SEX)
    assert evaluate(make_sum(folder, slots=slots), {"a": between(1, 3), "sex": MALE}).bounds is None


def test_not_more_than_sixteen_combinations(folder: Writer) -> None:
    source = "def evaluate({}) -> Evaluation: return Evaluation(Quantity(Decimal(0), '1'), Working(''))"
    for many, limits in ((4, True), (5, False)):
        names = [f"f{n}" for n in range(many)]
        slots = tuple(make_slot(name, ValueType.FLAG, candidates=(False, True)) for name in names)
        path = folder(source.format(", ".join(f"{name}: bool" for name in names)))
        description = make_description(Kind.EQUATION, slots=slots, folder=path, code_digest=str(many))
        evaluation = evaluate(description, {name: absent() for name in names})
        assert (evaluation.bounds is not None) is limits


def test_a_combination_that_is_refused_gives_no_number_and_no_limits(folder: Writer) -> None:
    too_much = Applicability(Compare("a", at_least=Decimal(3)), True, "3 or more")
    evaluation = evaluate(make_sum(folder, applicability=(too_much,)), {"a": between(1, 3), "sex": MALE})
    assert evaluation.bounds is None
    told = next(issue for issue in evaluation.issues if issue.code == "combinations")
    assert told.text == "a 1: 1.25; a 3: Not applicable: 3 or more"


def test_a_refused_equation_is_not_called(folder: Writer) -> None:
    raising = folder("def evaluate(a: Decimal) -> Evaluation: raise AssertionError")
    slots = (make_slot("a"), make_slot("no", ValueType.FLAG, required=False, applicability_only=True))
    refuse = Applicability(Is("no", True), True, "never")
    description = make_description(Kind.EQUATION, slots=slots, folder=raising, applicability=(refuse,))
    evaluation = evaluate(description, {"a": number(1), "no": SlotInput(True)})
    assert evaluation.value == Absent(AbsentReason.NOT_APPLICABLE)
    with pytest.raises(AssertionError):
        evaluate(description, {"a": number(1), "no": SlotInput(False)})


def test_a_value_outside_the_validated_range_is_used_with_a_rebuttal(folder: Writer) -> None:
    slots = (make_slot("a", minimum=Decimal("0.1"), maximum=Decimal(30)), SEX)
    evaluation = evaluate(make_sum(folder, slots=slots), {"a": number(31), "sex": MALE})
    assert evaluation.value == Quantity(Decimal("31.25"), "1")
    issue = evaluation.issues[-1]
    assert (issue.severity, issue.code, issue.slot) == (Severity.WARNING, "outside-validated-range", "a")
    assert issue.text == "a 31: outside the validated range (0.1 to 30)"
    assert len(evaluate(make_sum(folder, slots=slots), {"a": number(30), "sex": MALE}).issues) == 1


@pytest.mark.parametrize(
    "result",
    ['Quantity(a, "mg")', 'Quantity(Decimal("NaN"), "1")', 'Quantity(Decimal("Infinity"), "1")', "True", "a"],
)
def test_a_result_that_is_not_as_promised_raises(folder: Writer, result: str) -> None:
    path = folder(f"def evaluate(a: Decimal) -> Evaluation: return Evaluation({result}, Working(''))")
    description = make_description(Kind.EQUATION, slots=(make_slot("a"),), folder=path)
    with pytest.raises(KindError, match="gave a"):
        evaluate(description, {"a": number(1)})


@pytest.mark.parametrize("inputs", [{}, {"a": number(1, "mg"), "sex": MALE}, {"a": bound("<", 1, "mg"), "sex": MALE}])
def test_inputs_that_do_not_fit_raise(folder: Writer, inputs: dict[str, SlotInput]) -> None:
    with pytest.raises(KindError, match="is not given"):
        evaluate(make_sum(folder), inputs)


def test_a_model_module_without_a_model_is_a_fault_of_its_description() -> None:
    with pytest.raises(KindError, match="no mpm:model"):
        evaluate(make_description(Kind.MODEL, produces=make_concept()), {})


def test_an_implementation_in_this_repository_is_the_object_that_imports_see() -> None:
    import modules
    from modules.age.evaluate import evaluate as imported

    assert load_implementation(Path(modules.__file__).parent / "age") is imported


def test_a_folder_without_an_implementation(tmp_path: Path) -> None:
    with pytest.raises(KindError, match=r"evaluate\.py: not found"):
        load_implementation(tmp_path)
    (tmp_path / "evaluate.py").write_text("evaluate = 1")
    with pytest.raises(KindError, match="no function evaluate"):
        load_implementation(tmp_path)


def test_changed_code_is_loaded_anew(tmp_path: Path) -> None:
    for state in ("1", "2"):
        (tmp_path / "evaluate.py").write_text(f"def evaluate(): return {state}\n")
        assert load_implementation(tmp_path, state)() == int(state)


def test_a_folder_from_elsewhere_imports_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "table.py").write_text("FACTOR = 3\n")
    (tmp_path / "evaluate.py").write_text("from .table import FACTOR\ndef evaluate(): return FACTOR\n")
    assert load_implementation(tmp_path)() == 3


def test_a_slot_that_only_compares_is_never_missing(folder: Writer) -> None:
    source = """
    def evaluate(a: Decimal, other: Decimal | Absent) -> Evaluation:
        return Evaluation(Quantity(a, "1"), Working(repr(other)))
    """
    slots = (make_slot("a"), make_slot("other", comparison=True))
    description = make_description(Kind.EQUATION, slots=slots, folder=folder(source))
    assert check_signature(description) == []
    evaluation = evaluate(description, {"a": number(1), "other": absent()})
    assert (evaluation.value, evaluation.issues) == (Quantity(Decimal(1), "1"), ())
