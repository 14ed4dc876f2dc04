"""Seals: whoever has the key can tell that nothing in an exported argument was changed, added or taken away."""

from dataclasses import replace

import pytest
from rdflib import Graph

from server.executor.cache.keys import Keyring
from server.explain.prov import graph, provenance, written
from server.explain.prov.read import read
from server.explain.prov.seal import SealFit, seal_of
from server.explain.prov.writing import Form
from tests.support import traces as t
from tests.support.exported import KEY, NAMES, SEALED, result_of, with_comparisons

FORMS: tuple[Form, ...] = ("turtle", "json-ld")
SEALED_CHAIN = provenance(with_comparisons(result_of("chain", SEALED)))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", NAMES)
def test_what_was_not_changed_fits(name: str, form: Form) -> None:
    text = provenance(result_of(name, SEALED), form)
    assert seal_of(text, form, KEY) is SealFit.FITS
    assert seal_of(text, form, b"l" * 32) is SealFit.BROKEN
    (said,) = read(text, form)
    assert said.seal is not None and len(said.seal) == 64


def test_layout_and_form_do_not_matter() -> None:
    again = Graph().parse(data=SEALED_CHAIN, format="turtle").serialize(format="nt")
    assert seal_of(again, "turtle", KEY) is SealFit.FITS


def test_several_in_one_file_keep_their_seals() -> None:
    results = [with_comparisons(result_of("chain", SEALED)), *(result_of(name, SEALED) for name in NAMES)]
    for form in FORMS:
        assert seal_of(written(map(graph, results), form), form, KEY) is SealFit.FITS


@pytest.mark.parametrize(
    ("said", "instead"),
    [
        ("prov:value 9.12 ", "prov:value 9.13 "),
        ("prov:value 1.6 ", "prov:value 1.60 "),
        ("obs-1/_history/3", "obs-1/_history/4"),
        ("Patient/p-17", "Patient/p-18"),
        ("Estimated GFR module", "Another module"),
        ("mpm:assumed true", "mpm:assumed false"),
        ("2026-06-01T08:30:00+00:00", "2026-06-01T08:30:01+00:00"),
        ("eGFR is below 60", "eGFR is below 45"),
        ("mpm:amount -0.0000001", "mpm:amount -0.0000002"),
        (
            "a:answer a prov:Entity,",
            "<http://127.0.0.1:8191/fhir/Patient/p-17> a prov:Entity . a:answer a prov:Entity,",
        ),
        ("a:answer a prov:Entity,", "<urn:beside> a prov:Entity . a:answer a prov:Entity,"),
        ("a:step-0.creatinine,", ""),
        ("mpm:seal ", 'mpm:seal "00", '),
    ],
)
def test_any_change_breaks_it(said: str, instead: str) -> None:
    assert said in SEALED_CHAIN
    assert seal_of(SEALED_CHAIN.replace(said, instead), "turtle", KEY) is SealFit.BROKEN


def test_an_unsealed_argument_beside_a_sealed_one_does_not_fit() -> None:
    mixed = written([graph(result_of("chain", SEALED)), graph(result_of("score"))])
    assert seal_of(mixed, "turtle", KEY) is SealFit.BROKEN


def test_without_a_configured_key_there_is_none() -> None:
    assert seal_of(provenance(result_of("chain")), "turtle", KEY) is SealFit.NONE
    assert Keyring.of(None).sealing is None
    ring = Keyring.of(b"s" * 32)
    assert ring.sealing == ring.argument
    assert len({ring.fingerprint, ring.seen, ring.seal, ring.scope, ring.argument}) == 5
    assert "sealing" not in repr(replace(t.UNDER, sealing=KEY))


def test_the_seal_is_no_part_of_the_name() -> None:
    names = [read(provenance(result_of("chain", under)), "turtle")[0].iri for under in (t.UNDER, SEALED)]
    assert names[0] == names[1]
