"""Records in a source's own codes: searched for, read, told, and never taken for a no that they do not say."""

from dataclasses import replace
from typing import Any

import pytest

from collectors.facts import SlotSelection
from collectors.gatherer import Gatherer
from collectors.terminology.concept_map import combine_maps
from collectors.terminology.files import TerminologyFiles
from collectors.terminology.terminology import Terminology
from ontology.slots import Select, Slot
from ontology.values import Absent, AbsentReason, Coding
from tests.support.collector_inputs import (
    AT,
    CONSCIOUSNESS,
    CREATININE,
    FIBRILLATION,
    ICD10,
    LOINC,
    SNOMED,
    SOURCE,
    codeable_concept,
    condition,
    observation,
    quantity,
    searches,
    slot,
)
from tests.support.fake_terminology import LOCAL, concept_map, encode_json, group
from tests.support.misbehaving_server import MisbehavingServer, bundle, client_of

CODES = concept_map(
    group(("CREA", "2160-0", "equivalent"), ("NEAR", "2160-0", "inexact"), ("LOC", "67775-7", "equal")),
    group(("AF", "49436004", "equal"), ("PAF", "49436004", "wider"), ("SICK", "64572001", "wider"), target=SNOMED),
    group(("FLU", "J10", "equal"), target=ICD10),
    group(("A", "LA9340-6", "equal"), source="urn:local:answers"),
)


def terminology(*maps: Any) -> Terminology:
    files = TerminologyFiles()
    for position, each in enumerate(maps or (CODES,)):
        files.add(f"{position}.json", encode_json(each))
    made, faults = combine_maps(files.maps)
    assert not files.faults + faults
    return Terminology({SOURCE.id: made})


async def filled(
    of: Slot, *records: dict[str, Any], known: Terminology | None = None
) -> tuple[SlotSelection, MisbehavingServer]:
    kinds = {record["resourceType"] for record in records}
    answers = {kind: bundle(*(r for r in records if r["resourceType"] == kind)) for kind in kinds}
    server = MisbehavingServer(**{kind: lambda _, kind=kind: answers[kind] for kind in kinds})
    async with client_of(server) as http:
        gatherer = Gatherer(http, terminology=known or terminology())
        facts = await gatherer.gather(SOURCE, "p", searches(of.concept), AT, 5)
    return facts.select(of, AT, AT), server


def texts(selected: SlotSelection) -> str:
    return "\n".join(issue.text for issue in selected.issues)


async def test_a_local_code_is_asked_for_and_read() -> None:
    selected, server = await filled(slot(), observation(code=codeable_concept("CREA", LOCAL)))
    assert not isinstance(selected.value, Absent)
    (request,) = server.of("Observation")
    assert set(request.query_params["code"].split(",")) == {
        f"{LOINC}|{code}" for code in ("2160-0", "14682-9", "38483-4")
    } | {f"{LOCAL}|CREA"}
    told = f"the local code CREA of {LOCAL} was read as 2160-0 of {LOINC}, by ConceptMap {CODES['url']}|1"
    assert told in texts(selected)
    assert told in selected.resources[0].notes


@pytest.mark.parametrize("code", ["NEAR", "OTHER"])
async def test_a_code_that_is_not_the_same_is_not_read(code: str) -> None:
    selected, server = await filled(slot(), observation(code=codeable_concept(code, LOCAL)))
    assert selected.value == Absent(AbsentReason.NOT_FOUND)
    assert code not in server.of("Observation")[0].query_params["code"]


async def test_a_unit_is_not_guessed_for_a_local_code() -> None:
    record = observation(code=codeable_concept("CREA", LOCAL), valueQuantity=quantity("1.1", None, system=None))
    selected, _ = await filled(slot(), record)
    assert selected.value == Absent(AbsentReason.UNCONVERTIBLE)


async def test_the_standard_code_beside_it_speaks_for_itself() -> None:
    both = {"coding": [{"system": LOCAL, "code": "CREA"}, {"system": LOINC, "code": "2160-0"}]}
    selected, _ = await filled(slot(), observation(code=both))
    first, _ = await filled(slot(), observation())
    assert selected.value == first.value


async def test_an_answer_in_a_local_code() -> None:
    record = observation(
        code=codeable_concept("LOC", LOCAL),
        valueQuantity=None,
        valueCodeableConcept=codeable_concept("A", "urn:local:answers"),
    )
    selected, _ = await filled(slot(CONSCIOUSNESS), record)
    assert selected.value == Coding(SNOMED, "248234008", "alert")
    assert f"the local code A of urn:local:answers was read as LA9340-6 of {LOINC}" in texts(selected)


PRESENCE = slot(FIBRILLATION, Select.ANY, closed_world=True)


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("AF", True),
        ("PAF", True),
        # Said to be another diagnosis, in a system in which fibrillation would be known.
        ("FLU", False),
        # Less is said than was recorded: it may be fibrillation.
        ("SICK", Absent(AbsentReason.UNCONVERTIBLE)),
        ("UNKNOWN", Absent(AbsentReason.UNCONVERTIBLE)),
    ],
)
async def test_a_no_needs_codes_that_are_the_same(code: str, value: object) -> None:
    selected, _ = await filled(PRESENCE, condition(code, LOCAL))
    assert selected.value == value
    assert ("was read as" in texts(selected)) == (value is True)


async def test_without_a_map_nothing_is_known_of_a_local_code() -> None:
    selected, _ = await filled(PRESENCE, condition("AF", LOCAL), known=Terminology())
    assert selected.value == Absent(AbsentReason.UNCONVERTIBLE)


async def test_a_whole_system_of_the_same_codes() -> None:
    known = terminology(concept_map(group(("427", "J10", "equal"), target=ICD10, unmapped={"mode": "provided"})))
    for code, value in (("I4891", True), ("I489", True), ("E119", False), ("427", False)):
        selected, _ = await filled(PRESENCE, condition(code, LOCAL), known=known)
        assert selected.value is value, code
    selected, _ = await filled(PRESENCE, condition("I4891", LOCAL), known=known)
    assert f"a code of {LOCAL} was read as the same of {ICD10}" in texts(selected)


async def test_many_local_codes_are_asked_for_in_parts() -> None:
    many = concept_map(group(*((f"L{number}", "2160-0", "equal") for number in range(150))))
    _, server = await filled(slot(), observation(code=codeable_concept("L7", LOCAL)), known=terminology(many))
    asked = [request.query_params["code"].split(",") for request in server.of("Observation")]
    assert [len(each) for each in asked] == [100, 53]


async def test_another_source_has_its_own_codes() -> None:
    other = replace(SOURCE, id="laboratory")
    server = MisbehavingServer(Observation=lambda _: bundle(observation(code=codeable_concept("CREA", LOCAL))))
    async with client_of(server) as http:
        facts = await Gatherer(http, terminology=terminology()).gather(other, "p", searches(CREATININE), AT, 5)
    assert facts.select(slot(), AT, AT).value == Absent(AbsentReason.NOT_FOUND)
