"""Sentences for clinicians are short and plain: those of issues and absences, about every synthetic patient.

A sentence has at most 20 words; a quoted text, a record with its time, a number with its unit, and a list
count as one each.  The texts of modules are their descriptions' own, and are read where these are tested.
"""

import asyncio
import json
import re
from collections.abc import Iterator
from datetime import datetime
from functools import cache

import pytest

from collectors.supplied_records import from_records
from fixtures.make_patients import INDEX, PATIENTS
from ontology.evaluation import Issue, Severity
from ontology.words.values import is_marked
from server.executor.engine import Engine
from server.executor.question import Question
from server.explain.explain import explain
from server.explain.phrases import SHORT_TEXTS, joined_texts
from server.explain.results import AnswerResult
from server.settings import Settings
from tests.support.engine_questions import shipped

OF = ("egfr", "kidney-failure-risk-5y", "cha2ds2-vasc", "news2", "prevent-10y-ascvd", "statin", "serum-creatinine")
PEOPLE = {each["id"]: each for each in json.loads((PATIENTS / INDEX).read_text(encoding="utf-8"))}
MOST = 20
BANNED = re.compile(
    r"told above|which is not a no|not a no\b|\bas told\b|stand so|\bhad\b|\breckon|\bminded\b|\bsettled?\b"
    r"|does not mean that it is not so|taken as no\b|could not be excluded|Does not hold|To be read with caution"
    r"|not used here as|\.\.|\btell\b",
    re.IGNORECASE,
)
CODES = frozenset({*SHORT_TEXTS, "applicability-unknown"}) - {
    # Sentences of modules, with a text of their own.
    *("no-case", "undetermined", "partial-birth-date", "disagrees-with-recorded", "sex-undetermined"),
    # A table in one line: each combination of what is missing, with its result.
    "combinations",
}
LONG: dict[str, str] = {
    "the unit is none of those read for": "what the record says, and what is wrong with it",
    "people with tablets for diabetes were left out": "a reason that a module gives",
}
"""Parts of sentences that may be longer, each with the reason."""

_QUOTED = re.compile(r'"[^"]*"')
_RECORD = re.compile(r"\b[A-Z]\w+/[\w.#-]+(?: of [\d-]{4,10}(?: [\d:]+ \S+)?)?(?: \([^)]*\))?")
_NUMBER = re.compile(r"[<>]?\d[\d.,]*(?: to \d[\d.]*)? ?(?:[µm]?[a-zA-Z]+/[\w./²³ ]*m²|[µm]?[\w²]+/[\w²]+|mmHg|%|°C)?")
_SENTENCE_END = re.compile(r"(?<=[a-z)%\"])\.(?:\s+|$)")
_LIST = re.compile(r"(?:[^,;:]+[,;] )+[^,;:]+")


def sentences(text: str) -> Iterator[str]:
    yield from (each for each in _SENTENCE_END.split(_QUOTED.sub("Q", text)) if each)


def words(sentence: str) -> int:
    """How many words a sentence has, where a list of named things after or before a colon counts as one."""
    counted = _NUMBER.sub("N", _RECORD.sub("R", sentence))
    return sum(
        1 if _LIST.fullmatch(part) and len(part.split()) > MOST // 2 else len(part.split())
        for part in counted.split(": ")
    )


@cache
def answers(person: str) -> tuple[AnswerResult, ...]:
    async def ask() -> tuple[AnswerResult, ...]:
        entry, types = PEOPLE[person], {each.resource_type for each in shipped().collectors.values()}
        settings = Settings.model_validate({"cache": {"enabled": False}, "server": {"deadline": 300}})
        engine = await Engine.open(settings, shipped())
        try:
            supplied = from_records((PATIENTS / entry["file"]).read_bytes(), tuple(sorted(types)), person)
            question = Question(person, OF, datetime.fromisoformat(entry["at"]))
            return explain(await engine.ask(question, supplied))
        finally:
            await engine.close()

    return asyncio.run(ask())


def shown(person: str) -> Iterator[str]:
    """The texts of issues and absences, each with what it is about, as every form shows them."""
    for result in answers(person):
        yield from (issue.text for issue in result.issues if issue.code in CODES)
        for ground in (each for step in result.chain for each in step.grounds):
            yield from [ground.absence_reason] if ground.absence_reason else []


@pytest.mark.parametrize("person", PEOPLE)
def test_a_sentence_is_short_and_plain(person: str) -> None:
    faults = []
    for text in dict.fromkeys(shown(person)):
        if (found := BANNED.search(text)) is not None:
            faults.append(f"{found[0]!r}: {text}")
        faults += [
            f"{words(each)} words: {each}"
            for each in sentences(text)
            if words(each) > MOST and not any(part in each for part in LONG)
        ]
    assert faults == []


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("No serum creatinine in the last 90 days", 7),
        ("Dialysis, kidney transplant: not documented", 5),
        ("Conflicting values: Observation/a-1 of 2026-06-30 11:00 UTC says 18 /min", 5),
        ("estimated GFR 48.4 mL/min/1.73 m²", 3),
        ("Recorded as ended: A b c d e, f g h i j, k l m n o", 4),
    ],
)
def test_what_counts_as_a_word(text: str, count: int) -> None:
    assert words(text) == count


def test_what_was_not_found_is_one_sentence() -> None:
    """The list of issues keeps each with its input; where it is read as text, they are one sentence."""
    checked = 0
    for result in (each for person in PEOPLE for each in answers(person)):
        texts = joined_texts(result)
        unrecorded = [issue for issue in result.issues if issue.code == "not-recorded"]
        assert sum(text.startswith("No record of ") and "rule" in text for text in texts) == bool(unrecorded)
        names = [issue.text.removeprefix("No record of ").partition(";")[0] for issue in unrecorded]
        assert all(any(name in text for text in texts) for name in names)
        assert len({text for text in texts if text.startswith("No record of ")}) <= 2
        checked += len(unrecorded) > 1
        # Nothing else is lost.
        others = {issue.text for issue in result.issues if issue.code not in ("not-found", "not-recorded")}
        assert {text for text in others if not text.startswith("No record of ")} <= set(texts)
    assert checked


def test_a_severe_issue_stays_a_sentence_of_its_own() -> None:
    issue = Issue(Severity.ERROR, "failed", "The module egfr 1.0.0 failed; there is no result.")
    assert BANNED.search(issue.text) is None and words(issue.text) <= MOST


@pytest.mark.parametrize("person", PEOPLE)
def test_no_text_has_a_number_or_a_day_that_is_not_rendered(person: str) -> None:
    for result in answers(person):
        for step in result.chain:
            texts = (step.warrant, step.claim, step.qualifier or "", *step.rebuttals, *step.notes)
            assert not any(map(is_marked, texts)), step.module.id
        assert not any(is_marked(issue.text) or is_marked(issue.short or "") for issue in result.issues)
        assert not is_marked(result.text)
