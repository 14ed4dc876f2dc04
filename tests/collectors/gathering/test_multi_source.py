"""Several sources for one patient: who is joined, what counts, and what is told where it cannot be known."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from collectors.gathering.source_ability import SourceAbility
from collectors.source_facts import SourceFacts
from collectors.strategy.strategy import SearchStrategy
from ontology.evaluation import Severity
from ontology.slots import Select
from ontology.values import Absent, AbsentReason, Coding, Quantity
from tests.support.collector_inputs import AT, FIBRILLATION, SEX, condition, observation, slot
from tests.support.multi_source_servers import EHR, LAB, MRN, Json, Servers, person, record_of_patient

PRESENCE = slot(FIBRILLATION, Select.ANY, closed_world=True)
NOON, ONE = "2024-05-01T12:00:00Z", "2024-05-01T13:00:00Z"


def value(facts: SourceFacts) -> Any:
    found = facts.select(slot(), AT, AT).value
    return found.value if isinstance(found, Quantity) else found


def codes(facts: SourceFacts) -> list[str]:
    return sorted(issue.code for issue in facts.issues)


def sources(facts: SourceFacts) -> list[str]:
    found = facts.select(slot(), AT, AT).resources
    return sorted(each.source.source for each in found if each.source is not None)


async def test_records_of_a_source_that_knows_the_patient_count() -> None:
    servers = Servers(
        ehr=[person()],
        lab=[person("77"), record_of_patient(observation(), "77"), record_of_patient(observation("9", id="x"), "78")],
    )
    facts = await servers.facts(LAB)
    assert (value(facts), sources(facts), codes(facts)) == (Decimal("1.1"), ["lab"], [])
    # One request to find the patient, and one a type: their record came with the first.
    assert servers.of("lab") == ["Condition", "Observation", "Patient"]
    assert "lab" in facts.gathered_facts.resources["serum-creatinine"][0].iri


async def test_alone_nothing_more_is_asked() -> None:
    servers = Servers(ehr=[person(), observation()])
    assert (await servers.facts()).requests == 3
    others = (replace(LAB, identifiers=()), replace(LAB, id="wear", identifiers=("urn:other",)))
    servers = Servers(ehr=[person(), observation()])
    assert (await servers.facts(*others)).requests == len(servers.requests) == 3


async def test_nobody_there_is_told_and_hides_nothing() -> None:
    facts = await Servers(ehr=[person()], lab=[person("77", "other")]).facts(LAB)
    assert facts.select(PRESENCE, AT, AT).value is False
    assert [(issue.code, issue.severity) for issue in facts.issues] == [("not-known-there", Severity.INFORMATION)]


TWINS = [person("77"), person("78")]
WRONG_BIRTH = [person("77", birthDate="1951-04-05")]
WRONG_GENDER = [person("77", gender="male")]
NOT_JOINED: dict[str, tuple[Json, list[Json], str]] = {
    "two patients": (person(), TWINS, "two patients there have this identifier"),
    "birth date": (person(), WRONG_BIRTH, "another birth date"),
    "gender": (person(), WRONG_GENDER, "another gender"),
    "none of their own": (person(mrn=None), [person("77")], "no identifier"),
    "an old one": (
        person(identifier=[{"system": MRN, "value": "17-A", "use": "old"}]),
        [person("77")],
        "no identifier",
    ),
    "one that ended": (
        person(identifier=[{"system": MRN, "value": "17-A", "period": {"end": "2020"}}]),
        [person("77")],
        "no identifier",
    ),
    "a placeholder": (person(mrn="0000"), [person("77", "0000")], "no identifier"),
    "an empty one": (person(identifier=[{"system": MRN}]), [person("77")], "no identifier"),
    "theirs is old": (
        person(),
        [person("77", identifier=[{"system": MRN, "value": "17-A", "use": "old"}])],
        "as a former one",
    ),
    "theirs has ended": (
        person(),
        [person("77", identifier=[{"system": MRN, "value": "17-A", "period": {"end": "2020"}}])],
        "as a former one",
    ),
    "theirs in small letters": (person(), [person("77", "17-a")], "in another spelling"),
    "theirs with a blank": (person(), [person("77", " 17-A")], "in another spelling"),
    "a record that cannot be read": (
        person(),
        [person("77", birthDate=["1950"])],
        "a patient's record there cannot be read",
    ),
}


@pytest.mark.parametrize("name", NOT_JOINED)
async def test_whoever_may_be_somebody_else_is_not_joined(name: str) -> None:
    mine, theirs, told = NOT_JOINED[name]
    hers = [record_of_patient(observation(), "77"), record_of_patient(condition(), "77")]
    servers = Servers(ehr=[mine], lab=[*theirs, *hers])
    facts = await servers.facts(LAB)
    assert facts.gathered_facts.resources["serum-creatinine"] == ()
    (issue,) = (issue for issue in facts.issues if issue.code == "not-joined")
    assert issue.severity is Severity.WARNING and told in issue.text and "source lab" in issue.text.casefold()
    # What lies there may be theirs: "not recorded" is no "no".
    assert facts.select(PRESENCE, AT, AT).value == Absent(AbsentReason.NOT_QUERIED)
    assert facts.select(slot(SEX), AT, AT).issues[-1].code == "administrative-gender"
    assert "Observation" not in servers.of("lab")


@pytest.mark.parametrize("link", ["replaced-by", "replaces", "seealso", "refer"])
async def test_two_that_are_linked_are_one(link: str) -> None:
    linked = person("78", link=[{"type": link, "other": {"reference": "Patient/77"}}])
    facts = await Servers(ehr=[person()], lab=[person("77"), linked, record_of_patient(observation(), "78")]).facts(LAB)
    assert (value(facts), sources(facts)) == (Decimal("1.1"), ["lab"])


@pytest.mark.parametrize(
    "link,code",
    [("replaced-by", "replaced-patient"), ("replaces", "linked-patient"), ("seealso", "linked-patient")],
)
async def test_linked_records_of_the_same_source_are_asked(link: str, code: str) -> None:
    first = person(link=[{"type": link, "other": {"reference": "Patient/q"}}], active=False)
    second = person("q", link=[{"type": "replaces", "other": {"reference": f"{EHR.base_url}/Patient/p"}}])
    facts = await Servers(ehr=[first, second, record_of_patient(observation(), "q")]).facts()
    assert (value(facts), codes(facts)) == (Decimal("1.1"), [code])
    assert facts.select(slot(), AT, AT).resources[0].subject == "Patient/q"


async def test_links_in_a_chain_and_in_a_circle_end() -> None:
    chain = [
        person(str(n), link=[{"type": "seealso", "other": {"reference": f"Patient/{(n + 1) % 40}"}}]) for n in range(40)
    ]
    facts = await Servers(ehr=chain).facts(patient="0")
    assert "not-joined" in codes(facts) and codes(facts).count("linked-patient") == 19


@pytest.mark.parametrize(
    ("link", "reference", "code", "value"),
    [
        ("replaced-by", "Patient/q", "not-joined", Absent(AbsentReason.NOT_QUERIED)),
        ("replaces", "Patient/q", "linked-patient-missing", False),
        ("seealso", f"{EHR.base_url}/Patient/q", "linked-patient-missing", False),
        ("seealso", "Patient/\x1b[31mq", "link-outside", False),
        ("seealso", f"{EHR.base_url}/Patient/q%0aX", "link-outside", False),
    ],
)
async def test_a_linked_record_that_is_not_there_is_told(link: str, reference: str, code: str, value: object) -> None:
    facts = await Servers(ehr=[person(link=[{"type": link, "other": {"reference": reference}}])]).facts()
    # What is new since the record was replaced is in the other: "not recorded" in this one says nothing.
    assert (codes(facts), facts.select(PRESENCE, AT, AT).value) == ([code], value)
    assert all(issue.text.isprintable() for issue in facts.issues)


async def test_a_linked_record_that_contradicts_is_left_out_and_told() -> None:
    first = person(link=[{"type": "seealso", "other": {"reference": "Patient/q"}}])
    facts = await Servers(ehr=[first, person("q", gender="male"), record_of_patient(observation(), "q")]).facts()
    assert value(facts) == Absent(AbsentReason.NOT_QUERIED)
    assert codes(facts) == ["not-joined"]


async def test_a_link_leads_to_configured_sources_only() -> None:
    def leading(to: str) -> Json:
        return person(mrn=None, link=[{"type": "seealso", "other": {"reference": to}}])

    apart = replace(LAB, identifiers=())
    servers = Servers(
        ehr=[leading(f"{LAB.base_url}/Patient/77")], lab=[person("77"), record_of_patient(observation(), "77")]
    )
    assert value(await servers.facts(apart)) == Decimal("1.1")
    servers = Servers(ehr=[leading("https://evil.test/fhir/Patient/77")], evil=[person("77")], lab=[person("77")])
    assert codes(await servers.facts(apart)) == ["link-outside"]
    assert servers.of("evil") == servers.of("lab") == []


async def test_a_server_that_ignores_the_identifier_joins_nobody_else() -> None:
    servers = Servers(
        ehr=[person()], lab=[person("77", "other"), person("78", "17-A"), record_of_patient(observation(), "78")]
    )
    servers.ignored = {"lab"}
    facts = await servers.facts(LAB)
    assert (value(facts), sources(facts)) == (Decimal("1.1"), ["lab"])
    assert "9" not in str(facts.gathered_facts.resources)


async def test_a_source_that_is_down_costs_its_part_only() -> None:
    servers = Servers(ehr=[person(), observation()], lab=[])
    servers.down = {"lab"}
    facts = await servers.facts(LAB)
    found = facts.select(slot(), AT, AT)
    assert found.value == Quantity(Decimal("1.1"), "mg/dL")
    assert [issue.code for issue in found.issues] == ["part-missing"]
    assert facts.unreachable == {"lab": {"Patient": "an error of the server (500)"}}
    assert "source lab" in found.issues[0].text.casefold()
    assert facts.select(PRESENCE, AT, AT).value == Absent(AbsentReason.UNREACHABLE)
    assert facts.select(slot(SEX), AT, AT).value == Coding(
        "http://hl7.org/fhir/administrative-gender", "female", "Female"
    )


async def test_at_one_time_the_source_that_is_trusted_more_counts() -> None:
    def asking(lab: Any, **more: Any) -> Servers:
        hers = record_of_patient(observation(lab, effectiveDateTime=NOON, **more), "77")
        return Servers(ehr=[person(), observation(effectiveDateTime=NOON)], lab=[person("77"), hers])

    found = (await asking("2.2").facts(LAB)).select(slot(), AT, AT)
    assert found.value == Quantity(Decimal("1.1"), "mg/dL")
    (issue,) = found.issues
    assert issue.code == "other-record" and "(ehr)" in issue.text and "(lab)" in issue.text
    trusted = await asking("2.2").facts(replace(LAB, rank=-1))
    assert value(trusted) == Decimal("2.2")
    same = await asking("1.1").facts(LAB)
    assert (value(same), sources(same)) == (Decimal("1.1"), ["ehr", "lab"])
    assert same.select(slot(), AT, AT).issues == ()


async def test_at_different_times_the_newest_counts_whatever_its_source() -> None:
    hers = record_of_patient(observation("2.2", effectiveDateTime=ONE), "77")
    servers = Servers(ehr=[person(), observation(effectiveDateTime=NOON)], lab=[person("77"), hers])
    assert value(await servers.facts(LAB)) == Decimal("2.2")


async def test_two_of_one_source_at_one_time_stay_a_contradiction() -> None:
    mine = [observation(n, id=n, effectiveDateTime=NOON) for n in ("1.1", "2.2")]
    hers = record_of_patient(observation("1.1", effectiveDateTime=NOON), "77")
    facts = await Servers(ehr=[person(), *mine], lab=[person("77"), hers]).facts(LAB)
    assert value(facts) == Absent(AbsentReason.CONFLICTING)


async def test_a_yes_of_any_source_counts() -> None:
    facts = await Servers(ehr=[person()], lab=[person("77"), record_of_patient(condition(), "77")]).facts(LAB)
    assert facts.select(PRESENCE, AT, AT).value is True


@pytest.mark.parametrize(
    "mine,theirs,used,told",
    [
        (None, "2024-01-02", "2024-01-02", []),
        ("2024-01-02", "2024-01-02T10:00:00Z", "2024-01-02", []),
        ("2024-01-02", "2023-12-31", "2024-01-02", ["death-contradicted"]),
    ],
)
async def test_a_death_recorded_anywhere_counts(mine: str | None, theirs: str, used: str, told: list[str]) -> None:
    lab = [person("77", deceasedDateTime=theirs)]
    facts = await Servers(ehr=[person(deceasedDateTime=mine)], lab=lab).facts(LAB)
    assert facts.death is not None and f"{facts.death.start:%Y-%m-%d}" == used
    assert codes(facts) == told


@pytest.mark.parametrize("dead,expected", [(None, "3.9"), ("2024-03-01T00:00:00Z", "1.5")])
async def test_a_death_known_elsewhere_asks_for_what_was_before_it(
    dead: str | None, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest records that the EHR was asked for lie after a death of which only the laboratory knows."""
    monkeypatch.setattr(SourceAbility, "strategy_for", lambda self, search, at: SearchStrategy.SORTED)
    days = [f"2024-0{month}-{day:02}T08:00:00Z" for month in (2, 4) for day in range(1, 26)]
    course = [observation(f"{1 + n // 25 * 2}.{n % 10}", id=f"o{n}", effectiveDateTime=d) for n, d in enumerate(days)]
    course[24] = observation("1.5", id="o24", effectiveDateTime=days[24])
    course[49] = observation("3.9", id="o49", effectiveDateTime=days[49])
    servers = Servers(ehr=[person(), *course], lab=[person("77", deceasedDateTime=dead)])
    facts = await servers.facts(LAB)
    as_of = AT if facts.death is None else facts.death.end
    found = facts.select(slot(), as_of, AT).value
    assert isinstance(found, Quantity) and found.value == Decimal(expected)
    sent = [given for host, kind, given in servers.requests if (host, kind) == ("ehr", "Observation")]
    assert any("_sort" not in given for given in sent) == (dead is not None)


async def test_sources_that_contradict_each_other_are_not_both_believed() -> None:
    wear = replace(LAB, id="wear", base_url="https://wear.test/fhir", rank=2)
    servers = Servers(
        ehr=[person(birthDate=None)],
        lab=[person("77"), record_of_patient(observation(effectiveDateTime=NOON), "77")],
        wear=[person("5", birthDate="1970"), record_of_patient(observation("9", effectiveDateTime=ONE), "5")],
    )
    facts = await servers.facts(wear, LAB)
    assert (value(facts), sources(facts), codes(facts)) == (Decimal("1.1"), ["lab"], ["not-joined"])


async def test_without_the_patients_own_record_nothing_is_looked_up() -> None:
    servers = Servers(ehr=[], lab=[person("77")])
    servers.down = {"ehr"}
    facts = await servers.facts(LAB)
    assert servers.of("lab") == []
    assert "not-joined" in codes(facts)
    assert list(facts.unreachable) == ["ehr"]
