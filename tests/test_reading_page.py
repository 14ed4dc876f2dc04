"""docs/reading.md says what is read, and no other."""

import re
import tomllib
from decimal import Decimal
from pathlib import Path

import pytest

from collectors.diagnostic_report import read as report
from collectors.observation import acceptance
from collectors.observation.elements import RARE_VALUES
from collectors.observation.sampled_data import MAX_SAMPLES
from collectors.observation.values import UNKNOWN_REASONS, UNUSABLE_REASONS
from collectors.questionnaire_response import read as questionnaire
from collectors.search import CollectorDescription, Meaning
from ontology.units import convert
from ontology.units.ucum import spelling_table
from tests.support.engine_questions import shipped

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "reading.md").read_text(encoding="utf-8")
SPELLINGS = tomllib.loads((ROOT / "ontology" / "units" / "spellings.toml").read_text(encoding="utf-8"))["spellings"]


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading."""
    section = TEXT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_every_spelling_is_shown() -> None:
    shown = {code.strip("`"): re.findall(r"`([^`]+)`", written) for code, written in rows("Spellings of units")}
    assert shown == {code: written for code, written in SPELLINGS.items() if written}
    assert {text for written in shown.values() for text in written} < set(spelling_table())


def test_every_reason_for_an_absence_is_shown() -> None:
    found = rows("Values that are not given (`dataAbsentReason`)")
    shown = {code.strip("`"): (says, read) for code, says, read in found}
    assert {code: says for code, (says, _) in shown.items()} == {**UNKNOWN_REASONS, **UNUSABLE_REASONS}
    assert {code for code, (_, read) in shown.items() if read.startswith("unknown")} == set(UNKNOWN_REASONS)


@pytest.mark.parametrize(
    ("record", "settled", "early"),
    [
        ("Observation", acceptance.ACCEPTED_STATUSES - {"preliminary"}, {"preliminary"}),
        ("DiagnosticReport", report.ACCEPTED_STATUSES, report.PRELIMINARY_STATUSES),
        ("QuestionnaireResponse", questionnaire.ACCEPTED_STATUSES, set(questionnaire.PRELIMINARY_NOTES)),
    ],
)
def test_every_status_is_shown(record: str, settled: set[str], early: set[str]) -> None:
    (row,) = (cells for cells in rows("Which records count") if cells[0].startswith(record))
    assert set(re.findall(r"`([a-z-]+)`", row[1])) == set(settled)
    assert set(re.findall(r"`([a-z-]+)`", row[2])) == set(early)


DESCRIBED = [each for each in shipped().collectors.values() if each.layout is not None]


@pytest.mark.parametrize("description", DESCRIBED, ids=lambda each: each.id)
def test_every_state_of_a_described_type_is_shown(description: CollectorDescription) -> None:
    name = description.resource_type + (" as a draft order" if description.comes_with_question else "")
    (row,) = (cells for cells in rows("Which records count") if cells[0].split(" (")[0] == name)
    yes, no = (set(re.findall(r"`([a-z-]+)`", row[column])) for column in (1, 3))
    assert description.layout is not None
    # What an order is, and is not, is told in words.
    states = [each for each in description.layout.states if each.path not in ("intent", "doNotPerform")]
    meanings = {code: meaning for state in states for code, meaning in state.meanings.items()}
    assert yes <= {code for code, meaning in meanings.items() if meaning is Meaning.COUNTS} and yes
    assert no == {code for code, meaning in meanings.items() if meaning is not Meaning.COUNTS}


def test_every_type_of_value_is_shown() -> None:
    shown = " ".join(cells[0] for cells in rows("Values of Observations, components and answers")).lower()
    for name in (*RARE_VALUES, "valueQuantity", "valueCodeableConcept", "valueString", "valueBoolean", "valueInteger"):
        assert name.removeprefix("value").lower() in shown
    assert f"{MAX_SAMPLES:,}" in TEXT


def test_the_millimetre_of_mercury_is_as_shown() -> None:
    assert convert(Decimal(1), "mm[Hg]", "Pa") == Decimal("133.322387415")
    assert "133.322387415 Pa" in TEXT
