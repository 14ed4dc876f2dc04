"""Includes add up, what one include says must all hold, and what an exclude selects is never in the set."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.terminology.code_set import Codes, DefinitionError, ServerNeededError, TerminologyError, UnknownSetError
from collectors.terminology.resource_elements import Compose
from collectors.terminology.value_set import compose_codes

SYSTEMS = ("urn:s:one", "urn:s:two")
CODES = ("a", "b", "c", "d")
KEYS = [(system, code) for system in SYSTEMS for code in CODES]
NAMES = ("urn:v:one", "urn:v:two")

sets = st.fixed_dictionaries({name: st.sets(st.sampled_from(KEYS)) for name in NAMES})
selections = st.fixed_dictionaries(
    {
        "system": st.sampled_from((None, *SYSTEMS)),
        "listed": st.sets(st.sampled_from(CODES)),
        "sets": st.sets(st.sampled_from(NAMES)),
    }
).filter(lambda each: each["sets"] or (each["system"] is not None and each["listed"]))


def written(selection: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if selection["system"] is not None:
        made["system"] = selection["system"]
        if selection["listed"]:
            made["concept"] = [{"code": code} for code in sorted(selection["listed"])]
    if selection["sets"]:
        made["valueSet"] = sorted(selection["sets"])
    return made


def meant(selection: dict[str, Any], known: dict[str, set[tuple[str, str]]]) -> set[tuple[str, str]]:
    """By definition, over all keys that there are."""
    found = set(KEYS)
    if selection["system"] is not None:
        found = {key for key in found if key[0] == selection["system"]}
        if selection["listed"]:
            found = {key for key in found if key[1] in selection["listed"]}
    for name in selection["sets"]:
        found &= known[name]
    return found


def read(include: list[Any], exclude: list[Any], known: dict[str, set[tuple[str, str]]]) -> Codes:
    compose = msgspec.convert({"include": include, "exclude": exclude}, Compose)
    return compose_codes(compose, lambda name: dict.fromkeys(known[name]))


@given(sets, st.lists(selections, min_size=1, max_size=3), st.lists(selections, max_size=3))
def test_the_algebra(known: dict[str, set[tuple[str, str]]], include: list[Any], exclude: list[Any]) -> None:
    wanted = set().union(*(meant(each, known) for each in include)) - set().union(
        *(meant(each, known) for each in exclude)
    )
    assert set(read([written(each) for each in include], [written(each) for each in exclude], known)) == wanted


@given(sets, st.lists(selections, min_size=1, max_size=4), st.randoms())
def test_order_does_not_matter(known: dict[str, set[tuple[str, str]]], include: list[Any], random: Any) -> None:
    shuffled = random.sample(include, len(include))
    first, second = ([written(each) for each in group] for group in (include, shuffled))
    assert set(read(first, [], known)) == set(read(second, [], known))


@given(sets, selections)
def test_what_is_excluded_as_well_is_not_there(known: dict[str, set[tuple[str, str]]], selection: Any) -> None:
    assert not read([written(selection)], [written(selection)], known)


A = {"system": "urn:s:one", "concept": [{"code": "a", "display": "Alpha"}, {"code": "b"}]}
WHOLE = {"system": "urn:s:one"}


def filtered(property_: str, op: str, value: str) -> dict[str, Any]:
    return {"system": "urn:s:one", "filter": [{"property": property_, "op": op, "value": value}]}


@pytest.mark.parametrize(
    ("include", "exclude", "codes"),
    [
        ([A], [], "ab"),
        ([A], [WHOLE], ""),
        ([A], [{"system": "urn:s:two"}], "ab"),
        ([A], [filtered("code", "=", "a")], "b"),
        ([filtered("code", "in", "a, c")], [], "ac"),
        ([{**filtered("code", "in", "a,c"), "valueSet": ["urn:v:one"]}], [], "a"),
        ([{**WHOLE, "valueSet": ["urn:v:one"]}], [], "ab"),
    ],
)
def test_what_can_be_done_here(include: list[Any], exclude: list[Any], codes: str) -> None:
    known = {"urn:v:one": {("urn:s:one", "a"), ("urn:s:one", "b"), ("urn:s:two", "c")}}
    assert set(read(include, exclude, known)) == {("urn:s:one", code) for code in codes}


def test_displays_are_kept() -> None:
    assert read([A], [], {})["urn:s:one", "a"] == "Alpha"


@pytest.mark.parametrize(
    ("include", "exclude", "kind", "text"),
    [
        ([WHOLE], [], ServerNeededError, "includes all codes of urn:s:one"),
        ([filtered("concept", "is-a", "a")], [], ServerNeededError, "filters urn:s:one by concept is-a"),
        # In SNOMED CT "concept in X" asks for a reference set, not for a list.
        ([filtered("concept", "in", "a")], [], ServerNeededError, "by concept in"),
        ([filtered("code", "regex", "a.*")], [], ServerNeededError, "by code regex"),
        ([A], [filtered("concept", "is-a", "a")], ServerNeededError, "concept is-a"),
        ([A], [{"valueSet": ["urn:v:none"]}], UnknownSetError, "urn:v:none"),
        ([], [], DefinitionError, "no include"),
        ([{}], [], DefinitionError, "neither a system nor a valueSet"),
        ([{"concept": [{"code": "a"}]}], [], DefinitionError, "neither a system"),
        ([{"valueSet": ["urn:v:one"], "concept": [{"code": "a"}]}], [], DefinitionError, "without a system"),
        ([{**A, **filtered("code", "=", "a")}], [], DefinitionError, "both concepts and filters"),
        ([{"system": "urn:s:one", "concept": [{"display": "x"}]}], [], DefinitionError, "no code"),
        ([filtered("code", "=", "a") | {"filter": [{"property": "code"}]}], [], DefinitionError, "lacks its property"),
        ([{"valueSet": ["#inside"]}], [], DefinitionError, "not a canonical"),
    ],
)
def test_what_cannot(include: list[Any], exclude: list[Any], kind: type[TerminologyError], text: str) -> None:
    def lookup(name: str) -> Codes:
        raise UnknownSetError(f"value set {name}: no file defines it")

    compose = msgspec.convert({"include": include, "exclude": exclude}, Compose)
    with pytest.raises(kind, match=text):
        compose_codes(compose, lookup)
