"""A model's node fits the slots of its module, or is refused with what does not."""

from pathlib import Path

import pytest
from rdflib import Graph, URIRef

from ontology.values import Coding
from server.catalog.modules import read_slot
from server.catalog.trained_model import Explainer, TrainedModel
from server.catalog.trained_model_reader import read_trained_model
from server.catalog.turtle import MPM, NodeFault
from tests.support.engine_questions import shipped

TEMPLATE = (Path(__file__).parents[1] / "support/trained.ttl").read_text(encoding="utf-8")
SEVEN = "1 2 3 4 5 6 7"
MODULE = URIRef("https://medtwin.example/test#module")


def described() -> str:
    text = TEMPLATE.replace("@EXPLAINER@", "linear").replace("@TRUSTED@", "").replace("@UNCERTAINTY@", "")
    for name in ("QUANTILES0", "QUANTILES1", "QUANTILES2"):
        text = text.replace(f"@{name}@", SEVEN)
    return text.replace("@ARTEFACT@", "a" * 64).replace("@BACKGROUND@", "b" * 64).replace("@ID@", "x")


def read(turtle: str) -> TrainedModel | None:
    graph = Graph().parse(data=turtle, format="turtle", publicID="https://medtwin.example/test")
    concepts = {concept.iri: concept for concept in shipped().concepts.values()}
    slots = [read_slot(graph, node, concepts) for node in graph.objects(MODULE, MPM.slot)]
    return read_trained_model(graph, MODULE, slots)


def test_all_that_is_said_is_read() -> None:
    model = read(described())
    assert model is not None
    assert model.slots == ("creatinine", "temperature", "heart_rate", "sex", "dialysis")
    assert [feature.name for feature in model.features if feature.indicator] == ["dialysis_unknown"]
    assert list(map(str, model.features[0].quantiles)) == SEVEN.split()
    male, female = sorted(model.features[3].encodes, key=lambda pair: -pair[1])
    assert isinstance(male[0], Coding) and isinstance(female[0], Coding)
    assert (male[0].code, male[1], female[0].code, female[1]) == ("male", 1, "female", 0)
    assert (model.explainer, model.positive, model.least) == (Explainer.LINEAR, 1, 2)
    assert (model.slope, model.intercept, model.uncertainty, model.maturity) == (1, 0, None, "demonstration")
    assert model.rows is not None and model.rows.name == "background.json"
    assert [group.slots for group in model.correlated] == [("temperature", "heart_rate")]


def test_a_module_without_a_model_has_none() -> None:
    graph = Graph()
    assert read_trained_model(graph, MODULE, ()) is None


FAULTS = (
    ('mpm:file "model.skops"', 'mpm:file "../model.skops"', "the name of a file in the folder of the module"),
    ('mpm:file "background.json"', 'mpm:file "/etc/passwd"', "the name of a file in the folder of the module"),
    ('mpm:name "male"', 'mpm:name "creatinine"', "two features have one name"),
    ('mpm:fromSlot "creatinine"', 'mpm:fromSlot "temperature"', "no feature reads the slot creatinine"),
    ('mpm:fromSlot "creatinine"', 'mpm:fromSlot "cretinine"', "there is no slot cretinine that a model can read"),
    (
        'mpm:fromSlot "creatinine"',
        'mpm:fromSlot "kidney_transplant"',
        "no slot kidney_transplant that a model",
    ),
    (f"; mpm:quantiles ( {SEVEN} )", "", "mpm:quantiles are given for numbers"),
    ("( 1 2 3 4 5 6 7 )", "( 1 2 3 4 5 6 7 ) ; mpm:recordedTo 6", "no less than the last of mpm:quantiles"),
    ("mpm:shareMissing 0 ;", "mpm:shareMissing 0 ; mpm:recordedTo 1 ;", "no less than the last of mpm:quantiles"),
    ("( 1 2 3 4 5 6 7 )", "( 1 2 4 3 5 6 7 )", "seven numbers, least first"),
    ("( 1 2 3 4 5 6 7 )", "( 1 2 3 )", "seven numbers, least first"),
    ("( 1 2 3 4 5 6 7 )", '( 1 2 3 4 5 6 "many" )', "a list of numbers holds something else"),
    ('mpm:code "female" ] ; mpm:value 0', 'mpm:code "male" ] ; mpm:value 0', "two numbers for one value"),
    (
        'mpm:fromSlot "creatinine" ;',
        'mpm:fromSlot "creatinine" ; mpm:encodes [ mpm:means true ; mpm:value 1 ] ;',
        "mpm:encodes is for codes and truth values",
    ),
    (
        'mpm:select mpm:Any ; mpm:required false ] ,\n    [ mpm:name "kidney',
        'mpm:select mpm:Any ] ,\n    [ mpm:name "kidney',
        "an indicator of what is never missing: the slot dialysis is required",
    ),
    ("mpm:count 2", "mpm:count 4", "asks for more slots than it lists"),
    ('( "creatinine" "temperature" "heart_rate" )', '( "creatinine" "pulse" )', "no feature reads a slot pulse"),
    ("mpm:positiveClass 1 ;", "mpm:positiveClass 1.5 ;", "a whole number, a text or a truth value"),
    (
        "mpm:leastMeasured",
        'mpm:correlated [ rdfs:label "z" ; mpm:slots ( "creatinine" "heart_rate" ) ] ;\n    mpm:leastMeasured',
        "a slot is in two groups",
    ),
    (
        "mpm:leastMeasured",
        'mpm:uncertainty [ mpm:method "ensemble" ; rdfs:label "x" ] ;\n    mpm:leastMeasured',
        "an ensemble's interval has an mpm:level",
    ),
)


@pytest.mark.parametrize(("written", "instead", "says"), FAULTS)
def test_what_does_not_fit_is_named(written: str, instead: str, says: str) -> None:
    text = described()
    assert written in text
    with pytest.raises(NodeFault, match=says):
        read(text.replace(written, instead, 1))


def test_codes_need_their_numbers() -> None:
    begin = described().index("mpm:shareMissing 0 ;")
    end = described().index("mpm:value 0 ] ]") + len("mpm:value 0 ] ")
    with pytest.raises(NodeFault, match="says which number each code of sex is"):
        read(described()[:begin] + "mpm:shareMissing 0 " + described()[end:])
