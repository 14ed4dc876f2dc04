"""Every text of a description that a clinician can meet: one idea a sentence, the standard word, no archaic phrase."""

import re
from pathlib import Path

import pytest
from rdflib import DCTERMS, RDFS, SKOS, Graph, Literal, Node, URIRef

from ontology.words.lists import begin_small

ROOT = Path(__file__).resolve().parents[2]
MPM = "https://medtwin.example/mpm#"
DESCRIPTIONS = sorted(
    [
        *ROOT.glob("modules/*/module.ttl"),
        *ROOT.glob("modules/*/card.ttl"),
        *ROOT.glob("modules/*/service.ttl"),
        *ROOT.glob("ontology/*.ttl"),
    ]
)
# Metamodels: their words are for developers.
NOT_CLINICAL = {"mpm.ttl", "argument.ttl", "shapes.ttl", "shapes_models.ttl", "shapes_services.ttl", "code_systems.ttl"}
MOST_WORDS = 20
# Notes are for whoever changes a description; the method of a metric is written by the training script.
NOT_SHOWN = {"note", "method", "id", "system", "code", "name", "unit", "acceptsUnit", "digest", "measure", "severity"}
# Trained models: their training script writes the card and part of the limits, which change with the model only.
TRAINED_CARDS = {path.parent / "card.ttl" for path in ROOT.glob("modules/*/train.py")}
WRITTEN = "cross-validation"
"""What the label of a calibration has, which that script writes."""
# Texts that stand as they are, with the reason.
EXCEPTIONS: dict[str, str] = {
    "none of the disease groups of SUPPORT is recorded: acute organ failure, heart failure, chronic obstructive"
    " pulmonary disease, cirrhosis, coma, cancer of the colon or the lung": "a list of diseases",
}
BANNED = (
    "not a no", "does not mean that it is not so", "does not hold", "do not hold", "denied by a record",
    "is not to be predicted", "likelier", "as fits", "as ever", "stay long", "told apart less well", "fare badly",
    "could not be had", "reckon", "minded", "whether it has risen", "goes on", "settle", "whole", "beside their",
    "says nothing", "tell fat", "is told", "are told", "to be read with", "must not be joined", "where it is likely",
    "at once", "is said to", "not known yet", "though it is", "though none", "was not what",
)  # fmt: skip


def texts(path: Path) -> list[tuple[str, str]]:
    """The texts of a file that a clinician can meet, with what they are; the names of codes are not ours."""
    graph = Graph().parse(path)
    codings = set(graph.subjects(URIRef(f"{MPM}system")))
    return sorted({(_name(verb), str(text)) for node, verb, text in graph if _is_shown(node, verb, text, codings)})


def _name(verb: Node) -> str:
    return re.split(r"[#/]", str(verb))[-1]


def _is_shown(node: Node, verb: Node, text: Node, codings: set[Node]) -> bool:
    ours = verb in (RDFS.label, SKOS.prefLabel, DCTERMS.description) or str(verb).startswith(MPM)
    return (
        isinstance(text, Literal)
        and ours
        and _name(verb) not in NOT_SHOWN
        and node not in codings
        and " " in text
        and WRITTEN not in text
    )


def sentences(text: str) -> list[str]:
    return [each for each in re.split(r"(?<=[.!?])\s+(?=[A-Z0-9])", text) if each]


def words(sentence: str) -> list[str]:
    """The words of a sentence: a number and its unit are one, and a citation is none."""
    plain = re.sub(r",? ?doi:[^\s);,]+", "", sentence)
    plain = re.sub(r"(\d) (%|mg|mm|kg|mL|L|µmol|mL/min)(?=[\s/²,.;)]|$)", r"\1\2", plain)
    return [each for each in plain.replace(" m²", "m²").split() if re.search(r"\w", each)]


SHOWN = {path: texts(path) for path in DESCRIPTIONS if path.name not in NOT_CLINICAL and path not in TRAINED_CARDS}
CASES = [
    pytest.param(kind, text, id=f"{path.relative_to(ROOT)}-{kind}-{text[:30]}")
    for path, found in SHOWN.items()
    for kind, text in found
]


@pytest.mark.parametrize(
    ("sentence", "count"),
    [
        ("an eGFR of 60 mL/min/1.73 m² or more", 6),
        ("risk of 3 to 5 %", 5),
        ("recommends against it (strong, doi:10.1097/CCM.0000000000005337)", 4),
        ("at 27 − 1", 3),
    ],
)
def test_how_words_are_counted(sentence: str, count: int) -> None:
    assert len(words(sentence)) == count


def test_every_description_is_looked_at() -> None:
    assert {path.parent.name for path in SHOWN} >= {path.parent.name for path in ROOT.glob("modules/*/module.ttl")}
    assert all(found for path, found in SHOWN.items() if path.name in ("module.ttl", "service.ttl"))
    assert set(EXCEPTIONS) <= {text for found in SHOWN.values() for _, text in found}


@pytest.mark.parametrize(("kind", "text"), CASES)
def test_a_sentence_has_at_most_20_words(kind: str, text: str) -> None:
    if text in EXCEPTIONS:
        return
    assert [each for each in sentences(text) if len(words(each)) > MOST_WORDS] == [], kind


@pytest.mark.parametrize(("kind", "text"), CASES)
def test_no_stiff_or_archaic_phrase(kind: str, text: str) -> None:
    assert [phrase for phrase in BANNED if re.search(rf"\b{re.escape(phrase)}", text.lower())] == [], kind


@pytest.mark.parametrize(("kind", "text"), [case for case in CASES if case.values[0] in ("prefLabel", "label")])
def test_a_label_can_stand_within_a_sentence(kind: str, text: str) -> None:
    # A single text, without a full stop in it, unless it is advice or several sentences.
    assert not text.endswith((";", ",", ":", "..")), kind
    assert begin_small(text) == text or text[0].isupper()
