"""Concepts found by words, and the words themselves."""

from collections import Counter
from pathlib import Path

import pytest
from rdflib import RDF, SKOS, Graph

from ontology.concepts import AcceptedCode, Concept, Origin, ValueType
from ontology.values import Coding
from server.catalog.concept_search import find_concepts
from server.catalog.turtle import MPM
from tests.support.engine_questions import shipped

SYNONYMS = Path(__file__).parents[2] / "ontology/synonyms.ttl"


def concept(id_: str, display: str, origin: Origin = Origin.OBSERVATION, *synonyms: str, code: str = "") -> Concept:
    accepted = (AcceptedCode(Coding("http://loinc.org", code)),) if code else ()
    return Concept(f"x#{id_}", id_, display, origin, ValueType.QUANTITY, accepted=accepted, synonyms=synonyms)


SOME = (
    concept("egfr", "Estimated GFR", Origin.COMPUTED, "Kidney function"),
    concept("recorded-egfr", "Laboratory-reported eGFR", Origin.OBSERVATION, "eGFR", code="33914-3"),
    concept("kfre-2y", "Risk of kidney failure within 2 years", Origin.COMPUTED, "KFRE"),
    concept("kfre-5y", "Risk of kidney failure within 5 years", Origin.COMPUTED, "KFRE"),
    concept("pulse", "Heart rate", Origin.OBSERVATION, "HR"),
)


@pytest.mark.parametrize(
    ("search", "computed", "ids"),
    [
        ("egfr", None, "egfr recorded-egfr"),
        ("  EGFR ", None, "egfr recorded-egfr"),
        ("gfr", None, "egfr recorded-egfr"),
        ("kfre", None, "kfre-2y kfre-5y"),
        ("kidney", None, "egfr kfre-2y kfre-5y"),
        ("kidney failure", None, "kfre-2y kfre-5y"),
        ("failure kidney 5", None, "kfre-5y"),
        ("33914-3", None, "recorded-egfr"),
        ("33914", None, "recorded-egfr"),
        ("kidney pulse", None, ""),
        ("", True, "egfr kfre-2y kfre-5y"),
        ("", False, "pulse recorded-egfr"),
        ("", None, "egfr kfre-2y kfre-5y pulse recorded-egfr"),
        ("egfr", False, "recorded-egfr"),
        ("egfr", True, "egfr"),
    ],
)
def test_what_is_found_and_in_which_order(search: str, computed: bool | None, ids: str) -> None:
    assert [each.id for each in find_concepts(SOME, search, computed)] == ids.split()


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("KFRE", {"kidney-failure-risk-2y", "kidney-failure-risk-5y"}),
        ("eGFR", {"egfr", "recorded-egfr"}),
        ("BP", {"systolic-bp", "diastolic-bp", "mean-blood-pressure"}),
        ("NEWS", {"news2"}),
        ("ACR", {"uacr", "recorded-uacr"}),
        ("SBP", {"systolic-bp"}),
        ("HR", {"heart-rate"}),
        ("Sats", {"spo2"}),
        ("WBC", {"leucocytes"}),
        ("BUN", {"urea-nitrogen"}),
        ("A1c", {"hba1c", "hba1c-ifcc"}),
        ("HTN", {"hypertension"}),
        ("MI", {"acute-myocardial-infarction"}),
        ("DOB", {"birth-date"}),
    ],
)
def test_the_words_of_clinicians_name_what_they_mean(word: str, meant: set[str]) -> None:
    exact = {each.id for each in shipped().concepts.values() if word in (*each.synonyms, each.display)}
    assert exact == meant
    best = find_concepts(shipped().concepts.values(), word)
    assert {each.id for each in best[: len(meant)]} == meant


def test_every_word_is_one_of_a_concept_and_says_more_than_its_label() -> None:
    graph = Graph().parse(SYNONYMS)
    by_iri = {each.iri: each for each in shipped().concepts.values()}
    assert set(graph.predicates()) == {SKOS.altLabel}
    for node, word in graph.subject_objects(SKOS.altLabel):
        assert str(word).casefold() != by_iri[str(node)].display.casefold()
        assert str(word) == " ".join(str(word).split())
    assert all(
        Counter(map(str.casefold, each.synonyms)).most_common(1)[0][1] == 1 for each in by_iri.values() if each.synonyms
    )
    assert len(set(graph.subjects())) > 100
    assert (None, RDF.type, MPM.ComputedConcept) not in graph
