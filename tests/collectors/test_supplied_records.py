"""Records that were supplied with the question: what they answer, what they do not, and what is fetched then."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from collectors.errors import SuppliedRecordsError
from collectors.reading.supplied import encode_resource
from collectors.source_facts import SourceFacts
from collectors.supplied_records import (
    OFFLINE,
    SuppliedRecords,
    from_prefetch,
    from_records,
    reference_templates,
    search_templates,
)
from ontology.slots import Select
from ontology.values import Absent, AbsentReason
from tests.support.collector_inputs import AT, CREATININE, FIBRILLATION, condition, observation, searches, slot
from tests.support.multi_source_servers import ALL, LAB, Json, Servers, person, record_of_patient

PRESENCE = slot(FIBRILLATION, Select.ANY, closed_world=True)
MINE = [person(), observation(), condition()]


def page(*records: Mapping[str, Any], **more: Any) -> Json:
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "entry": [{"resource": record, "search": {"mode": "match"}} for record in records],
        **more,
    }


def outcome(severity: str) -> Json:
    return {"resourceType": "OperationOutcome", "issue": [{"severity": severity, "code": "processing"}]}


NEXT = [{"relation": "next", "url": "https://ehr.test/fhir?page=2"}]
WHOLE: dict[str, Any] = {"patient": person(), "observation": page(observation()), "condition": page(condition())}


async def asked(handed: SuppliedRecords, servers: Servers | None = None) -> tuple[SourceFacts, list[str]]:
    servers = servers or Servers(ehr=[person(), observation("9", id="fetched"), condition()])
    facts = await servers.facts(supplied=handed)
    return facts, servers.of("ehr")


async def test_what_was_handed_in_is_not_fetched() -> None:
    facts, sent = await asked(from_prefetch(WHOLE, ALL, "p"))
    assert sent == [] and facts.requests == 0 and facts.issues == ()
    assert [each.source for each in facts.select(slot(), AT, AT).resources if each.source]
    assert facts.select(PRESENCE, AT, AT).value is True


async def test_the_same_answers_as_by_fetching_the_same_records() -> None:
    fetched = await Servers(ehr=MINE).facts()
    for handed in (from_prefetch(WHOLE, ALL, "p"), from_records(MINE, ("Observation", "Condition"), "p")):
        facts, sent = await asked(handed)
        assert sent == []
        assert facts.gathered_facts.resources == fetched.gathered_facts.resources
        assert facts.select(PRESENCE, AT, AT) == fetched.select(PRESENCE, AT, AT)


EMPTY = page()
INCOMPLETE: dict[str, Any] = {
    "null": None,
    "one page of several": page(condition(), link=NEXT),
    "fewer than it says": page(condition(), total=2),
    "an OperationOutcome": outcome("error"),
    "an OperationOutcome among others": page(condition(), outcome("error")),
    "a collection": page(condition(), type="collection"),
    "a lone record": condition(),
    "no FHIR": {"entry": []},
    "broken": b"{",
}


@pytest.mark.parametrize("name", INCOMPLETE)
async def test_what_is_not_whole_was_not_handed_in(name: str) -> None:
    handed = from_prefetch({**WHOLE, "condition": INCOMPLETE[name]}, ALL, "p")
    _, sent = await asked(handed)
    assert sent == ["Condition"]
    # Where there is nobody to ask it is unknown, never "no".
    offline = await Servers().facts(source=OFFLINE, supplied=handed)
    assert offline.select(PRESENCE, AT, AT).value == Absent(AbsentReason.NOT_QUERIED)
    assert [issue.code for issue in offline.issues] == ["not-handed-in"]


async def test_handed_in_and_empty_is_an_answer() -> None:
    for empty in (EMPTY, page(total=0), page(outcome("warning"))):
        facts, sent = await asked(from_prefetch({**WHOLE, "condition": empty}, ALL, "p"))
        assert sent == []
        assert facts.select(PRESENCE, AT, AT).value is False


async def test_a_missing_key_was_not_handed_in() -> None:
    _, sent = await asked(from_prefetch({"condition": EMPTY}, ALL, "p"))
    assert sent == ["Observation", "Patient"]


async def test_of_a_bundle_only_what_is_said_to_be_whole_counts() -> None:
    bundle = encode_resource(page(*MINE, type="collection"))
    assert (await asked(from_records(bundle, (), "p")))[1] == ["Condition", "Observation"]
    assert (await asked(from_records(bundle, ("Condition",), "p")))[1] == ["Observation"]
    assert (await asked(from_records(bundle, ("Observation", "Condition"), "p")))[1] == []
    assert (await asked(from_records(json.dumps([]).encode(), ("Condition",), "p")))[1] == ["Observation", "Patient"]


@pytest.mark.parametrize(
    "raw", [b"{", b'"x"', b"<html>", encode_resource(page(link=NEXT)), encode_resource(page(total=3)), b'{"a": 1}']
)
def test_a_bundle_that_cannot_be_used_is_refused(raw: bytes) -> None:
    with pytest.raises(SuppliedRecordsError):
        from_records(raw, ("Observation",), "p")


async def test_a_part_of_the_records_is_used_and_nothing_is_ruled_out() -> None:
    given = [person(), observation(), condition()]
    part = await Servers().facts(source=OFFLINE, supplied=from_records(given, (), "p"))
    value = part.select(slot(), AT, AT)
    whole = await Servers().facts(source=OFFLINE, supplied=from_records(given, ("Observation",), "p"))
    assert value.value == whole.select(slot(), AT, AT).value
    assert [issue.code for issue in value.issues] == ["part-missing"]
    assert "--complete Observation, or --complete all" in value.issues[0].text
    assert part.select(PRESENCE, AT, AT).value is True
    # A slot reports it where it matters; it is no issue of every answer.
    assert part.issues == ()


@pytest.mark.parametrize("given", [[person()], [person(), condition("38341003")]])
async def test_what_is_not_in_a_part_is_unknown_never_no(given: list[Json]) -> None:
    part = await Servers().facts(source=OFFLINE, supplied=from_records(given, (), "p"))
    for each in (PRESENCE, slot(), slot(select=Select.SERIES)):
        assert part.select(each, AT, AT).value == Absent(AbsentReason.NOT_QUERIED)
    assert "--complete Condition" in part.select(PRESENCE, AT, AT).issues[0].text
    whole = await Servers().facts(source=OFFLINE, supplied=from_records(given, ("Condition",), "p"))
    assert whole.select(PRESENCE, AT, AT).value is False


async def test_a_series_of_a_part_is_unknown_as_others_may_lie_between() -> None:
    series = slot(select=Select.SERIES)
    part = await Servers().facts(source=OFFLINE, supplied=from_records(MINE, (), "p"))
    assert part.select(series, AT, AT).value == Absent(AbsentReason.NOT_QUERIED)
    assert part.select(series, AT, AT).resources
    whole = await Servers().facts(source=OFFLINE, supplied=from_records(MINE, ("Observation",), "p"))
    assert not isinstance(whole.select(series, AT, AT).value, Absent)


async def test_of_a_prefetch_no_part_is_used() -> None:
    handed = from_prefetch({**WHOLE, "condition": page(condition(), link=NEXT)}, ALL, "p")
    facts = await Servers().facts(source=OFFLINE, supplied=handed)
    assert facts.select(PRESENCE, AT, AT).value == Absent(AbsentReason.NOT_QUERIED)
    assert "--complete" not in facts.select(PRESENCE, AT, AT).issues[0].text


THEIRS = record_of_patient(observation(), "q")
NO_ANSWERS: dict[str, tuple[str, Any, str]] = {
    "of somebody else": ("observation", page(THEIRS), "another patient"),
    "one among many": ("observation", page(observation(), {**THEIRS, "id": "o2"}), "another patient"),
    "of somebody else elsewhere": (
        "observation",
        page({**observation(), "subject": {"reference": "https://other.test/fhir/Patient/q/_history/2"}}),
        "another patient",
    ),
    "of somebody else, by patient": (
        "condition", page({**condition(), "patient": {"reference": "Patient/q"}}), "another patient",
    ),
    "somebody else": ("patient", person("q"), "record of another patient"),
    "nobody": ("patient", page(), "no Patient record"),
    "no person": ("patient", observation(), "no Patient record"),
    "of another type": ("condition", page(observation()), "no Condition record"),
    "an entry that is none": ("condition", page(condition(), 17), "no record"),  # type: ignore[arg-type]
    "an entry without an id": ("condition", page(condition(id=None)), "without a type or an id"),
    "an entry without a type": ("condition", page({"id": "c"}), "without a type or an id"),
    "an entry that says nothing": ("condition", page({}), "without a type or an id"),
    "a list": ("condition", [condition()], "not readable"),
    "as long as a page may be": (
        "condition", page(*(condition(id=f"c{number}") for number in range(1000))), "may be truncated",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NO_ANSWERS)
async def test_what_cannot_be_the_answer_was_not_handed_in(name: str) -> None:
    key, value, said = NO_ANSWERS[name]
    search = next(each for each in ALL if key in search_templates(each))
    handed = from_prefetch({**WHOLE, key: value}, ALL, "p")
    assert said in handed.missing_reason(search)
    _, sent = await asked(handed)
    assert sent == [search.description.resource_type]


LONG = [condition(id=f"c{number}") for number in range(1001)]


@pytest.mark.parametrize(
    ("count", "total", "is_data"),
    [(999, None, True), (1000, None, False), (1000, 1000, False), (1001, None, False), (1001, 1001, True)],
)
def test_as_many_as_a_page_may_have_are_perhaps_not_all(count: int, total: int | None, is_data: bool) -> None:
    more = {} if total is None else {"total": total}
    found = from_prefetch({"condition": page(*LONG[:count], **more)}, ALL, "p")
    assert ("condition" in found.answers) is is_data


async def test_included_records_and_remarks_pass() -> None:
    handed = from_prefetch({**WHOLE, "condition": page(condition(), person("q"), outcome("warning"))}, ALL, "p")
    facts, sent = await asked(handed)
    assert (sent, facts.select(PRESENCE, AT, AT).value) == ([], True)


async def test_keys_that_nobody_asked_for_are_passed_over() -> None:
    odd = {"other": page(THEIRS), "mine": person("q"), "draft-order": page(), "x": b"{", "null": None}
    facts, sent = await asked(from_prefetch({**WHOLE, **odd}, ALL, "p"))
    assert (sent, facts.issues) == ([], ())


async def test_a_patient_is_known_by_the_full_url_that_was_handed_in() -> None:
    url = "urn:uuid:0b2c8a8e-6d3c-4f6b-9f54-0c5b8a3f0001"
    records = [
        {"fullUrl": url, "resource": person()},
        {"resource": {**observation(), "subject": {"reference": url}}},
    ]
    raw = encode_resource({"resourceType": "Bundle", "type": "collection", "entry": records})
    facts = await Servers().facts(source=OFFLINE, supplied=from_records(raw, ("Observation", "Condition"), "p"))
    assert len(facts.gathered_facts.resources["serum-creatinine"]) == 1
    assert facts.issues == ()


async def test_encounters_are_taken_from_what_was_handed_in() -> None:
    undated = condition(onsetDateTime=None, recordedDate=None, encounter={"reference": "Encounter/e"})
    encounter = {
        "resourceType": "Encounter",
        "id": "e",
        "status": "finished",
        "subject": {"reference": "Patient/p"},
        "period": {"start": "2020-01-01", "end": "2020-01-02"},
    }
    given = {**WHOLE, "condition": page(undated)}
    facts, sent = await asked(from_prefetch({**given, "all-encounter": page(encounter)}, ALL, "p"))
    assert (sent, facts.select(PRESENCE, AT, AT).value) == ([], True)
    assert (await asked(from_prefetch(given, ALL, "p")))[1] == ["Encounter"]


async def test_other_sources_are_asked_all_the_same() -> None:
    servers = Servers(
        lab=[person("77"), record_of_patient(observation("2.2", effectiveDateTime="2024-05-02T08:00:00Z"), "77")]
    )
    facts = await servers.facts(LAB, supplied=from_prefetch(WHOLE, ALL, "p"))
    assert servers.of("ehr") == []
    assert {each.source.source for each in facts.gathered_facts.resources["serum-creatinine"] if each.source} == {
        "ehr",
        "lab",
    }


def test_templates_have_the_tokens_of_cds_hooks_only() -> None:
    made = {key: template for search in ALL for key, template in search_templates(search).items()}
    assert made == {
        "patient": "Patient/{{context.patientId}}",
        "observation": "Observation?patient={{context.patientId}}&code=http://loinc.org|2160-0,"
        "http://loinc.org|14682-9,http://loinc.org|38483-4&_count=1000",
        "condition": "Condition?patient={{context.patientId}}&_count=1000",
    }
    assert [reference_templates(search) for search in ALL][-1] == {"all-encounter": "Encounter"}


async def test_a_hundred_codes_a_template_and_all_of_them_are_needed() -> None:
    (search,) = searches(CREATININE)
    many = replace(search, codes=tuple(replace(search.codes[0], code=str(n)) for n in range(150)))
    keys = search_templates(many)
    assert list(keys) == ["observation-1", "observation-2"]
    assert [template.count("|") for template in keys.values()] == [100, 50]
    assert from_prefetch({"observation-1": page()}, (many,), "p").records_for(many) is None
    both = from_prefetch({"observation-1": page(observation()), "observation-2": page()}, (many,), "p")
    assert len(both.records_for(many) or ()) == 1
