"""The runner of worked cases finds what is wrong: a case that cannot fail proves nothing."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

import pytest

from ontology.concepts import ValueType
from ontology.values import Absent, AbsentReason, Bound, Coding, Date, Quantity, Series, Value
from server.catalog.criteria import Compare, Is, Outcome, RuleCase
from server.catalog.descriptions import Kind
from server.kinds.worked_cases import CaseError, read_cases, read_input, run_cases
from tests.support.descriptions import SYSTEM, code, make_concept, make_description, make_slot

RULE = make_description(
    id="rule",
    produces=make_concept("flagged", ValueType.FLAG),
    slots=(make_slot("x"), make_slot("y", ValueType.FLAG, required=False)),
    cases=(RuleCase(Is("y", True), False, "y"), RuleCase(Compare("x", above=Decimal(1)), True, "x above 1")),
    outcomes=(Outcome(Is("result", True), code("yes"), "yes"),),
)
X = {"x": {"quantity": [2, "1"]}, "y": {"flag": False}}


class Writer(Protocol):
    """Writes a file of cases."""

    def __call__(self, *cases: object, **top: object) -> Path: ...


@pytest.fixture
def write(tmp_path: Path) -> Writer:
    def write(*cases: object, **top: object) -> Path:
        path = tmp_path / "cases.json"
        path.write_text(json.dumps({"source": "A book, 2026", "cases": list(cases), **top}))
        return path

    return write


def case(**fields: Any) -> dict[str, Any]:
    return {"name": "one", "inputs": X, "expect": {"flag": True}, **fields}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"module": "rule", "at": "2026-06-30T00:00:00+00:00"},
        {"interpretation": "yes", "no_issues": ["undecided"]},
        {"inputs": {"x": X["x"]}, "expect": {"absent": "INPUT_ABSENT", "bounds": None}, "issues": ["undecided"]},
        {"inputs": {**X, "y": {"flag": True}}, "expect": {"flag": False}, "interpretation": None},
    ],
)
def test_cases_that_hold(write: Writer, fields: dict[str, Any]) -> None:
    assert run_cases([RULE], write(case(**fields))) == []


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"expect": {"flag": False}}, "expected False, got True"),
        ({"expect": {"value": 1}}, "expected 1 within 0, got True"),
        ({"expect": {"code": "a"}}, "expected the code a, got True"),
        ({"expect": {"date": ["2026-01-01", "2026-01-01"]}}, "got True"),
        ({"expect": {"absent": "STALE"}}, "expected to be absent, STALE"),
        ({"expect": {"absent": "GONE"}}, "expect: 'GONE' is not a valid AbsentReason"),
        ({"expect": {"flag": True, "bounds": [1, 2]}}, "expected bounds"),
        ({"expect": {}}, "expect needs one of"),
        ({"expect": {"flag": True, "code": "a"}}, "expect needs one of"),
        ({"expect": {"flag": True, "interpretation": "yes"}}, "interpretation cannot be expected"),
        ({"issues": ["caution"]}, "expected an issue caution"),
        (
            {"no_issues": ["undecided"], "inputs": {}, "expect": {"absent": "INPUT_ABSENT"}},
            "unexpected issue undecided",
        ),
        ({"interpretation": "no"}, "expected the interpretation no, got yes"),
        ({"inputs": {"z": {"flag": True}}}, "there is no slot z"),
        ({"inputs": {"x": {"quantity": [2, "mg"]}}}, "slot x is not given in 1"),
        ({"inputs": {"x": {"number": 2}}}, "input x: must have one of"),
        ({"inputs": {"y": {"flag": "true"}}}, "input y: a flag is true or false"),
        ({"module": "other"}, "names no module of this folder"),
        ({"at": "2026-06-30T00:00:00"}, "a time without a zone"),
        ({"expected": 1}, "expected is not known"),
        ({"expect": {"value": "23.4"}}, "expect: value is not a number"),
        ({"expect": {"flag": True, "tolerance": "a"}}, "expect: tolerance is not a number"),
        ({"expect": {"flag": True, "bounds": [1]}}, "expect: bounds is not two numbers, or null"),
        ({"issues": None}, "issues is not a list of codes"),
        ({"no_issues": [1]}, "no_issues is not a list of codes"),
    ],
)
def test_faults_are_found(write: Writer, fields: dict[str, Any], fault: str) -> None:
    faults = run_cases([RULE], write(case(**fields)))
    assert len(faults) == 1
    assert fault in faults[0]


def test_numbers_are_compared_within_the_tolerance(write: Writer, tmp_path: Path) -> None:
    (tmp_path / "evaluate.py").write_text(
        "from decimal import Decimal\n"
        "from ontology.evaluation import Evaluation, Interval, Working\n"
        "from ontology.values import Quantity\n"
        "def evaluate(x: Decimal) -> Evaluation:\n"
        "    return Evaluation(Quantity(x / 3, '1'), Working(''), bounds=Interval(x, x, '1', ''))\n"
    )
    third = make_description(Kind.EQUATION, produces=make_concept(), slots=(make_slot("x"),), folder=tmp_path)

    def faults(**expect: object) -> list[str]:
        return run_cases([third], write({"name": "third", "inputs": {"x": {"quantity": [1, "1"]}}, "expect": expect}))

    assert faults(value=0.33, tolerance=0.01, bounds=[1, 1]) == []
    assert "expected 0.33 within 0.001" in faults(value=0.33, tolerance=0.001)[0]
    assert "expected bounds 1 to 2" in faults(value=0.33, tolerance=0.01, bounds=[1, 2])[0]


def test_a_file_needs_a_source_and_cases_of_different_names(write: Writer, tmp_path: Path) -> None:
    assert "needs a source" in run_cases([RULE], write(case(), source=""))[0]
    assert "needs a source" in run_cases([RULE], write())[0]
    assert "two cases have one name" in run_cases([RULE], write(case(), case()))[0]
    assert "cannot be read" in run_cases([RULE], tmp_path / "none.json")[0]
    (tmp_path / "broken.json").write_text("{")
    assert "cannot be read" in run_cases([RULE], tmp_path / "broken.json")[0]


def test_each_module_of_a_folder_is_named_and_has_a_case(write: Writer) -> None:
    other = make_description(id="other", slots=RULE.slots, produces=RULE.produces, cases=RULE.cases)
    assert "must name one of" in run_cases([RULE, other], write(case()))[0]
    [fault] = run_cases([RULE, other], write(case(module="rule")))
    assert "module other has no case" in fault


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ({"quantity": [Decimal("1.10"), "mg/dL"]}, Quantity(Decimal("1.10"), "mg/dL")),
        ({"bound": ["<", 5, "mg/g"]}, Bound("<", Decimal(5), "mg/g")),
        ({"code": [SYSTEM, "a"]}, Coding(SYSTEM, "a")),
        ({"flag": False}, False),
        ({"date": ["1950-01-01", "1950-12-31"]}, Date(datetime(1950, 1, 1).date(), datetime(1950, 12, 31).date())),
        (
            {"series": {"unit": "mg/dL", "points": [["2024-01-01T00:00:00+00:00", 1]]}},
            Series(((datetime(2024, 1, 1, tzinfo=UTC), Decimal(1)),), "mg/dL"),
        ),
        ({"absent": "STALE"}, Absent(AbsentReason.STALE)),
    ],
)
def test_inputs_are_read(written: Any, value: Value) -> None:
    assert read_input("x", written).value == value


def test_bounds_of_an_absent_input_are_read() -> None:
    bounds = read_input("x", {"absent": "INPUT_ABSENT", "bounds": [1, 4, "mg/dL"]}).bounds
    assert bounds is not None
    assert (bounds.low, bounds.high, bounds.unit) == (1, 4, "mg/dL")


@pytest.mark.parametrize(
    "written",
    [
        1,
        {},
        {"flag": True, "absent": "STALE"},
        {"quantity": [1]},
        {"bound": ["~", 1, "mg"]},
        {"absent": "GONE"},
        {"date": ["1950", "1950"]},
        {"series": {"unit": "1", "points": [["2024-01-01T00:00:00", 1]]}},
        {"series": {"unit": "1", "points": [["2024-01-02T00:00:00Z", 1], ["2024-01-01T00:00:00Z", 1]]}},
    ],
)
def test_inputs_that_cannot_be_read(written: Any) -> None:
    with pytest.raises(CaseError):
        read_input("x", written)


def test_numbers_are_read_exactly(write: Writer) -> None:
    path = write(case(inputs={"x": {"quantity": [0.1, "1"]}}))
    assert read_cases(path)[0].inputs["x"]["quantity"][0] == Decimal("0.1")
