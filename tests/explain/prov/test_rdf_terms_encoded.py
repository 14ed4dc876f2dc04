"""Whatever an address or a text holds, the graph is read back as it was written, in both forms."""

import random

import pyoxigraph as ox
import pytest

from server.explain.prov.graph import Graph
from server.explain.prov.json_ld import write_json_ld
from server.explain.prov.rdf_terms import DCTERMS, MPM, PREFIXES, RDF, RESULTS, Iri, iri, literal
from server.explain.prov.seal import graph_digest, quads_digest
from server.explain.prov.statements import parse_statements
from server.explain.prov.turtle import write_turtle

BASE = f"{RESULTS}0#"
HOSTILE = (
    *"\"'\\\n\r\t\b\f\0\x0b\x1b\x7f\x85 <>{}|^`%[]#?@:/.é",
    *("\u2028", "\u202e", "\ufeff", "\ufdd0", "\ufffe", "\ue000", "\U0001f600", "\U0010ffff"),
    *('"""', "%zz", "%2", "%41", "\\u0041", "_:", "@en", "^^<x>", "a:b", "mpm:value", "@id"),
)


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("https://ehr.example/fhir/Patient/p1", "https://ehr.example/fhir/Patient/p1"),
        ("http://[::1]:8080/fhir/Patient/p1", "http://[::1]:8080/fhir/Patient/p1"),
        ("http://h/a[1]?b[]#c[2]", "http://h/a%5B1%5D?b%5B%5D#c%5B2%5D"),
        ("http://h/a%20b%zz%2", "http://h/a%20b%25zz%252"),
        ("http://h/a#b#c", "http://h/a#b%23c"),
        ('http://h/<a> "b" {c} |^`\\', "http://h/%3Ca%3E%20%22b%22%20%7Bc%7D%20%7C%5E%60%5C"),
        ("https://doi.org/10.1002/(SICI)1097(1998)17:15<1661::AID>3.0", None),
        ("urn:uuid:0[1]", "urn:uuid:0%5B1%5D"),
    ],
)
def test_an_address_is_an_iri_that_parsers_take(address: str, written: str | None) -> None:
    made = iri(address)
    assert written is None or made.value == written
    [quad] = ox.parse(f"{made} <urn:a> {made} .", format=ox.RdfFormat.N_TRIPLES)
    assert str(quad.object) == made


@pytest.mark.parametrize("seed", range(200))
def test_hostile_words_are_read_back_as_they_were_written(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - no secrets

    def words() -> str:
        return "".join(chance.choice(HOSTILE) for _ in range(chance.randint(0, 8)))

    graph, answer, record = Graph(), Iri(f"{BASE}answer"), iri(f"https://ehr.example/{words()}")
    for term in (DCTERMS.description, MPM.rebuttal, MPM.rebuttal, MPM.value, MPM.time, MPM.start):
        graph.add((answer, term, literal(words())))
    graph.add((answer, MPM.subject, record))
    graph.add((record, RDF.type, MPM.Record))
    point = graph.new_blank()
    graph.add((answer, MPM.point, point))
    graph.add((point, MPM.unit, literal(words())))
    prefixes = {**PREFIXES, "a": BASE}
    for form, text in (("turtle", write_turtle(graph, prefixes)), ("json-ld", write_json_ld(graph, prefixes))):
        assert quads_digest(parse_statements(text, form), b"", b"t") == graph_digest(graph, b"", b"t"), form
