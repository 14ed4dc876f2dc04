"""A description, the code beside it and the slots that its criteria read must fit each other."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ontology.concepts import ValueType
from ontology.slots import Select, Slot
from server.catalog.criteria import Applicability, Band, Compare, Is, OneOf, Outcome, Remark, RuleCase, ScoreCriterion
from server.catalog.descriptions import Kind, MaxTimeApart
from server.kinds import check_signature
from tests.support.descriptions import code, make_description, make_slot

HEAD = """
from datetime import datetime
from decimal import Decimal
from ontology.evaluation import Evaluation
from ontology.values import Absent, Bound, Series
"""
X = make_slot("x")


@pytest.mark.parametrize(
    ("signature", "slots", "fault"),
    [
        ("()", (X,), "evaluate has no parameter x"),
        ("(x: Decimal, y: Decimal)", (X,), "parameter y of evaluate is neither a slot"),
        ("(x: Decimal = Decimal(1))", (X,), "parameter x of evaluate has a default"),
        ("(x: Decimal, /)", (X,), "parameter x of evaluate cannot be given by name"),
        ("(x: Decimal, **rest: Decimal)", (X,), "parameter rest of evaluate cannot be given by name"),
        ("(x)", (X,), "parameter x of evaluate is not annotated Decimal"),
        ("(x: float)", (X,), "parameter x of evaluate is not annotated Decimal"),
        ("(x: Decimal)", (make_slot("x", required=False),), "is not annotated Absent | Decimal"),
        ("(x: Decimal | Absent)", (make_slot("x", accepts_bound=True),), "is not annotated Bound | Decimal"),
        ("(x: Decimal)", (make_slot("x", select=Select.SERIES),), "is not annotated Series"),
        ("(x: Decimal)", (make_slot("x", ValueType.FLAG),), "is not annotated bool"),
        ("(x: Missing)", (X,), "name 'Missing' is not defined"),
        ("(x: Decimal, at: datetime)", (X,), "parameter at of evaluate is neither a slot"),
    ],
)
def test_faults_of_a_signature(tmp_path: Path, signature: str, slots: tuple[Slot, ...], fault: str) -> None:
    (tmp_path / "evaluate.py").write_text(
        f"from __future__ import annotations\n{HEAD}\ndef evaluate{signature} -> Evaluation: raise ValueError\n"
    )
    faults = check_signature(make_description(Kind.EQUATION, slots=slots, folder=tmp_path))
    assert len(faults) == 1
    assert fault in faults[0]
    assert faults[0].startswith("example: ")


def test_the_result_must_be_an_evaluation(tmp_path: Path) -> None:
    (tmp_path / "evaluate.py").write_text(
        "from decimal import Decimal\ndef evaluate(x: Decimal) -> Decimal: return x\n"
    )
    description = make_description(Kind.EQUATION, slots=(X,), folder=tmp_path)
    assert check_signature(description) == ["example: evaluate is not annotated to return Evaluation"]


def test_the_evaluation_time_and_parameters_are_needed_where_declared(tmp_path: Path) -> None:
    (tmp_path / "evaluate.py").write_text(f"{HEAD}\ndef evaluate(x: Decimal) -> Evaluation: raise ValueError\n")
    description = make_description(
        Kind.EQUATION,
        slots=(X,),
        folder=tmp_path,
        parameters={"years": Decimal(2)},
        evaluation_time=timedelta(days=1),
    )
    assert check_signature(description) == [
        "example: evaluate has no parameter years",
        "example: evaluate has no parameter at",
    ]


def test_no_implementation_is_a_fault(tmp_path: Path) -> None:
    [fault] = check_signature(make_description(Kind.EQUATION, slots=(X,), folder=tmp_path))
    assert "evaluate.py: not found" in fault


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        (
            {"applicability": (Applicability(Is("z", True), True, "z"),)},
            'applicability "z": there is no slot z',
        ),
        (
            {"applicability": (Applicability(Is("result", True), True, "r"),)},
            'applicability "r": there is no slot result',
        ),
        (
            {"cases": (RuleCase(Is("x", True), code("a"), "a"),)},
            'case 1 "a": x is a QUANTITY, and is compared as a FLAG',
        ),
        ({"remarks": (Remark(OneOf("x", ()), "t", "c"),)}, 'remark "c": x is a QUANTITY, and is compared as a CODING'),
        (
            {"outcomes": (Outcome(Compare("result"), code("o"), "o"),)},
            'outcome 1 "o": result is a CODING, and is compared as a QUANTITY',
        ),
        (
            {"cases": (RuleCase(Compare("x", precision=Decimal(0)), code("a"), "a"),)},
            'case 1 "a": x: precision must be more than 0',
        ),
        ({"cases": ()}, "a rule without cases"),
    ],
)
def test_faults_of_criteria(fields: dict[str, Any], fault: str) -> None:
    description = make_description(**{"slots": (X,), "cases": (RuleCase(None, code("a"), "a"),), **fields})
    assert check_signature(description) == [f"example: {fault}"]


def test_a_series_cannot_be_compared() -> None:
    case = RuleCase(Compare("x", above=Decimal(1)), code("a"), "a")
    description = make_description(slots=(make_slot("x", select=Select.SERIES),), cases=(case,))
    assert check_signature(description) == ['example: case 1 "a": x is a series, and is compared as a QUANTITY']


def test_a_score_needs_criteria_on_its_slots() -> None:
    assert check_signature(make_description(Kind.SCORE)) == ["example: a score without criteria"]
    criterion = ScoreCriterion("z", "Z", (Band(None, Decimal(1), "one"),))
    assert check_signature(make_description(Kind.SCORE, criteria=(criterion,))) == [
        'example: criterion "Z": there is no slot z'
    ]


def test_slots_that_must_lie_together_exist() -> None:
    within = MaxTimeApart(("x", "xx"), timedelta(minutes=5))
    assert check_signature(make_description(slots=(X,), cases=(RuleCase(None, code("a"), "a"),), within=within)) == [
        "example: mpm:within: there is no slot xx"
    ]


def test_what_is_near_is_suggested() -> None:
    case = RuleCase(Compare("presure", above=Decimal(1)), code("a"), "a")
    assert check_signature(make_description(slots=(make_slot("pressure"),), cases=(case,))) == [
        'example: case 1 "a": there is no slot presure; did you mean pressure?'
    ]


def test_a_band_is_named_by_its_criterion_and_its_place() -> None:
    bands = (Band(None, Decimal(0), "none", Is("y", True)), Band(Compare("x"), Decimal(1), "some", Is("z", True)))
    criterion = ScoreCriterion("x", "X", bands)
    assert check_signature(make_description(Kind.SCORE, slots=(X,), criteria=(criterion,))) == [
        'example: criterion "X", band 1 "none": there is no slot y',
        'example: criterion "X", band 2 "some": there is no slot z',
    ]


@pytest.mark.parametrize(("refuse", "fault"), [(True, []), (False, ["mpm:unless is not the criterion of another one"])])
def test_a_ground_is_left_out_only_for_one_of_its_effect(refuse: bool, fault: list[str]) -> None:
    y, z = (make_slot(name, ValueType.FLAG) for name in ("y", "z"))
    grounds = (Applicability(Is("y", True), refuse, "y"), Applicability(Is("z", True), True, "z", unless=Is("y", True)))
    description = make_description(slots=(y, z), applicability=grounds, cases=(RuleCase(None, code("a"), "a"),))
    found = check_signature(description)
    assert len(found) == len(fault)
    assert all(text in each for text, each in zip(fault, found, strict=True))
