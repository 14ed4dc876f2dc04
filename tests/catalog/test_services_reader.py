"""Services from their Turtle: what each fault is called, that a folder of its own will do, and what is shipped."""

from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest

from ontology.concepts import Origin, ValueType
from ontology.values import Coding
from server.catalog.catalog import ROOT, load_catalog
from server.catalog.modules import DescriptionFile
from server.catalog.services import CardRule, Hook, Indicator, Service
from server.catalog.services_reader import Offer, misplaced_descriptions, read_services
from server.catalog.source_lines import read_marked_turtle
from server.errors import CatalogError
from tests.support.descriptions import copy_descriptions, make_concept
from tests.support.engine_questions import shipped

OURS = "https://medtwin.example/codes"
PREFIXES = """@prefix mpm: <https://medtwin.example/mpm#> .
@prefix dcterms: <http://purl.org/dc/terms/> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
"""
SERVICE = (
    PREFIXES
    + """
<#ward> a mpm:HookService ; mpm:id "ward" ; owl:versionInfo "1.0.0" ; mpm:hook "patient-view" ;
  dcterms:title "Ward"@en ; dcterms:description "For tests."@en ; mpm:comparedWith "P1D"^^xsd:duration ;
  mpm:card (
    [ mpm:concept mpm:News2 ; mpm:indicator "critical" ; rdfs:label "Deterioration" ;
      mpm:band [ mpm:system "https://medtwin.example/codes" ; mpm:code "news2-high" ] ]
    [ mpm:concept mpm:AkiStage ; mpm:indicator "info" ; mpm:also mpm:Metformin , mpm:AceInhibitor ;
      mpm:band [ mpm:system "https://medtwin.example/codes" ; mpm:code "aki-stage-2" ] ,
        [ mpm:system "https://medtwin.example/codes" ; mpm:code "aki-stage-3" ] ]
    [ mpm:concept mpm:AkiEpisode ; mpm:indicator "warning" ] ) ;
  mpm:overrideReason mpm:AlreadyKnown ,
    [ mpm:system "urn:ward" ; mpm:code "z" ; rdfs:label "Something else" ] .
"""
)


@cache
def offer() -> Offer:
    catalog = shipped()
    ontology = read_marked_turtle((ROOT / "ontology/override_reasons.ttl").read_bytes(), OURS)
    order = replace(make_concept("Order", ValueType.FLAG), id="order", origin=Origin.DRAFT_ORDER)
    concepts = (*catalog.concepts.values(), order)
    return Offer(concepts, catalog.modules.values(), catalog.collectors.values(), [ontology])


def _files(*turtles: str) -> dict[str, DescriptionFile]:
    return {
        f"modules/m{number}/service.ttl": DescriptionFile(
            Path(f"modules/m{number}"),
            read_marked_turtle(turtle.encode(), f"https://medtwin.example/modules/m{number}"),
            turtle,
            digest="",
            code_digest="",
        )
        for number, turtle in enumerate(turtles)
    }


def read(*turtles: str) -> tuple[dict[str, Service], list[str]]:
    faults: list[str] = []
    return read_services(_files(*turtles), offer(), faults), faults


def test_everything_that_is_written_is_read() -> None:
    services, faults = read(SERVICE)
    assert faults == []
    high = Coding(OURS, "news2-high", "High")
    stages = (Coding(OURS, "aki-stage-2"), Coding(OURS, "aki-stage-3"))
    assert services["ward"] == Service(
        iri="https://medtwin.example/modules/m0#ward",
        id="ward",
        version="1.0.0",
        hook=Hook.PATIENT_VIEW,
        title="Ward",
        description="For tests.",
        rules=(
            CardRule("news2", (high,), Indicator.CRITICAL, title="Deterioration"),
            CardRule("aki-stage", stages, Indicator.INFO, also=("ace-inhibitor", "metformin")),
            CardRule("aki-episode", (), Indicator.WARNING),
        ),
        compared_with=timedelta(days=1),
        override_reasons=(Coding(OURS, "already-known"), Coding("urn:ward", "z")),
    )
    assert services["ward"].rules[0].bands[0].display == "High"
    assert [reason.display for reason in services["ward"].override_reasons] == [
        "Already known, will monitor",
        "Something else",
    ]
    assert services["ward"].concepts == ("news2", "aki-stage", "ace-inhibitor", "metformin", "aki-episode")


