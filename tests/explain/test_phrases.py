"""Why an input is empty: what its own issues tell of it, and what its slot tells."""

import ast
from dataclasses import replace

import pytest

from ontology.concepts import Concept, Origin, ValueType
from ontology.evaluation import Issue, Severity
from ontology.slots import Select, Slot
from ontology.values import Absent, AbsentReason
from ontology.words.lists import is_short
from server.catalog.catalog import ROOT
from server.executor.trace import BoundInput
from server.explain.phrases import SHORT_TEXTS, describe_absence, short_text, with_short_texts
from tests.support.engine_questions import shipped

STATIN: Concept = shipped().concepts["statin"]
ENDED = replace(STATIN, origin=Origin.OBSERVATION)


@pytest.mark.parametrize(
    ("concept", "reason", "words"),
    [
        (STATIN, AbsentReason.STALE, "recorded long ago; whether it continues is unknown"),
        (STATIN, AbsentReason.NOT_FOUND, "not documented (absence not assumed)"),
        (STATIN, AbsentReason.UNCONVERTIBLE, "recorded, but unclear for this time"),
        (ENDED, AbsentReason.STALE, "too old"),
    ],
)
def test_words(concept: Concept, reason: AbsentReason, words: str) -> None:
    assert STATIN.value_type is ValueType.FLAG
    assert describe_absence(BoundInput(Slot("input", concept, Select.ANY, True), Absent(reason))) == words


@pytest.mark.parametrize(
    ("code", "reason", "words"),
    [
        ("negated", AbsentReason.NOT_FOUND, "recorded as absent, not confirmed by a complete list"),
        ("not-within", AbsentReason.STALE, "not measured together with the others"),
        ("over", AbsentReason.NOT_FOUND, "not documented (absence not assumed)"),
    ],
)
def test_the_issues_of_an_input_tell_why_it_is_empty(code: str, reason: AbsentReason, words: str) -> None:
    issue = Issue(Severity.INFORMATION, code, "Recorded as refuted: Condition/1.", "input")
    given = BoundInput(Slot("input", STATIN, Select.ANY, True), Absent(reason), issues=(issue,))
    assert describe_absence(given) == words
    assert describe_absence(replace(given, assumed=True)) == "assumed missing"


def test_what_is_not_absent_has_no_reason() -> None:
    with pytest.raises(ValueError, match="not absent"):
        describe_absence(BoundInput(Slot("input", STATIN, Select.ANY, True), True))


def codes_raised(*folders: str) -> set[str]:
    """The codes of all issues that the sources raise, where they are written out."""
    found = set()
    for path in (each for folder in folders for each in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Name(id="Issue" | "slot_issue" | "issue_per_fact"),
                    args=[_, ast.Constant(value=str(code)), *_],
                ):
                    found.add(code)
    return found


# Worded from what they name: the grounds of the module, the criterion that scores, the note of the record.
COMPOSED = {
    *("caution", "not-applicable", "applicability-unknown", "single-parameter", "not-attributed", "record-note"),
    # The results between which a rule is not decided.
    "undecided",
}


def test_every_code_of_server_and_collectors_has_a_short_text() -> None:
    codes = codes_raised("server", "collectors")
    absences = {reason.value.lower().replace("_", "-") for reason in AbsentReason}
    assert len(codes) > 40
    assert (codes | absences) - COMPOSED <= set(SHORT_TEXTS)


@pytest.mark.parametrize("code", sorted(SHORT_TEXTS))
def test_a_short_text_has_at_most_twelve_words_whatever_it_names(code: str) -> None:
    issue = Issue(Severity.WARNING, code, "A long text about what it is. " * 5, "slot")
    for concept in shipped().concepts.values():
        told = short_text(issue, concept.display)
        assert is_short(told) and told.strip() == told, told
    alone = short_text(replace(issue, slot=None))
    assert alone and "{" not in alone


def test_every_ground_and_remark_of_every_module_has_a_short_text() -> None:
    """A label of more than twelve words declares its short text (mpm:short): none is cut in the middle."""
    for module in shipped().modules.values():
        for text, short in (
            *((ground.text, ground.short) for ground in module.applicability),
            *((remark.text, remark.short) for remark in module.remarks),
        ):
            assert is_short(short or text), f"{module.id}: {text}"


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("There is no creatinine in the last 7 days.", "There is no creatinine in the last 7 days"),
        ("one two three four five six seven eight nine ten eleven twelve", None),
        ("No value: " + "word " * 12, "No value"),
        ("It is so; and " + "word " * 12, "It is so"),
        ("one two, three four " + "word " * 12, "one two"),
        ("word " * 13, "word word word word word word word word word word word…"),
    ],
)
def test_a_long_text_is_shortened_at_a_clause(text: str, short: str | None) -> None:
    (told,) = with_short_texts([Issue(Severity.WARNING, "code-of-a-module", text)])
    assert told.short == (short or text)


def test_a_short_text_that_is_declared_is_kept() -> None:
    issue = Issue(Severity.WARNING, "stale", "text", "slot", short="declared")
    assert with_short_texts([issue, issue]) == (issue,)
    assert short_text(issue, "Name") == "declared"
