"""Seals: whoever has the key can tell that nothing in an exported argument was changed, added or taken away."""

from dataclasses import replace

import pytest
from rdflib import Graph

from server.executor.cache.encryption import Keyring
from server.explain.prov import argument_graph, serialize_graphs, serialize_result
from server.explain.prov.read_export import read_export
from server.explain.prov.seal import SealCheck, check_seal
from server.explain.prov.serialize import Form
from tests.support import traces as t
from tests.support.exported_arguments import KEY, NAMES, SEALED, exported_result, with_comparisons

FORMS: tuple[Form, ...] = ("turtle", "json-ld")
SEALED_CHAIN = serialize_result(with_comparisons(exported_result("chain", SEALED)))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", NAMES)
def test_what_was_not_changed_is_valid(name: str, form: Form) -> None:
    text = serialize_result(exported_result(name, SEALED), form)
    assert check_seal(text, form, KEY) is SealCheck.VALID
    assert check_seal(text, form, b"l" * 32) is SealCheck.BROKEN
    (said,) = read_export(text, form)
    assert said.seal is not None and len(said.seal) == 64


def test_layout_and_form_do_not_matter() -> None:
    again = Graph().parse(data=SEALED_CHAIN, format="turtle").serialize(format="nt")
    assert check_seal(again, "turtle", KEY) is SealCheck.VALID


def test_several_in_one_file_keep_their_seals() -> None:
    results = [with_comparisons(exported_result("chain", SEALED)), *(exported_result(name, SEALED) for name in NAMES)]
    for form in FORMS:
        assert check_seal(serialize_graphs(map(argument_graph, results), form), form, KEY) is SealCheck.VALID


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
    assert check_seal(SEALED_CHAIN.replace(said, instead), "turtle", KEY) is SealCheck.BROKEN


def test_an_unsealed_argument_beside_a_sealed_one_is_broken() -> None:
    mixed = serialize_graphs(
        [argument_graph(exported_result("chain", SEALED)), argument_graph(exported_result("score"))]
    )
    assert check_seal(mixed, "turtle", KEY) is SealCheck.BROKEN


def test_without_a_configured_key_there_is_none() -> None:
    assert check_seal(serialize_result(exported_result("chain")), "turtle", KEY) is SealCheck.NONE
    assert Keyring.from_secret(None).argument_seal_key is None
    ring = Keyring.from_secret(b"s" * 32)
    assert ring.argument_seal_key == ring.argument
    assert len({ring.fingerprint, ring.seen, ring.seal, ring.scope, ring.argument}) == 5
    assert "sealing" not in repr(replace(t.UNDER, seal_key=KEY))


def test_the_seal_is_no_part_of_the_name() -> None:
    names = [
        read_export(serialize_result(exported_result("chain", under)), "turtle")[0].iri for under in (t.UNDER, SEALED)
    ]
    assert names[0] == names[1]