FIRST = '[ label "Deterioration" ]'
# What is replaced, by what, and the whole fault: its line is that on which the replacement stands.
FAULTS = [
    ('"patient-view"', '"patient-veiw"', 'm0#ward: mpm:hook: there is no "patient-veiw"; did you mean patient-view?'),
    (
        '"patient-view"',
        '"appointment-book"',
        'm0#ward: mpm:hook: there is no "appointment-book"; it is one of patient-view, encounter-start,'
        " encounter-discharge, order-select, order-sign",
    ),
    ('"critical"', '"critcal"', f'{FIRST}: mpm:indicator: there is no "critcal"; did you mean critical?'),
    (
        '"critical"',
        '"hard-stop"',
        f'{FIRST}: mpm:indicator: there is no "hard-stop"; it is one of critical, warning, info',
    ),
    (
        "mpm:concept mpm:News2",
        "mpm:concept mpm:News3",
        f"{FIRST}: mpm:concept: no concept mpm:News3 is declared (did you mean mpm:News2?)",
    ),
    (
        '"news2-high"',
        '"news2-hihg"',
        f"{FIRST}: mpm:band: {OURS}|news2-hihg is no band of news2; did you mean news2-high?",
    ),
    (
        '"news2-high"',
        '"2"',
        f"{FIRST}: mpm:band: {OURS}|2 is no band of news2, which has news2-high, news2-medium, news2-low-medium,"
        " news2-low, news2-zero",
    ),
    (
        'mpm:system "https://medtwin.example/codes" ; mpm:code "news2-high"',
        'mpm:system "urn:else" ; mpm:code "news2-high"',
        f"{FIRST}: mpm:band: urn:else|news2-high is no band of news2; did you mean news2-high?",
    ),
    (
        "mpm:concept mpm:News2",
        "mpm:draft mpm:Metformin ; mpm:concept mpm:News2",
        f"{FIRST}: mpm:draft: patient-view has no draft orders; order-select and order-sign have",
    ),
    (
        "mpm:AlreadyKnown",
        "mpm:AlreadyKnow",
        "m0#ward: mpm:overrideReason: no mpm:AlreadyKnow is declared (did you mean mpm:AlreadyKnown?)",
    ),
    ('"P1D"', '"-P1D"', "m0#ward: mpm:comparedWith is not more than nothing"),
    ('"P1D"', '"PT0S"', "m0#ward: mpm:comparedWith is not more than nothing"),
]


@pytest.mark.parametrize(("written", "instead", "fault"), FAULTS)
def test_a_fault_names_file_line_node_and_rule_and_what_was_meant(written: str, instead: str, fault: str) -> None:
    assert written in SERVICE
    changed = SERVICE.replace(written, instead, 1)
    services, faults = read(changed)
    assert services == {}
    start = "    [ mpm:" if fault.startswith(FIRST) else "<#ward>"
    line = next(number for number, text in enumerate(changed.splitlines(), 1) if text.startswith(start))
    assert faults[0] == f"modules/m0/service.ttl: line {line}: {fault}"


@pytest.mark.parametrize(
    ("written", "rule"),
    [
        (' ; rdfs:label "Something else"', "label is missing"),
        ('mpm:code "z" ;', "mpm:code is missing"),
        ('mpm:system "urn:ward" ;', "mpm:system is missing"),
    ],
)
def test_a_reason_has_system_code_and_label(written: str, rule: str) -> None:
    """CDS-100, CDS-136, CDS-216, CDS-217, CDS-219: what is offered can be read, and told apart."""
    assert written in SERVICE
    services, (fault,) = read(SERVICE.replace(written, ""))
    assert services == {} and fault.endswith(rule)


def test_nothing_is_said_or_offered_twice() -> None:
    again = SERVICE.replace(
        '"aki-stage-3" ] ]', '"aki-stage-3" ] ] [ mpm:concept mpm:AkiEpisode ; mpm:indicator "info" ]'
    )
    line = next(
        number for number, text in enumerate(again.splitlines(), 1) if text.startswith("    [ mpm:concept mpm:AkiEp")
    )
    assert read(again)[1] == [
        f"modules/m0/service.ttl: line {line}: mpm:card of m0#ward: aki-episode has a card in this band already"
    ]
    own = '[ mpm:system "https://medtwin.example/codes" ; mpm:code "already-known" ; rdfs:label "Known" ]'
    _, (fault,) = read(SERVICE.replace("mpm:AlreadyKnown", f"mpm:AlreadyKnown , {own}"))
    assert fault.endswith("mpm:overrideReason: already-known is there twice")


