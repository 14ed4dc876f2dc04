"""A warning does not vanish: each form of an answer has every WARNING and ERROR of it, in its own words."""

from typing import Any

import pytest
from rdflib import Graph, Literal

from ontology.evaluation import Severity
from server.explain.fhir import bundle
from server.explain.prov import serialize_result
from server.explain.results import AnswerResult
from server.explain.text import render_argument
from tests.support.charts import condition, creatinine, lab, patient, uacr
from tests.support.engine_questions import Record, open_asker
from tests.support.proof_questions import results_by_concept

FIBRILLATION = "49436004"
OLD, NEW = "2026-03-01T08:00:00Z", "2026-06-20T08:00:00Z"
HOSTILE = 'pain\x1b[31m <b>"x"</b>\u202e & more\nforged'
CHARTS: dict[str, tuple[Record, ...]] = {
    "nothing": (patient(),),
    "gender alone": (patient(), creatinine(1.4, NEW), creatinine(1.3, OLD), uacr(300, OLD)),
    "stepped back": (patient(), creatinine(1.4, OLD), creatinine(1.5, NEW, "g/L", id="c2")),
    "acute": (patient(), creatinine(1.0, OLD), creatinine(2.6, NEW, id="c2"), uacr(300, OLD)),
    "unread": (patient(), condition(FIBRILLATION), condition("X1", "2020-01-01", "https://local.example")),
    "unit, preliminary": (
        patient(),
        lab("8480-6", 120, "mm[Hg]", NEW, "b1", status="preliminary"),
        lab("29463-7", 80, "furlong", NEW, "w1"),
    ),
    "hostile": (
        patient(),
        condition(FIBRILLATION),
        {**condition("X1"), "code": {"text": HOSTILE}},
    ),
}
CONCEPTS = ("egfr", "aki-stage", "kidney-failure-risk-5y", "cha2ds2-vasc", "bmi", "news2", "prevent-10y-total-cvd")


# That an input is missing, and why: the claim names each input with its reason, in words of its own.
MISSING = frozenset({"not-found", "stale", "input-absent", "not-set"})


def warnings(result: AnswerResult) -> set[tuple[str, str]]:
    """Code and text of the issues that must not vanish."""
    graver = (issue for issue in result.issues if issue.severity is not Severity.INFORMATION)
    return {(issue.code, issue.text) for issue in graver if issue.code not in MISSING}


def plain(text: str) -> str:
    """Without the breaks of lines, the case, and the sign that ends a sentence."""
    return " ".join(text.split()).rstrip(".").lower()


def strings(node: Any) -> list[str]:
    if isinstance(node, dict):
        return [each for value in node.values() for each in strings(value)]
    if isinstance(node, list):
        return [each for value in node for each in strings(value)]
    return [node] if isinstance(node, str) else []


@pytest.mark.parametrize("name", CHARTS)
async def test_every_warning_is_in_every_form(name: str) -> None:
    lost, seen = [], 0
    async with open_asker(cache={"enabled": False}) as ask:
        for concept in CONCEPTS:
            result = results_by_concept(await ask(list(CHARTS[name]), concept))[concept]
            graph = Graph().parse(data=serialize_result(result, "turtle"), format="turtle")
            forms = {
                "text": plain(render_argument(result)),
                "FHIR": plain(" ".join(strings(bundle(result)))),
                "PROV": plain(" ".join(str(each) for each in graph.objects() if isinstance(each, Literal))),
            }
            for code, text in sorted(warnings(result)):
                seen += 1
                lost += [(concept, form, code, text) for form, words in forms.items() if plain(text) not in words]
    assert seen
    assert not lost


async def test_words_of_a_record_control_no_terminal() -> None:
    """Of what a record says only what can be printed is in a text: no escape, no reversal, no line of its own."""
    async with open_asker(cache={"enabled": False}) as ask:
        for concept in CONCEPTS:
            result = results_by_concept(await ask(list(CHARTS["hostile"]), concept))[concept]
            text = render_argument(result)
            assert all(each.isprintable() or each == "\n" for each in text)
            assert not [line for line in text.splitlines() if line.startswith("forged")]
