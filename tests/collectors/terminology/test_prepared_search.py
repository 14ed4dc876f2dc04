"""Concepts whose codes only a terminology server knows: asked for, searched for, and never taken for empty."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from collectors.gatherer import Gatherer
from collectors.source_facts import SourceFacts
from collectors.supplied_records import search_templates
from collectors.terminology.concept_map import combine_maps
from collectors.terminology.files import TerminologyFiles
from collectors.terminology.terminology import Terminology
from collectors.terminology.value_set_library import ValueSetLibrary
from collectors.terminology.value_set_lookup import CachedTerminologyServer
from ontology.concepts import AcceptedValueSet, Concept
from ontology.slots import Select
from ontology.values import Absent, AbsentReason, Coding
from tests.support.collector_inputs import (
    AT,
    CREATININE,
    FIBRILLATION,
    LOINC,
    SNOMED,
    SOURCE,
    SYSTOLIC,
    codeable_concept,
    condition,
    facts_of,
    observation,
    searches,
    slot,
)
from tests.support.fake_terminology import LOCAL, FakeTerminology, concept_map, encode_json, group, include, value_set
from tests.support.misbehaving_server import MisbehavingServer, bundle, client_of

SET = "https://example.org/ValueSet/creatinine"
BY_SET = replace(CREATININE, accepted=(), accepted_sets=(AcceptedValueSet(SET, caution="By a set."),))
LIMITED = replace(CREATININE, id="limited", only_in=SET)
CODES = [(LOINC, code) for code in ("2160-0", "77140-2")]


def known(fake: FakeTerminology, *files: Any) -> Terminology:
    read = TerminologyFiles()
    for position, each in enumerate(files):
        read.add(f"{position}.json", encode_json(each))
    made, faults = combine_maps(read.maps)
    assert not read.faults + faults
    return Terminology({SOURCE.id: made}, ValueSetLibrary(read.sets), CachedTerminologyServer(fake.server(), 60))


async def gathered(
    terminology: Terminology, *concepts: Concept, deadline: float = 5, **records: list[Any]
) -> tuple[SourceFacts, MisbehavingServer]:
    server = MisbehavingServer(**{kind: lambda _, kind=kind: bundle(*records[kind]) for kind in records})
    async with client_of(server) as http:
        gatherer = Gatherer(http, terminology=terminology)
        facts = await gatherer.gather(SOURCE, "p", searches(*concepts), AT, deadline)
    return facts, server


def asked(server: MisbehavingServer) -> set[str]:
    return {code for request in server.of("Observation") for code in request.query_params.get("code", "").split(",")}


async def test_the_codes_of_a_set_are_searched_for_and_read() -> None:
    facts, server = await gathered(
        known(FakeTerminology(*CODES)), BY_SET, Observation=[observation(code=codeable_concept("77140-2"))]
    )
    assert asked(server) == {f"{LOINC}|2160-0", f"{LOINC}|77140-2"}
    selected = facts.select(slot(BY_SET), AT, AT)
    assert not isinstance(selected.value, Absent)
    assert "By a set." in [issue.text for issue in selected.issues]


async def test_a_slot_limited_to_a_set() -> None:
    records = [
        observation(id="o1", code=codeable_concept("14682-9")),
        observation("9.9", id="o2", code=codeable_concept("77140-2")),
    ]
    facts, server = await gathered(known(FakeTerminology(*CODES)), LIMITED, Observation=records)
    assert asked(server) == {f"{LOINC}|2160-0"}
    assert facts.select(slot(LIMITED), AT, AT).value == Absent(AbsentReason.NOT_FOUND)
    facts, _ = await gathered(known(FakeTerminology(*CODES)), LIMITED, Observation=[*records, observation(id="o3")])
    assert [each.source.id for each in facts.select(slot(LIMITED), AT, AT).resources if each.source] == ["o3"]


async def test_local_codes_of_the_codes_of_a_set() -> None:
    maps = concept_map(group(("CREA", "77140-2", "equal")))
    records = [observation(code=codeable_concept("CREA", LOCAL))]
    facts, server = await gathered(known(FakeTerminology(*CODES), maps), BY_SET, Observation=records)
    assert f"{LOCAL}|CREA" in asked(server)
    assert not isinstance(facts.select(slot(BY_SET), AT, AT).value, Absent)


async def test_a_set_in_a_file_is_not_asked_for() -> None:
    fake = FakeTerminology(*CODES)
    file = value_set(SET, compose={"include": [include("77140-2")]})
    facts, server = await gathered(
        known(fake, file), BY_SET, Observation=[observation(code=codeable_concept("77140-2"))]
    )
    assert asked(server) == {f"{LOINC}|77140-2"} and not fake.requests
    assert not isinstance(facts.select(slot(BY_SET), AT, AT).value, Absent)


FAILURES: dict[str, tuple[int, AbsentReason, str]] = {
    "away": (500, AbsentReason.UNREACHABLE, "an error of the server (500)"),
    "not permitted": (403, AbsentReason.NOT_PERMITTED, "not permitted (403)"),
    "unknown": (404, AbsentReason.NOT_QUERIED, "nothing at that address (404)"),
}


@pytest.mark.parametrize("failure", FAILURES)
async def test_a_server_that_does_not_answer_costs_its_concepts_only(failure: str) -> None:
    status, reason, text = FAILURES[failure]
    fake = FakeTerminology(*CODES)
    fake.expands = status
    records = [
        observation(),
        observation("120", id="o2", code=codeable_concept("8480-6"), valueQuantity={"value": 120, "code": "mm[Hg]"}),
    ]
    facts, server = await gathered(known(fake), BY_SET, SYSTOLIC, Observation=records)
    selected = facts.select(slot(BY_SET), AT, AT)
    assert selected.value == Absent(reason)
    (issue,) = selected.issues
    assert issue.text.startswith("The codes of serum creatinine could not be retrieved: ") and text in issue.text
    assert not isinstance(facts.select(slot(SYSTOLIC), AT, AT).value, Absent)
    assert asked(server) == {f"{LOINC}|8480-6", f"{LOINC}|85354-9"}


async def test_nothing_is_searched_for_where_no_codes_are_known() -> None:
    fake = FakeTerminology(*CODES)
    fake.expands = 500
    _, server = await gathered(known(fake), BY_SET, Observation=[observation()])
    assert not server.of("Observation")


async def test_without_a_server() -> None:
    facts, _ = await gathered(Terminology(), BY_SET, Observation=[observation()])
    selected = facts.select(slot(BY_SET), AT, AT)
    assert selected.value == Absent(AbsentReason.NOT_QUERIED)
    assert f"value set {SET}: no file defines it" in selected.issues[0].text


async def test_a_server_that_takes_too_long_ends_with_the_question() -> None:
    terminology = known(FakeTerminology(*CODES))
    never = asyncio.Event()

    class Slow:
        async def expand(self, name: str) -> Any:
            await never.wait()

    terminology._sets._service = CachedTerminologyServer(Slow(), 60)  # type: ignore[arg-type]  # only expand is called
    facts, _ = await gathered(terminology, BY_SET, deadline=0.05, Observation=[observation()])
    selected = facts.select(slot(BY_SET), AT, AT)
    assert selected.value == Absent(AbsentReason.UNREACHABLE)
    assert "before the question's deadline" in selected.issues[0].text
    await terminology.aclose()


async def test_a_large_set_is_sorted_out_here() -> None:
    many = [(LOINC, f"{number}-0") for number in range(2_000, 12_000)]
    records = [observation(code=codeable_concept("2160-0")), observation("7", id="o2", code=codeable_concept("1-1"))]
    facts, server = await gathered(known(FakeTerminology(*many)), BY_SET, Observation=records)
    (request,) = server.of("Observation")
    assert "code" not in request.query_params
    selected = facts.select(slot(BY_SET), AT, AT)
    assert [each.source.id for each in selected.resources if each.source] == ["o1"]


def too_costly(*codes: tuple[str, str]) -> FakeTerminology:
    fake = FakeTerminology(*codes)
    fake.expands = 422
    return fake


async def test_of_a_set_that_is_too_costly_only_the_codes_met_are_asked_for() -> None:
    fake = too_costly(*CODES)
    records = [observation(code=codeable_concept("77140-2")), observation("7", id="o2", code=codeable_concept("1-1"))]
    facts, server = await gathered(known(fake), BY_SET, Observation=records)
    (request,) = server.of("Observation")
    assert "code" not in request.query_params
    selected = facts.select(slot(BY_SET), AT, AT)
    assert [each.source.id for each in selected.resources if each.source] == ["o1"]
    # Neither units nor anything else that is no coding is asked about.
    assert sum(request.url.path.endswith("validate-code") for request in fake.requests) == 2


async def test_which_of_its_codes_a_patient_has_is_forgotten_with_the_question() -> None:
    terminology = known(too_costly(*CODES), concept_map(group(("CREA", "77140-2", "equal"))))
    await gathered(terminology, BY_SET, Observation=[observation(code=codeable_concept("CREA", LOCAL))])
    kept = {
        name: repr(value)
        for name, value in vars(terminology).items()
        if name in ("_filled_concepts", "_local_concepts")
    }
    assert len(kept) == 2
    assert not any("77140-2" in text for text in kept.values())


async def test_local_codes_in_a_set_that_is_too_costly() -> None:
    maps = concept_map(group(("CREA", "77140-2", "equal")))
    records = [observation(code=codeable_concept("CREA", LOCAL))]
    facts, _ = await gathered(known(too_costly(*CODES), maps), BY_SET, Observation=records)
    assert not isinstance(facts.select(slot(BY_SET), AT, AT).value, Absent)


async def test_a_limit_that_is_too_costly() -> None:
    records = [observation(code=codeable_concept("14682-9")), observation("1.4", id="o2")]
    facts, _ = await gathered(known(too_costly(*CODES)), LIMITED, Observation=records)
    selected = facts.select(slot(LIMITED), AT, AT)
    assert [each.source.id for each in selected.resources if each.source] == ["o2"]


async def test_single_codes_that_cannot_be_asked_for() -> None:
    fake = too_costly(*CODES)
    fake.validates = 500
    facts, _ = await gathered(known(fake), BY_SET, SYSTOLIC, Observation=[observation()])
    selected = facts.select(slot(BY_SET), AT, AT)
    assert selected.value == Absent(AbsentReason.UNREACHABLE)
    assert facts.select(slot(SYSTOLIC), AT, AT).value == Absent(AbsentReason.NOT_FOUND)


DIAGNOSES = replace(FIBRILLATION, accepted=(), accepted_sets=(AcceptedValueSet("urn:v:fibrillation"),))
PRESENCE = slot(DIAGNOSES, Select.ANY, closed_world=True)
FEVER = condition("386661006")


@pytest.mark.parametrize(
    ("fake", "code", "value"),
    [
        (FakeTerminology((SNOMED, "49436004")), "49436004", True),
        (FakeTerminology((SNOMED, "49436004")), "386661006", False),
        # The set has no code of the record's system, so that it could not have been met in it.
        (FakeTerminology((LOINC, "1-1")), "386661006", Absent(AbsentReason.UNCONVERTIBLE)),
        (too_costly((SNOMED, "49436004")), "49436004", True),
        # That a server knows nothing of a code does not mean that it is another diagnosis.
        (too_costly((SNOMED, "49436004")), "386661006", Absent(AbsentReason.UNCONVERTIBLE)),
    ],
)
async def test_a_no_by_a_set(fake: FakeTerminology, code: str, value: object) -> None:
    facts, _ = await gathered(known(fake), DIAGNOSES, Condition=[condition(code)])
    assert facts.select(PRESENCE, AT, AT).value == value


def test_handed_in_records_say_nothing_of_a_set_that_was_not_asked_for() -> None:
    facts = facts_of(observation(), concepts=(BY_SET, SYSTOLIC))
    selected = facts.select(slot(BY_SET), AT, AT)
    assert selected.value == Absent(AbsentReason.NOT_QUERIED)
    assert f"{SET} was not asked for" in selected.issues[0].text
    assert facts.select(slot(SYSTOLIC), AT, AT).value == Absent(AbsentReason.NOT_FOUND)


@pytest.mark.parametrize("codes", [(), (Coding(LOINC, "2160-0"),)])
def test_a_prefetch_asks_for_all_records_where_codes_are_not_known(codes: tuple[Coding, ...]) -> None:
    (search,) = searches(BY_SET)
    assert "code=" not in search_templates(replace(search, codes=codes))["observation"]
