"""By its identifier a receiver knows an answer that it has already: another answer must have another."""

from dataclasses import replace
from decimal import Decimal
from itertools import combinations

import pytest

from ontology.values import Absent, AbsentReason, Quantity
from server.executor.trace import BoundInput
from server.explain.dependencies import Dependencies
from server.explain.explain import explain
from server.explain.fhir import bundle
from tests.support import traces as t
from tests.support.model_result import MODEL_DESCRIPTION


def quantity(value: str) -> Quantity:
    return Quantity(Decimal(value), "mg/dL")


def unversioned(value: str) -> BoundInput:
    found = t.record(t.CREATININE, quantity(value))
    assert found.source is not None
    return t.filled(t.CREATININE_SLOT, quantity(value), replace(found, source=replace(found.source, version=None)))


READ = {
    "none": t.NO_CREATININE,
    "unreachable": t.filled(t.CREATININE_SLOT, Absent(AbsentReason.UNREACHABLE)),
    "recorded": unversioned("1.6"),
    "recorded otherwise, as a source without versions tells it": unversioned("1.7"),
    "assumed": t.filled(t.CREATININE_SLOT, quantity("1.6"), assumed=True),
    "assumed otherwise": t.filled(t.CREATININE_SLOT, quantity("1.7"), assumed=True),
}


def identifier(leaf: BoundInput) -> str:
    made = bundle(explain(t.trace((), leaves=(leaf,)), t.interpret)[0])
    name = made["entry"][0]["fullUrl"]
    assert made["entry"][0]["resource"]["identifier"] == [{"system": "urn:ietf:rfc:3986", "value": name}]
    return str(name)


@pytest.mark.parametrize(("one", "other"), list(combinations(READ, 2)))
def test_facts_that_were_read_otherwise_have_other_names(one: str, other: str) -> None:
    assert identifier(READ[one]) == identifier(READ[one])
    assert identifier(READ[one]) != identifier(READ[other])


def test_a_model_for_care_on_another_is_not_called_the_reason_to_keep_it_out() -> None:
    """A model that is for use in care, and takes from one for demonstration, is itself no such model."""
    shown = replace(t.EGFR_MODULE, model=MODEL_DESCRIPTION)
    cared = replace(t.KFRE_MODULE, model=replace(MODEL_DESCRIPTION, maturity="clinical"))
    below = replace(t.egfr_run(), description=shown)
    given = BoundInput(t.EGFR_SLOT, t.GFR, steps=(0,))
    risk = t.run(cared, (given, t.uacr(), t.region()), t.RISK)
    made = bundle(explain(t.trace((below, risk), goals=(1,)), t.interpret)[0])
    notes = [note["text"] for note in made["entry"][0]["resource"]["note"]]
    assert notes[1] == ("Not to be written into a record: it rests on a demonstration model, not for clinical use.")
    assert not any(
        "Not to be written" in note and "for clinical use within the limits of its card" in note for note in notes
    )


def test_the_steps_of_an_answer_are_looked_up_once_however_many_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """With one walk over all steps for each part, a long series would cost its length times its parts."""
    points, walked = 300, []
    result = explain(t.slope_trace(points), t.interpret)[0]
    assert len(result.chain) == points + 1
    steps = Dependencies.steps

    def counted(self: Dependencies, position: int, all_slots: bool = True) -> tuple[int, ...]:
        walked.append(len(found := steps(self, position, all_slots)))
        return found

    monkeypatch.setattr(Dependencies, "steps", counted)
    bundle(result)
    assert sum(walked) < 5 * points
