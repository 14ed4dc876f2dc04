"""All third-party patients, asked for every computed concept over one real FHIR server."""

from collections import Counter
from dataclasses import dataclass

from fixtures.ehr import Ehr
from fixtures.real_data import MIMIC, SYNTHEA, RealPatient, mimic_patients, synthea_patients, why_absent
from ontology.values import Absent
from server.executor.trace import BoundInput, Trace
from server.explain.results import AnswerResult, Status
from tests.support.proof_questions import ProofQuestion, ask_over_http, every_concept, execution, results_by_concept

WHY_ABSENT = why_absent(SYNTHEA) or why_absent(MIMIC)


@dataclass(frozen=True)
class RealAnswer:
    """A patient and what was answered about them."""

    patient: RealPatient
    trace: Trace
    results: dict[str, AnswerResult]

    def input(self, concept: str, slot: str) -> BoundInput:
        """What filled a slot of the module that answers for the concept."""
        return execution(self.trace, concept).inputs[slot]

    def filled(self, concept: str, slot: str) -> bool:
        """Whether the slot has a value."""
        return not isinstance(self.input(concept, slot).value, Absent)


Answers = dict[str, list[RealAnswer]]


def ask_of_all(ehr: Ehr) -> Answers:
    """The answers by source of the data, each patient as of when their last observation was known."""
    patients = {"synthea": list(synthea_patients()), "mimic": list(mimic_patients())}
    ehr.load([resource for found in patients.values() for each in found for resource in each.resources])
    questions = [
        ProofQuestion(each.id, each.id, each.last_observation, every_concept())
        for found in patients.values()
        for each in found
        if each.last_observation is not None
    ]
    traces = ask_over_http(ehr.base_url, questions)
    return {
        source: [RealAnswer(each, traces[each.id], results_by_concept(traces[each.id])) for each in found]
        for source, found in patients.items()
    }


def status_counts(answers: list[RealAnswer], concept: str) -> Counter[Status]:
    """How often each status was answered."""
    return Counter(answer.results[concept].status for answer in answers)


def filled_slot_counts(answers: list[RealAnswer], concept: str) -> dict[str, int]:
    """For each slot of the module that answers for the concept, of how many patients it has a value."""
    counts = {
        slot: sum(answer.filled(concept, slot) for answer in answers)
        for slot in execution(answers[0].trace, concept).inputs
    }
    return {slot: count for slot, count in counts.items() if count}
