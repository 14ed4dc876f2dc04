"""What a source's local codes may be read as, and what of its maps may not be used."""

from typing import Any

import pytest

from collectors.reading.codes import NO_TRANSLATION, Translation
from collectors.terminology.concept_map import combine_maps
from collectors.terminology.files import TerminologyFiles
from tests.support.fake_terminology import LOCAL, LOINC, SCT, concept_map, encode_json, group


def read(*resources: Any) -> tuple[Translation, list[str]]:
    files = TerminologyFiles()
    for position, resource in enumerate(resources):
        files.add(f"{position}.json", encode_json(resource))
    assert not files.faults
    return combine_maps(files.maps)


def good(*resources: Any) -> Translation:
    made, faults = read(*resources)
    assert not faults
    return made


EQUIVALENCES = {
    "equal": "same",
    "equivalent": "same",
    "wider": "wider",
    "subsumes": "wider",
    "narrower": None,
    "specializes": None,
    "inexact": None,
    "relatedto": None,
    "disjoint": None,
    "unmatched": None,
}


@pytest.mark.parametrize(("equivalence", "outcome"), EQUIVALENCES.items())
def test_equivalences(equivalence: str, outcome: str | None) -> None:
    made = good(concept_map(group(("CREA", "2160-0", equivalence))))
    found = made.translate(LOCAL, "CREA")
    assert [each.key for each in found] == ([(LOINC, "2160-0")] if outcome else [])
    assert all(each.wider == (outcome == "wider") for each in found)
    assert made.refused_counts == ({} if outcome else {equivalence: 1})
    assert made.local_codes([(LOINC, "2160-0")]) == (((LOCAL, "CREA"),) if outcome else ())


def test_it_is_told() -> None:
    made = good(concept_map(group(("CREA", "2160-0", "equivalent"), ("CR24", "2160-0", "wider"))))
    assert made.translate(LOCAL, "CREA")[0].describe((LOCAL, "CREA")) == (
        f"the local code CREA of {LOCAL} was read as 2160-0 of {LOINC}, by ConceptMap https://lab.example/ConceptMap/codes|1"
    )
    assert "which is wider" in made.translate(LOCAL, "CR24")[0].describe((LOCAL, "CR24"))


@pytest.mark.parametrize("element", ["dependsOn", "product"])
def test_a_target_that_holds_only_with_others_is_not_used(element: str) -> None:
    resource = concept_map(group(("CREA", "2160-0", "equal")))
    resource["group"][0]["element"][0]["target"][0][element] = [{"property": "urn:p", "value": "x"}]
    made = good(resource)
    assert made.translate(LOCAL, "CREA") == ()
    assert made.refused_counts == {"conditional": 1}


def test_several_targets() -> None:
    made = good(
        concept_map(
            group(("T", "8310-5", "equivalent"), ("T", "8331-1", "inexact")),
            group(("T", "386725007", "wider"), target=SCT),
        )
    )
    assert [(each.key, each.wider) for each in made.translate(LOCAL, "T")] == [
        ((LOINC, "8310-5"), False),
        ((SCT, "386725007"), True),
    ]
    assert made.local_codes([(SCT, "386725007"), (LOINC, "8310-5")]) == ((LOCAL, "T"),)


def provided(mode: str = "provided", **elements: Any) -> dict[str, Any]:
    return {"unmapped": {"mode": mode, **elements}}


def test_unlisted_codes() -> None:
    made = good(
        concept_map(group(("A", "B", "equal"), ("N", None, "unmatched"), **provided())),
        concept_map(group(("X", "Y", "narrower"), source=LOCAL, target=SCT), url="urn:other"),
    )
    assert [each.key for each in made.translate(LOCAL, "2160-0")] == [(LOINC, "2160-0")]
    assert [each.key for each in made.translate(LOCAL, "A")] == [(LOINC, "B")]
    assert made.translate(LOCAL, "N") == made.translate(LOCAL, "X") == made.translate("urn:elsewhere", "A") == ()
    assert made.local_codes([(LOINC, "2160-0"), (LOINC, "B"), (LOINC, "A"), (LOINC, "N"), (SCT, "1")]) == (
        (LOCAL, "2160-0"),
        (LOCAL, "A"),
        (LOCAL, "B"),
    )


def test_one_code_for_all_that_is_unlisted_says_nothing() -> None:
    made = good(concept_map(group(("A", "B", "equal"), **provided("fixed", code="other"))))
    assert made.translate(LOCAL, "C") == ()
    assert made.refused_counts == {"fixed": 1}
    assert made.local_codes([(LOINC, "other")]) == ()


def test_another_map() -> None:
    other = concept_map(group(("C", "D", "equal")), url="urn:other")
    made = good(concept_map(group(("A", "B", "equal"), **provided("other-map", url="urn:other"))), other)
    assert [each.key for each in made.translate(LOCAL, "C")] == [(LOINC, "D")]


def altered(path: str, value: Any) -> dict[str, Any]:
    resource = concept_map(group(("A", "B", "equal")))
    at: Any = resource["group"][0]
    *way, last = path.split(".")
    for step in way:
        at = at[int(step)] if step.isdecimal() else at[step]
    if value is None:
        del at[last]
    else:
        at[int(last) if last.isdecimal() else last] = value
    return resource


@pytest.mark.parametrize(
    ("resources", "text"),
    [
        ([altered("source", None)], "0.json: a group lacks its source"),
        ([altered("target", None)], "0.json: a group lacks its source or its target"),
        ([altered("element.0.code", None)], "0.json: an element has no code"),
        ([altered("element.0.target.0.code", None)], "0.json: the target of A has no code"),
        ([altered("element.0.target.0.equivalence", None)], "0.json: the target of A has no equivalence"),
        ([altered("element.0.target.0.equivalence", "same")], "0.json: the target of A has an equivalence that R4"),
        (
            [altered("element.0.target.0", {"code": "B", "relationship": "equivalent"})],
            "0.json: it has target.relationship, which is of FHIR R5",
        ),
        ([altered("unmapped", {"mode": "use-source-code"})], "0.json: its group.unmapped.mode is none of"),
        ([altered("unmapped", {"mode": "other-map", "url": "urn:x"})], "0.json: its group.unmapped leads to urn:x"),
        (
            [concept_map(group(("A", "B", "equal"), ("A", "C", "equivalent")))],
            f"0.json: A of {LOCAL} is mapped to C of {LOINC}, and in 0.json to B",
        ),
        (
            [concept_map(group(("A", "B", "equal"))), concept_map(group(("A", "C", "equal")), url="urn:other")],
            f"1.json: A of {LOCAL} is mapped to C of {LOINC}, and in 0.json to B",
        ),
        (
            [concept_map(group(("A", "B", "equal"))), concept_map(group(("A", "B", "disjoint")), url="urn:other")],
            f"1.json: the target B of A of {LOCAL} is disjoint, and equal in 0.json",
        ),
        (
            [concept_map(group(**provided())), concept_map(group(**provided(), target=SCT), url="urn:other")],
            f"1.json: unlisted codes of {LOCAL} are mapped in 0.json, too",
        ),
    ],
)
def test_faults(resources: list[Any], text: str) -> None:
    _, faults = read(*resources)
    assert [fault for fault in faults if fault.startswith(text)], faults


def test_no_maps() -> None:
    assert not NO_TRANSLATION
    assert NO_TRANSLATION.translate(LOINC, "2160-0") == NO_TRANSLATION.local_codes([(LOINC, "2160-0")]) == ()
