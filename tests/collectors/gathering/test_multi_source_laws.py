"""However records are spread over sources, the same records say the same."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.assembly import Draft
from collectors.gathering.multi_source import merge_drafts
from collectors.gathering.patient_matching import is_identifying
from collectors.reading.readout import PatientContext
from collectors.supplied_records import from_records
from ontology.slots import Select
from tests.support.collector_inputs import AT, CREATININE, facts_of, observation, slot
from tests.support.multi_source_servers import EHR, LAB, Servers, person, record_of_patient

EACH = st.lists(
    st.tuples(st.integers(0, 10_000), st.integers(1, 99), st.booleans()), unique_by=lambda each: each[0], max_size=6
)


def at(minute: int) -> str:
    return (datetime(2024, 5, 1, tzinfo=UTC) + timedelta(minutes=minute)).isoformat()


@settings(max_examples=40, deadline=None)
@given(EACH)
async def test_a_course_spread_over_two_sources_is_the_same_course(each: list[tuple[int, int, bool]]) -> None:
    made = [
        (observation(str(Decimal(n) / 10), id=f"o{minute}", effectiveDateTime=at(minute)), here)
        for minute, n, here in each
    ]
    mine = [record for record, here in made if here]
    hers = [record_of_patient(record, "77") for record, here in made if not here]
    joined = await Servers(ehr=[person(), *mine], lab=[person("77"), *hers]).facts(LAB)
    alone = facts_of(*(record for record, _ in made), concepts=(CREATININE,))
    for wanted in (slot(), slot(select=Select.SERIES), slot(select=Select.EARLIEST)):
        found, expected = joined.select(wanted, AT, AT), alone.select(wanted, AT, AT)
        assert (found.value, len(found.resources)) == (expected.value, len(expected.resources))


@settings(max_examples=30, deadline=None)
@given(EACH)
async def test_handed_in_or_fetched_the_same_records_say_the_same(each: list[tuple[int, int, bool]]) -> None:
    """What is handed in, whichever part of it, and what is then fetched make up the same facts."""
    records = [person(), *(observation(str(n), id=f"o{m}", effectiveDateTime=at(m)) for m, n, _ in each)]
    complete = ("Observation", "Condition")[: len(each) % 3]
    fetched = await Servers(ehr=records).facts()
    handed = await Servers(ehr=records).facts(supplied=from_records(records, complete, "p"))
    assert handed.gathered_facts.resources == fetched.gathered_facts.resources
    assert (handed.issues, handed.answered, handed.failures) == (fetched.issues, fetched.answered, fetched.failures)
    assert handed.requests == fetched.requests - len(complete) - 1


@given(st.from_regex(r"[A-Z]{2}-[1-9][0-9]{5}[A-Z]", fullmatch=True))
def test_a_number_with_letters_around_it_can_identify(value: str) -> None:
    assert is_identifying(value)


@given(st.sampled_from("0xX-9. "), st.integers(3, 12))
def test_one_sign_again_and_again_identifies_nobody(sign: str, count: int) -> None:
    assert not is_identifying(sign * count)


def test_one_part_alone_is_not_renamed() -> None:
    (draft, other) = (Draft(PatientContext.for_patient(source, "p")) for source in (EHR, LAB))
    assert merge_drafts([draft]).issues == ()
    assert merge_drafts([draft], [other]).requests == 0
