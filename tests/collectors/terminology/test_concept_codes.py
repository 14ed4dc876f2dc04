"""Concepts as a source's maps have them, and with their value sets filled in."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from collectors.reading.codes import CodeIndex, Translation, deciding_systems
from collectors.reading.fhir_types import CodeableConcept
from collectors.reading.fhir_types import Coding as Written
from collectors.terminology.concept_codes import add_local_codes, fill_value_sets, value_sets_of, with_rivals
from collectors.terminology.concept_map import combine_maps
from collectors.terminology.files import TerminologyFiles
from ontology.concepts import AcceptedCode, AcceptedValueSet, Answer, Concept, Origin, ValueType
from ontology.values import Coding
from tests.support.fake_terminology import LOCAL, LOINC, SCT, concept_map, encode_json, group

ICD = "http://hl7.org/fhir/sid/icd-10-cm"


def concept(*accepted: AcceptedCode, **elements: Any) -> Concept:
    return Concept("urn:c", "thing", "Thing", Origin.CONDITION, ValueType.FLAG, accepted=accepted, **elements)


def accepts(code: str, system: str = LOINC, **elements: Any) -> AcceptedCode:
    return AcceptedCode(Coding(system, code), **elements)


def maps(*resources: Any) -> Translation:
    files = TerminologyFiles()
    for position, resource in enumerate(resources):
        files.add(f"{position}.json", encode_json(resource))
    made, faults = combine_maps(files.maps)
    assert not files.faults + faults
    return made


def found(made: Concept, system: str, code: str) -> AcceptedCode | None:
    hits = CodeIndex([made]).find(CodeableConcept([Written(system, code)]))
    return hits[0][1] if hits else None


def test_a_local_code_is_found_and_told() -> None:
    made = add_local_codes(
        concept(accepts("2160-0", caution="with care", rank=2), accepts("9-9")),
        maps(concept_map(group(("CREA", "2160-0", "equal"), ("X", "2160-0", "narrower")))),
    )
    hit = found(made, LOCAL, "CREA")
    assert hit is not None and hit.rank == 2 and hit.translated
    assert hit.caution is not None
    assert hit.caution.startswith(
        f"with care; the local code CREA of {LOCAL} was read as 2160-0 of {LOINC}, by ConceptMap"
    )
    assert found(made, LOCAL, "X") is None
    assert found(made, LOINC, "2160-0") == accepts("2160-0", caution="with care", rank=2)


def test_a_local_system_decides_nothing() -> None:
    made = add_local_codes(concept(accepts("2160-0")), maps(concept_map(group(("CREA", "2160-0", "equal")))))
    assert deciding_systems(made) == {LOINC}


@pytest.mark.parametrize(
    ("code", "systems"),
    [("A", {LOCAL, LOINC}), ("W", {LOCAL}), ("N", {LOCAL}), ("unlisted", {LOCAL})],
)
def test_systems_of_an_entry(code: str, systems: set[str]) -> None:
    made = maps(concept_map(group(("A", "1", "equal"), ("W", "2", "wider"), ("N", "3", "narrower"))))
    assert {system for system, _ in made.equivalent_codes([(LOCAL, code)])} == systems


def test_a_whole_system_of_the_same_codes() -> None:
    made = add_local_codes(
        concept(accepts("I48*", ICD), accepts("I49.9", ICD)),
        maps(
            concept_map(
                group(
                    ("I4800", "I10", "equal"),
                    ("I48X", None, "unmatched"),
                    ("OLD", "I48.0", "equal"),
                    target=ICD,
                    unmapped={"mode": "provided"},
                )
            )
        ),
    )
    told = {
        code: hit.caution for code in ("I480", "i48.91", "I499", "I49.9", "OLD") if (hit := found(made, LOCAL, code))
    }
    assert set(told) == {"I480", "i48.91", "I499", "I49.9", "OLD"}
    assert told["I480"] == (
        f"a code of {LOCAL} was read as the same of {ICD}, by ConceptMap https://lab.example/ConceptMap/codes|1"
    )
    assert [found(made, LOCAL, code) for code in ("I4800", "I48X", "I47")] == [None, None, None]


def test_icd_codes_are_the_same_without_their_dot() -> None:
    made = concept(accepts("I48.9", ICD), accepts("I11", "urn:mine"))
    assert found(made, ICD, "I489") is not None
    assert found(made, ICD, "I48.91") is None
    assert found(made, "urn:mine", "I1.1") is None


def test_a_map_may_write_icd_codes_without_their_dot() -> None:
    one = concept(accepts("I48.9", ICD), accepts("Z86.79", ICD))
    made = add_local_codes(one, maps(concept_map(group(("AF", "I489", "equal"), target=ICD))))
    assert found(made, LOCAL, "AF") is not None
    whole = concept_map(group(("X", "X", "equal"), target=ICD, unmapped={"mode": "provided"}))
    made = add_local_codes(one, maps(whole))
    assert [code for code in ("Z86.79", "Z8679", "Z867") if found(made, LOCAL, code)] == ["Z86.79", "Z8679"]


def test_answers_and_panels() -> None:
    yes, no = Coding(SCT, "373066001"), Coding(SCT, "373067005")
    made = add_local_codes(
        concept(
            accepts("1-1"),
            panels=(Coding(LOINC, "85354-9"), Coding(LOINC, "3-3")),
            answers=(Answer(Coding(LOINC, "LA33-6"), True), Answer(yes, True), Answer(no, False)),
        ),
        maps(
            concept_map(
                group(("Y", "LA33-6", "equal"), ("BP", "85354-9", "equal"), ("PART", "3-3", "wider")),
                group(("N", no.code, "equal"), ("B", yes.code, "wider"), ("B", no.code, "wider"), target=SCT),
            )
        ),
    )
    local = {answer.recorded.code: answer.means for answer in made.answers if answer.recorded.system == LOCAL}
    assert local == {"Y": True, "N": False}
    assert all(answer.note for answer in made.answers if answer.recorded.system == LOCAL)
    assert {panel.code for panel in made.panels} == {"85354-9", "3-3", "BP"}


def test_no_maps_no_change() -> None:
    one = concept(accepts("1-1"))
    assert add_local_codes(one, Translation()) is one


SET, LIMIT = "urn:v:set", "urn:v:limit"


def codes(made: Concept) -> list[str]:
    return [each.coding.code for each in made.accepted]


def test_sets_are_filled_in() -> None:
    one = concept(
        accepts("a", caution="own"), accepted_sets=(AcceptedValueSet(SET, caution="by set", rank=1, ever=True),)
    )
    made = fill_value_sets(one, {SET: {(LOINC, "a"): "A", (LOINC, "b"): "B"}})
    assert made.accepted == (
        accepts("a", caution="own"),
        AcceptedCode(Coding(LOINC, "b", "B"), caution="by set", rank=1, ever=True, of_set=True),
    )
    assert not value_sets_of(made)
    assert value_sets_of(one) == (SET,)


@pytest.mark.parametrize(
    ("sets", "accepted", "left"),
    [
        ({}, ["a"], (SET, LIMIT)),
        # A limit waits for all that is accepted.
        ({LIMIT: {(LOINC, "b"): None}}, ["a"], (SET, LIMIT)),
        ({SET: {(LOINC, "b"): None}}, ["a", "b"], (LIMIT,)),
        ({SET: {(LOINC, "b"): None}, LIMIT: {(LOINC, "b"): None, (LOINC, "z"): None}}, ["b"], ()),
    ],
)
def test_what_is_left_open(sets: dict[str, Any], accepted: list[str], left: tuple[str, ...]) -> None:
    made = fill_value_sets(concept(accepts("a"), accepted_sets=(AcceptedValueSet(SET),), only_in=LIMIT), sets)
    assert codes(made) == accepted
    assert value_sets_of(made) == left


def test_a_limit_meets_codes_that_end_in_a_star() -> None:
    one = concept(accepts("I48*", ICD, rank=1), accepts("I48.0*", ICD), accepts("I50", ICD), only_in=LIMIT)
    made = fill_value_sets(
        one, {LIMIT: dict.fromkeys([(ICD, "I48.0"), (ICD, "I481"), (ICD, "I50.1"), (LOINC, "I48.2")])}
    )
    assert [(each.coding.code, each.rank) for each in made.accepted] == [("I48.0", 0), ("I481", 1)]
    assert found(made, ICD, "I480") is not None
    assert found(made, ICD, "I48.2") is None


def test_the_rest_of_a_concept_stays() -> None:
    one = concept(accepts("a"), unit="mg/dL", molar_mass=Decimal(1), accepted_sets=(AcceptedValueSet(SET),))
    made = fill_value_sets(one, {SET: {(LOINC, "b"): None}})
    assert (made.id, made.unit, made.molar_mass) == (one.id, one.unit, one.molar_mass)


def measured(name: str, *codes: str, panels: tuple[str, ...] = (), **elements: Any) -> Concept:
    made = concept(*(accepts(code) for code in codes), panels=tuple(Coding(LOINC, code) for code in panels))
    return replace(
        made, id=name, display=name, origin=Origin.OBSERVATION, value_type=ValueType.QUANTITY, unit="1", **elements
    )


@pytest.mark.parametrize(
    ("others", "rivals"),
    [
        ((measured("urine", "2-2", "3-3"),), {"2-2": "urine", "3-3": "urine"}),
        # A code in common: the two are no two things that exclude each other.
        ((measured("broader", "1-1", "2-2"),), {}),
        ((measured("broader", "1-1", "2-2"), measured("urine", "2-2")), {"2-2": "urine"}),
        # What holds it as a component is no rival.
        ((measured("holding", "9-9"),), {}),
        # Only measurements: a flag, a condition, or what is computed takes nothing away.
        ((replace(measured("flag", "2-2"), value_type=ValueType.FLAG),), {}),
        ((replace(measured("condition", "2-2"), origin=Origin.CONDITION),), {}),
        ((replace(measured("computed", "2-2"), origin=Origin.COMPUTED),), {}),
    ],
)
def test_rivals_are_the_codes_of_measurements_without_one_in_common(
    others: tuple[Concept, ...], rivals: dict[str, str]
) -> None:
    own = measured("serum", "1-1", panels=("9-9",))
    made = with_rivals({each.id: each for each in (own, *others)})["serum"]
    assert made.rivals == {(LOINC, code): name for code, name in rivals.items()}
    assert made == own


def test_a_concept_is_recorded_where_its_codes_are() -> None:
    one = concept(accepts("a"), accepts("b", recorded_in=Origin.OBSERVATION), panels=(Coding(LOINC, "p"),))
    assert one.origins == {Origin.CONDITION, Origin.OBSERVATION}
    assert [each.code for each in one.codes_in(Origin.CONDITION)] == ["a", "p"]
    assert [each.code for each in one.codes_in(Origin.OBSERVATION)] == ["b"]
    assert one.codes_in(Origin.PROCEDURE) == ()