def test_a_description_that_nothing_would_read_is_a_fault() -> None:
    service, module = _files(SERVICE), PREFIXES + '<#module> a mpm:RuleModule ; mpm:id "rule" .'
    assert list(misplaced_descriptions(service, {})) == []
    misplaced = {"modules/m0/module.ttl": service["modules/m0/service.ttl"]}
    assert list(misplaced_descriptions(_files(module), misplaced)) == [
        "modules/m0/module.ttl: line 7: m0#ward: a service stands in a service.ttl",
        "modules/m0/service.ttl: line 6: m0#module: a module stands in a module.ttl",
    ]


def test_all_faults_of_a_service_are_named_at_once() -> None:
    _, faults = read(SERVICE.replace("mpm:News2", "mpm:Nonsense").replace('"warning"', '"loud"').replace("-view", ""))
    assert len(faults) == 3


CARD = """[ mpm:concept {concept} ; mpm:indicator "{indicator}" {more} ]"""


def read_card(concept: str, indicator: str = "info", more: str = "", hook: str = "order-sign") -> list[str]:
    card = CARD.format(concept=concept, indicator=indicator, more=more)
    head = SERVICE[: SERVICE.index("  mpm:card")].replace("patient-view", hook)
    return [fault.split("service.ttl: ")[1] for fault in read(f"{head} mpm:card ( {card} ) .")[1]]


def band(code: str) -> str:
    return f'; mpm:band [ mpm:system "{OURS}" ; mpm:code "{code}" ]'


@pytest.mark.parametrize(
    ("concept", "indicator", "more", "rules"),
    [
        # A card speaks of a band, or of what is true: of a bare number it could say nothing.
        ("mpm:News2", "info", "", ["mpm:band is missing: only what is true or false needs none, news2 does"]),
        ("mpm:GfrCategory", "info", "", ["mpm:band is missing: only what is true or false needs none,"]),
        ("mpm:AkiEpisode", "info", "", []),
        ("mpm:OralAnticoagulant", "info", "", []),
        ("mpm:GfrCategory", "critical", band("G5"), []),
        ("mpm:GfrCategory", "critical", band("gfr-kidney-failure"), []),
        ("mpm:AkiStage", "warning", band("aki-stage-3"), []),
        ("mpm:AkiStage", "critical", band("aki-severe"), []),
        ("mpm:AkiStage", "critical", band("aki-stage-3"), ["aki-stage-3 is not declared by mpm:outcomes"]),
        ("mpm:AkiEpisode", "critical", "", ["mpm:indicator: only a card with an mpm:band is critical"]),
        # No module says which codes it can give: a misspelt one would be silence.
        ("mpm:News2Consciousness", "info", band("130987000"), ["is no band of news2-consciousness, which has none"]),
        ("mpm:Spo2", "info", band("low"), ["is no band of spo2, which has none"]),
        ("mpm:Order", "info", "", ["order is a draft order, which mpm:draft names"]),
        ("mpm:AkiEpisode", "info", "; mpm:draft mpm:Order", []),
        ("mpm:AkiEpisode", "info", "; mpm:draft mpm:Metformin", ["metformin is no draft order"]),
        ("mpm:AkiEpisode", "info", "; mpm:draft mpm:Ordre", ["mpm:draft: no concept mpm:Ordre is declared"]),
        (
            "mpm:AkiEpisode",
            "info",
            "; mpm:also <https://medtwin.example/mpm#Order>",
            ["mpm:also: order is a draft order"],
        ),
        ("mpm:AkiEpisode", "info", "; mpm:also mpm:Metfromin", ["(did you mean mpm:Metformin?)"]),
    ],
)
def test_a_card_that_could_never_appear_or_too_loud_is_a_fault(
    concept: str, indicator: str, more: str, rules: list[str]
) -> None:
    concept = concept.replace("mpm:Order", "<https://medtwin.example/mpm#Order>")
    faults = read_card(concept, indicator, more)
    assert len(faults) == len(rules), faults
    assert all(rule in fault for rule, fault in zip(rules, faults, strict=True)), faults


