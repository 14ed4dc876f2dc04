"""Files of exported arguments, verified: all of every patient in both forms, and what only the seal can see."""

import re
from collections.abc import Callable
from decimal import Decimal
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ontology.values import Quantity
from server.errors import ArgumentFileError
from server.executor.cache.encryption import Keyring
from server.explain.prov import argument_graph, serialize_graphs
from server.explain.prov.graph import Graph
from server.explain.prov.read_export import read_export
from server.explain.prov.seal import SealCheck, check_seal
from server.explain.prov.serialize import Form
from server.verify.report import RECORDS_TEXT, SEAL_TEXTS, printable, report_lines, report_object
from server.verify.verify import SealState, Verification, verify_file
from tests.support.engine_questions import shipped
from tests.support.synthetic_answers import (
    KEYS,
    NEWS2,
    RISK,
    current_environment,
    findings_text,
    synthetic_answers,
    synthetic_charts,
    what_if_answer,
)

FORMS: tuple[Form, ...] = ("turtle", "json-ld")
NOBODY = Keyring.from_secret(None)


def verified(text: str, form: str = "turtle", keys: Keyring = KEYS) -> Verification:
    return verify_file(text, form, shipped(), current_environment(), keys)


@cache
def argument_of(patient: str, concept: str) -> Graph:
    return argument_graph(synthetic_answers()[patient, concept])


@cache
def exported(patient: str, form: Form = "turtle", *of: str) -> str:
    """All answers about a patient in one file, or those named."""
    told = [concept for name, concept in synthetic_answers() if name == patient and (not of or concept in of)]
    return serialize_graphs([argument_of(patient, concept) for concept in told], form)


@pytest.mark.parametrize("patient", sorted(synthetic_charts()))
def test_all_of_a_patient_verifies_from_one_file_in_either_form(patient: str) -> None:
    turtle, json_ld = exported(patient), exported(patient, "json-ld")
    found = verified(turtle)
    assert len(found.answers) == len({concept for name, concept in synthetic_answers() if name == patient})
    assert found.matches, [findings_text(answer) for answer in found.answers]
    assert found.seal is SealState.VALID
    # The same is read from the other form, and so comes out the same.
    assert read_export(json_ld, "json-ld") == tuple(answer.exported for answer in found.answers)
    assert check_seal(json_ld, "json-ld", KEYS.argument) is SealCheck.VALID


@pytest.mark.parametrize("form", FORMS)
def test_a_what_if_verifies(form: Form) -> None:
    result = what_if_answer(
        "ckd-progressing", RISK, {"egfr": Quantity(Decimal(28), "mL/min/{1.73_m2}"), "north-america": True}
    )
    found = verified(serialize_graphs([argument_graph(result)], form), form)
    assert found.matches and found.seal is SealState.VALID, [findings_text(answer) for answer in found.answers]


def test_without_a_key_the_seal_is_not_looked_at_and_that_is_told() -> None:
    found = verified(exported("healthy", "turtle", "egfr"), keys=NOBODY)
    assert found.matches and found.seal is SealState.NO_KEY
    told = "\n".join(report_lines(found))
    assert "forged file with recomputed digests cannot be detected" in told
    assert "All the same." in told and RECORDS_TEXT in told and "(not checked)" in told


def test_another_key_is_told() -> None:
    found = verified(exported("healthy", "turtle", "egfr"), keys=Keyring.from_secret(bytes(32)))
    assert not found.matches and found.seal is SealState.BROKEN
    assert all(finding.kind.value == "key" for answer in found.answers for finding in answer.all_findings())
    assert "differs, and gives the same value here" in "\n".join(report_lines(found))


def test_a_seal_taken_away_is_told_where_there_is_a_key() -> None:
    text = re.sub(r"\s+mpm:seal \"[0-9a-f]+\" ;", "", exported("healthy", "turtle", "egfr"))
    assert "mpm:seal" not in text
    assert verified(text).seal is SealState.REMOVED and not verified(text).matches
    assert verified(text, keys=NOBODY).seal is SealState.NONE
    assert SEAL_TEXTS[SealState.REMOVED] in "\n".join(report_lines(verified(text)))


ONLY_SEALED: dict[str, Callable[[str], str]] = {
    "another record": lambda text: text.replace("/Observation/", "/Observation/other-"),
    "another sentence": lambda text: text.replace("Risk of kidney failure within", "No risk of kidney failure within"),
    "another patient": lambda text: text.replace("Patient/ckd-progressing", "Patient/healthy"),
    "a statement more": lambda text: f"{text}\n<https://other.example/> <https://other.example/says> 1 .\n",
}


@pytest.mark.parametrize("name", ONLY_SEALED)
def test_only_the_seal_sees_it(name: str) -> None:
    whole = exported("ckd-progressing", "turtle", RISK)
    text = ONLY_SEALED[name](whole)
    assert text != whole
    assert verified(text, keys=NOBODY).matches
    found = verified(text)
    assert found.seal is SealState.BROKEN and not found.matches
    assert "not in order" in "\n".join(report_lines(found))


def refused_or_differs(text: str, keys: Keyring) -> bool:
    try:
        return not verified(text, keys=keys).matches
    except ArgumentFileError:
        return True


@settings(deadline=None, max_examples=25)
@given(st.data())
def test_with_the_key_no_digit_of_a_file_can_be_changed(data: st.DataObject) -> None:
    text = exported(
        *data.draw(st.sampled_from([("ckd-progressing", "turtle", RISK), ("sepsis-ward", "turtle", NEWS2)]))
    )
    body = text.index("\n\n")
    places = [match.start() for match in re.finditer(r"\d", text) if match.start() > body]
    place = data.draw(st.sampled_from(places))
    digit = data.draw(st.sampled_from([each for each in "0123456789" if each != text[place]]))
    assert refused_or_differs(f"{text[:place]}{digit}{text[place + 1 :]}", KEYS)


def test_a_removed_step_is_named() -> None:
    text = exported("ckd-progressing", "turtle", RISK)
    with pytest.raises(ArgumentFileError, match="missing"):
        verified(re.sub(r"\n\S+:step-0 a .*?\.\n\n", "\n", text, flags=re.DOTALL))


def test_it_is_told_as_json_too() -> None:
    told = report_object(verified(exported("ckd-progressing", "turtle", RISK)))
    (answer,) = told["answers"]
    assert told["same"] and told["seal"]["state"] == "fits" and answer["same"]
    assert [step["value"] == step["here"] for step in answer["steps"]] == [True] * len(answer["steps"])
    changed = re.sub(
        r'"43\.6|\b43\.6', lambda m: m[0].replace("4", "1", 1), exported("ckd-progressing", "turtle", RISK)
    )
    other = report_object(verified(changed, keys=NOBODY))
    assert not other["same"] and other["seal"]["state"] == "not-checked"


def test_nothing_that_a_terminal_obeys_is_printed() -> None:
    assert printable("a\x1b[2Jb\u202ec") == "a\N{REPLACEMENT CHARACTER}[2Jb\N{REPLACEMENT CHARACTER}c"
