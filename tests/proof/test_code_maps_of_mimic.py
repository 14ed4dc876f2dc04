"""The worked example of a source's folder, over the real data that it is for: which conditions become readable."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from collectors.gatherer import Gatherer
from collectors.settings import Source
from collectors.terminology.concept_map import combine_maps
from collectors.terminology.files import read_folders
from collectors.terminology.terminology import Terminology
from fixtures.real_data import MIMIC, RealPatient, mimic_patients, why_absent
from ontology.concepts import Concept, Origin
from ontology.slots import Select
from ontology.values import Absent, AbsentReason, Value
from tests.support.collector_inputs import AT, CREATININE, SOURCE, codeable_concept, observation, searches, slot
from tests.support.engine_questions import shipped
from tests.support.misbehaving_server import MisbehavingServer, bundle, client_of

FOLDER = Path(__file__).resolve().parents[2] / "docs/examples/mimic"
MIMIC_SYSTEM = "http://mimic.mit.edu/"


@pytest.fixture(scope="module")
def mapped() -> Terminology:
    files = read_folders([FOLDER])
    made, faults = combine_maps(files.maps)
    assert not files.faults + faults
    return Terminology({SOURCE.id: made})


async def test_a_laboratory_item_is_read(mapped: Terminology) -> None:
    record = observation(code=codeable_concept("50912", f"{MIMIC_SYSTEM}fhir/mimic/CodeSystem/mimic-d-labitems"))
    async with client_of(MisbehavingServer(Observation=lambda _: bundle(record))) as http:
        facts = await Gatherer(http, terminology=mapped).gather(SOURCE, "p", searches(CREATININE), AT, 5)
    selected = facts.select(slot(), AT, AT)
    assert not isinstance(selected.value, Absent)
    assert any(
        "by ConceptMap https://medtwin.example/ConceptMap/mimic-laboratory|1.0.0" in i.text for i in selected.issues
    )


def as_shipped() -> list[Concept]:
    return [concept for concept in shipped().concepts.values() if concept.origin is Origin.CONDITION]


def without_mimic(concept: Concept) -> Concept:
    """As if the description knew standard code systems only."""
    kept = tuple(each for each in concept.accepted if not each.coding.system.startswith(MIMIC_SYSTEM))
    return replace(concept, accepted=kept)


async def told(patient: RealPatient, concepts: list[Concept], terminology: Terminology) -> dict[str, Value]:
    """For each concept, whether it is recorded, as of when the patient's last observation was known."""
    at = patient.last_observation
    assert at is not None
    by_type = {
        kind: [each for each in patient.resources if each["resourceType"] == kind]
        for kind in ("Patient", "Condition", "Encounter")
    }
    server = MisbehavingServer(**{kind: lambda _, kind=kind: bundle(*by_type[kind]) for kind in by_type})
    source = Source(id=SOURCE.id, base_url=SOURCE.base_url)
    async with client_of(server) as http:
        gatherer = Gatherer(http, terminology=terminology)
        facts = await gatherer.gather(source, patient.id, searches(*concepts), at, 30)
    wanted = (slot(concept, Select.ANY, closed_world=True, ever=True) for concept in concepts)
    return {each.concept.id: facts.select(each, at, at).value for each in wanted}


@pytest.mark.real_data
@pytest.mark.skipif(why_absent(MIMIC) is not None, reason=str(why_absent(MIMIC)))
async def test_the_folder_reads_what_the_descriptions_read(mapped: Terminology) -> None:
    """So the systems of one data set need not stand in the descriptions; without either nothing is known."""
    standard = [without_mimic(concept) for concept in as_shipped()]
    found: Counter[str] = Counter()
    noes = 0
    for patient in mimic_patients():
        if patient.last_observation is None:
            continue
        by_map = await told(patient, standard, mapped)
        assert by_map == await told(patient, as_shipped(), Terminology())
        neither = await told(patient, standard, Terminology())
        assert set(neither.values()) == {Absent(AbsentReason.UNCONVERTIBLE)}
        found.update(concept for concept, value in by_map.items() if value is True)
        noes += sum(value is False for value in by_map.values())
    assert found == {
        "hypertension": 18,
        "suspected-infection": 16,
        "diabetes": 11,
        "acute-kidney-injury": 9,
        "heart-failure": 8,
        "vascular-disease": 5,
        "atrial-fibrillation": 4,
        "dialysis": 2,
        "chronic-dialysis": 2,
        "end-stage-kidney-disease": 2,
        "stroke-tia-thromboembolism": 2,
        "spinal-cord-injury": 1,
        "amputation": 1,
        "acute-organ-failure": 6,
        "copd": 3,
        "ischaemic-heart-disease": 3,
        "liver-cirrhosis": 3,
        "acute-myocardial-infarction": 2,
        "cardiogenic-shock": 2,
        "intracranial-haemorrhage": 1,
        "lung-cancer": 1,
    }
    assert noes > 500