@pytest.mark.parametrize("hook", list(Hook))
def test_only_hooks_of_orders_have_drafts(hook: Hook) -> None:
    faults = read_card("mpm:AkiEpisode", more="; mpm:draft mpm:Order", hook=hook)
    assert bool(faults) is (hook not in (Hook.ORDER_SELECT, Hook.ORDER_SIGN))
    assert all(f"{hook} has no draft orders" in fault for fault in faults)


def test_one_id_is_one_service_on_one_hook() -> None:
    """CDS-7, CDS-10: the hook is one, and the id names one service."""
    other = SERVICE.replace('"patient-view"', '"encounter-start"')
    _, faults = read(SERVICE, other)
    line = next(number for number, text in enumerate(other.splitlines(), 1) if text.startswith("<#ward>"))
    assert faults == [
        f"modules/m1/service.ttl: line {line}: m1#ward: a second service with the id ward, which is on patient-view"
    ]
    services, faults = read(SERVICE, other.replace('"ward"', '"ward-encounter-start"'))
    assert faults == [] and set(services) == {"ward", "ward-encounter-start"}


def test_a_file_without_a_service_is_a_fault() -> None:
    assert read(PREFIXES) == ({}, ["modules/m0/service.ttl: it describes no mpm:HookService"])


def test_what_nothing_can_answer_is_a_fault() -> None:
    catalog = shipped()
    without = [module for module in catalog.modules.values() if module.id != "news2"]
    collectors = [each for each in catalog.collectors.values() if each.origin != "MEDICATION"]
    small = Offer(catalog.concepts.values(), without, collectors, [])
    graph = read_marked_turtle(SERVICE.encode(), "https://medtwin.example/m")
    faults: list[str] = []
    files = {"m/service.ttl": DescriptionFile(Path("m"), graph, SERVICE, digest="", code_digest="")}
    assert read_services(files, small, faults) == {}
    assert sorted(fault.rpartition(": ")[2] for fault in faults)[:3] == [
        "no collector reads ace-inhibitor",
        "no collector reads metformin",
        "no module computes news2",
    ]


def write(folder: Path, turtle: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "service.ttl").write_text(turtle, encoding="utf-8")
    return folder.parent


WEIGHT = (
    PREFIXES
    + """
<#weight> a mpm:HookService ; mpm:id "weight" ; owl:versionInfo "1.0.0" ; mpm:hook "patient-view" ;
  dcterms:title "Weight"@en ; dcterms:description "For tests."@en ;
  mpm:card ( [ mpm:concept mpm:Bmi ; mpm:indicator "info" ;
    mpm:band [ mpm:system "https://medtwin.example/codes" ; mpm:code "obesity-class-3" ] ] ) .
"""
)


def test_a_service_may_stand_in_a_folder_of_its_own(tmp_path: Path) -> None:
    root = copy_descriptions(tmp_path / "house", "age", "bmi")
    codes = [outcome.coding.code for outcome in shipped().modules["bmi"].outcomes]
    turtle = WEIGHT.replace("obesity-class-3", codes[0])
    plain = load_catalog(root)
    assert plain.services == {}
    catalog = load_catalog(root, extra_modules=[write(tmp_path / "ours/weight", turtle)])
    assert catalog.services["weight"].rules[0].bands == (Coding(OURS, codes[0]),)
    assert catalog.digest != plain.digest
    assert catalog.modules.keys() == plain.modules.keys()


def test_a_bad_service_stops_the_start(tmp_path: Path) -> None:
    """The shapes first, then what it names."""
    root = copy_descriptions(tmp_path / "house", "age", "bmi")
    folder = tmp_path / "ours/weight"
    write(folder, WEIGHT.replace("mpm:indicator", "mpm:indicatr"))
    with pytest.raises(CatalogError, match=r"(?s)weight/service\.ttl: line \d+: .*did you mean mpm:indicator"):
        load_catalog(root, extra_modules=[folder.parent])
    (folder / "service.ttl").write_text(WEIGHT.replace('mpm:hook "patient-view" ;', ""))
    with pytest.raises(
        CatalogError, match=r"weight/service\.ttl: line 7: weight#weight: mpm:hook: a service is on one"
    ):
        load_catalog(root, extra_modules=[folder.parent])
    (folder / "service.ttl").write_text(WEIGHT)
    with pytest.raises(CatalogError) as caught:
        load_catalog(root, extra_modules=[folder.parent])
    assert caught.value.faults[0].startswith(
        "weight/service.ttl: line 9: mpm:card of weight#weight: mpm:band: https://medtwin.example/codes|"
    )
