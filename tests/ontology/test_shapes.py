"""Shapes: what exists passes, and each minimally broken description is refused with the rule that it breaks."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pyshacl
import pytest
from rdflib import RDF, SH, Graph

ROOT = Path(__file__).resolve().parents[2]

VALID = Path(__file__).with_name("valid.ttl").read_text(encoding="utf-8")

# What is replaced (its first occurrence), by what, and a part of the message that must then be given.
BROKEN = [
    ('mpm:id "amount"', 'mpm:id "Amount_1"', "mpm:id in kebab-case"),
    ('mpm:id "amount" ;', "", "mpm:id in kebab-case"),
    ('mpm:id "an-equation"', 'mpm:id "an--equation"', "mpm:id in kebab-case"),
    ('mpm:id "a-score" ;', "", "mpm:id in kebab-case"),
    ('skos:prefLabel "Amount"@en ;', "", "skos:prefLabel"),
    ('mpm:valueType "QUANTITY"', 'mpm:valueType "NUMBER"', "mpm:valueType is one of"),
    ('mpm:unit "mg/dL" ;', "", "valueType QUANTITY has an mpm:unit"),
    ('mpm:unit "{score}" .', 'mpm:note "" .', "valueType QUANTITY has an mpm:unit"),
    ("mpm:plausibleLow 1 ;", "mpm:plausibleLow 10 ;", "below mpm:plausibleHigh"),
    ("mpm:plausibleLow 1 ;", "", "says what is plausible"),
    ("mpm:plausibleHigh 9.5", 'mpm:plausibleHigh "9.5"', "a number without an exponent"),
    ("mpm:plausibleHigh 9.5", "mpm:plausibleHigh 9.5e0", "a number without an exponent"),
    ("mpm:molarMass 113.12", "mpm:molarMass 0", "mpm:molarMass"),
    ("mpm:reference 2.5", 'mpm:reference "usual"', "mpm:reference"),
    ('mpm:valueType "CODING" ;', 'mpm:valueType "CODING" ; mpm:molarMass 3 ;', "for a concept of valueType QUANTITY"),
    ('mpm:coding [ mpm:system "http://loinc.org" ;', "mpm:coding [", "coding node"),
    ('mpm:panel [ mpm:system "http://loinc.org" ; mpm:code "2-2" ]', 'mpm:panel "2-2"', "coding node"),
    ('mpm:accepts [ mpm:system "http://loinc.org"', 'mpm:accepts [ mpm:system "loinc"', "mpm:system is a URI"),
    ('mpm:accepts [ mpm:system "http://loinc.org" ;', "mpm:accepts [", "either one mpm:system or one mpm:systems"),
    ("mpm:systems <#icd> ;", 'mpm:systems <#icd> ; mpm:system "urn:x" ;', "either one mpm:system or one mpm:systems"),
    ("mpm:systems <#icd>", "mpm:systems <#other>", "lists code systems"),
    ('mpm:code "I48*"', 'mpm:code "I4*8"', "with * only at its end"),
    ('mpm:code "1-1" ; rdfs:label "amount" ;', 'mpm:code "1-1" ;', "one rdfs:label"),
    ("mpm:rank 1", "mpm:rank 1.5", "mpm:rank"),
    ("mpm:needsUnit true", 'mpm:needsUnit "yes"', "true or false"),
    ('mpm:recorded [ mpm:system "http://loinc.org" ; mpm:code "A" ] ;', "", "one mpm:recorded"),
    ('; mpm:means [ mpm:system "urn:x" ; mpm:code "B" ]', "", "one mpm:means"),
    (
        'mpm:means [ mpm:system "urn:x" ; mpm:code "B" ]',
        'mpm:means "B"',
        "coding (mpm:system, mpm:code) or a truth value",
    ),
    ('mpm:valueType "FLAG"', 'mpm:valueType "CODING"', "a condition is of valueType FLAG"),
    ('mpm:brandName "drugex"', 'mpm:brandName "abc"', "mpm:brandName is a name of at least four letters"),
    ('mpm:brandName "drugex"', 'mpm:brandName " drugex"', "mpm:brandName is a name of at least four letters"),
    ('mpm:brandName "drugex"', 'mpm:brandName "drugex"@en', "mpm:brandName is a name of at least four letters"),
    ('"born" ;', '"born" ; mpm:brandName "drugex" ;', "only a medication has names of products"),
    ('"born" ;', '"born" ; mpm:ingredientName "drugamab" ;', "only a medication has names of ingredients"),
    ('mpm:element "birthDate"', 'mpm:element "name"', "mpm:element"),
    ('"born" ;', '"born" ; mpm:accepts [ mpm:system "urn:x" ; mpm:code "x" ; rdfs:label "x" ] ;', "accept codes"),
    ('owl:versionInfo "1.0.0"', 'owl:versionInfo "1"', "owl:versionInfo such as"),
    ('owl:versionInfo "1.0.0" ;', "", "owl:versionInfo such as"),
    ('dcterms:title "Equation"@en ;', "", "dcterms:title"),
    ("dcterms:source <https://doi.org/10.1000/1> ;", "", "dcterms:source, its citation"),
    ('mpm:intendedUse "None."@en ; mpm:evaluationTime', "mpm:evaluationTime", "mpm:intendedUse"),
    ('mpm:produces mpm:Result ; mpm:unit "{score}" ;', "", "mpm:produces"),
    ("mpm:decimals 0", "mpm:decimals -1", "mpm:decimals"),
    ('"P1D"^^xsd:duration', '"P1D"', "mpm:evaluationTime"),
    ("mpm:prefer mpm:This", "mpm:prefer mpm:Recorded", "mpm:prefer of a module"),
    ('mpm:name "years"', 'mpm:name "5 years"', "an identifier in lower case"),
    ("mpm:value 5", 'mpm:value "five"', "a number without an exponent"),
    ("; mpm:value 5", "", "one mpm:value"),
    ('"PT30M"^^xsd:duration', '"half an hour"', "mpm:duration"),
    ('( "amount" "state" )', '( "amount" )', "at least two mpm:slots"),
    ('mpm:resultSlot "amount" ;', "", "one mpm:resultSlot"),
    ('( "state" "flag" )', '( "state" )', "mpm:oneSpecimen lists at least two mpm:slots"),
    ('rdfs:label "failure" ;', "", "one rdfs:label"),
    ('[ mpm:name "amount" ; mpm:concept', '[ mpm:name "the-amount" ; mpm:concept', "an identifier in lower case"),
    ('[ mpm:name "amount" ; mpm:concept', "[ mpm:concept", "an identifier in lower case"),
    ("mpm:concept mpm:Amount ;", "", "one mpm:concept"),
    ("mpm:select mpm:Latest", "mpm:select mpm:Newest", "one mpm:select"),
    ("mpm:select mpm:Latest ;", "", "one mpm:select"),
    ('"P90D"^^xsd:duration', '"90 days"', "mpm:window"),
    ('"P90D"^^xsd:duration', "90", "mpm:window"),
    ("mpm:required false", 'mpm:required "no"', "true or false"),
    ("mpm:prefer mpm:Recorded", "mpm:prefer mpm:This", "mpm:prefer of a slot"),
    ("mpm:enabledBy mpm:Setting", "mpm:enabledBy mpm:Amount", "one mpm:enabledBy at most, a site concept"),
    ("mpm:alternative true", 'mpm:alternative "yes"', "true or false"),
    ("sh:minInclusive 2", "sh:minInclusive 9", "below sh:maxInclusive"),
    ("mpm:candidate true", 'mpm:candidate "female"', "coding (mpm:system, mpm:code) or a truth value"),
    ("mpm:effect mpm:Refuse ;", "", "mpm:effect"),
    ("mpm:effect mpm:Refuse", "mpm:effect mpm:Deny", "mpm:effect"),
    ('rdfs:label "low" ;', "", "one rdfs:label"),
    ('mpm:when [ mpm:onSlot "amount" ; mpm:below 3 ]', "", "one mpm:when"),
    ('mpm:onSlot "amount" ; mpm:below 3', 'mpm:onSlot "amount"', "mpm:onSlot needs a comparison"),
    ('mpm:onSlot "amount" ; mpm:below 3', "mpm:below 3", "a criterion is one of"),
    (
        'mpm:onSlot "amount" ; mpm:below 3',
        'mpm:onSlot "amount" ; mpm:below 3 ; mpm:is true',
        "a comparison with limits",
    ),
    ('mpm:onSlot "amount" ; mpm:below 3', 'mpm:onSlot "amount" ; mpm:below "3"', "a number without an exponent"),
    ('mpm:consequence "none"', 'mpm:consequence ""', "mpm:consequence is one text"),
    ('mpm:unless [ mpm:onSlot "amount" ;', "mpm:unless [", "a criterion is one of"),
    ("; mpm:unless [", "; mpm:unless [ mpm:onSlot 'amount' ; mpm:below 1 ] ; mpm:unless [", "one mpm:unless at most"),
    ("mpm:present true", "mpm:present true ; mpm:is true", "of one sort only"),
    ("mpm:present true", "mpm:present 1", "true or false"),
    ('mpm:code "a-remark" ;', "", "mpm:code in kebab-case"),
    ('mpm:severity "WARNING"', 'mpm:severity "warning"', "mpm:severity"),
    ('mpm:coding [ mpm:system "urn:x" ; mpm:code "high" ] ;', "", "each outcome"),
    ('; dcterms:source "a book" ] ]', "] ]", "an advice has a dcterms:source"),
    ("mpm:partialTotal true ;", "mpm:cases ( ) ;", "only a rule has mpm:cases"),
    (
        "<#rule> a mpm:RuleModule ;",
        "<#rule> a mpm:RuleModule ; mpm:partialTotal true ;",
        "only a score has mpm:partialTotal",
    ),
    (
        'mpm:criterion [ mpm:onSlot "amount" ;',
        'mpm:note "x" ; mpm:remark [ mpm:onSlot "amount" ;',
        "at least one mpm:criterion",
    ),
    ('mpm:criterion [ mpm:onSlot "amount" ;', "mpm:criterion [", "has one mpm:onSlot"),
    ("mpm:points 1 ;", "", "each band"),
    ('mpm:points 0 ; rdfs:label "many"', "mpm:points 0", "each band"),
    ("mpm:cases ( [ mpm:when", "mpm:outcomes ( [ mpm:when", "one list of mpm:cases"),
    ("mpm:output false ;", "", "each case"),
    ("mpm:output false", 'mpm:output "no"', "coding (mpm:system, mpm:code) or a truth value"),
    ('[ mpm:onSlot "flag" ; mpm:is true ]', "[ mpm:is true ]", "a list of criteria"),
    ('mpm:in ( [ mpm:system "urn:x" ; mpm:code "B" ] )', 'mpm:in ( "B" )', "mpm:in is a list of codings"),
    ("mpm:ModelModule ;", "mpm:ModelModule ; mpm:criterion [ ] ;", "only a score has mpm:criterion"),
    ("mpm:EquationModule ;", "mpm:EquationModule ; mpm:cases ( ) ;", "only a rule has mpm:cases"),
    ('mpm:origin "OBSERVATION"', 'mpm:origin "SITE"', "mpm:origin"),
    ('; mpm:patientParameter "patient"', "", "mpm:patientParameter"),
    ('mpm:maturity "demonstration" ;', "", "mpm:maturity is demonstration"),
    ('mpm:intendedUse "None."@en ; mpm:unit "%"', 'mpm:intendedUse "None."@en ; mpm:unit "1"', "a probability in %"),
    ('mpm:risk [ rdfs:label "death"', 'mpm:note "x" ; mpm:remark [ rdfs:label "death"', "what its probability is of"),
    ("mpm:of <#model>", "mpm:of <#other>", "one card, which says mpm:of it"),
    ("a mpm:RuleModule ;", 'a mpm:RuleModule ; mpm:maturity "research" ;', "only a model module has"),
    ('mpm:file "model.skops" ;', "", "one mpm:file"),
    ('mpm:file "model.skops"', 'mpm:file "../model.skops"', "a file beside the description"),
    ('mpm:sha256 "aa', 'mpm:sha256 "zz', "64 hexadecimal digits"),
    ('mpm:trustedType "sklearn.tree._tree.Tree"', 'mpm:trustedType "*"', "full name of a type"),
    ("mpm:positiveClass 1 ;", "", "one mpm:positiveClass"),
    ('mpm:explainer "linear"', 'mpm:explainer "kernel"', "mpm:explainer is linear"),
    ('; mpm:file "background.json"', "", "one mpm:file"),
    ('rdfs:label "the mean" ;', "", "one rdfs:label"),
    ('mpm:name "amount_column" ;', "", "each feature has one mpm:name"),
    ('mpm:fromSlot "amount" ;', "", "each feature has one mpm:name"),
    ("mpm:shareMissing 0.1 ;", "", "each feature has one mpm:name"),
    ("mpm:shareMissing 0.1", "mpm:shareMissing 1.1", "each feature has one mpm:name"),
    ("( 1 2 3 4 5 6 7 )", "( 1 2 3 4 5 6 )", "a list of seven numbers"),
    ("( 1 2 3 4 5 6 7 )", "( 1 2 3 4 5 6 7 8 )", "a list of seven numbers"),
    ("mpm:means true ;", "", "one mpm:means"),
    ("mpm:slope 0.9 ;", "", "one mpm:slope above 0"),
    ("mpm:intercept -0.1", "mpm:intercept 1e-1", "a number without an exponent"),
    ('mpm:method "half-width"', 'mpm:method "guess"', "half-width, ensemble or table"),
    ("mpm:halfWidth 0.5 ;", "", "either mpm:halfWidth or mpm:file"),
    ("mpm:halfWidth 0.5", "mpm:halfWidth 0", "one number above 0"),
    ('mpm:method "half-width"', 'mpm:method "table"', "for the method half-width"),
    ('( "amount" "flag" )', '( "flag" )', "at least two mpm:slots"),
    ("mpm:count 1 ;", "mpm:count 0 ;", "one mpm:count from 1"),
    ('mpm:fundingSource "not known" ;', "", "one mpm:fundingSource; what is unknown"),
    ('mpm:correctionFrequency "not known"', 'mpm:correctionFrequency ""', "one mpm:correctionFrequency"),
    ('mpm:measure "auroc"', 'mpm:measure "accuracy"', "none of those that a card knows"),
    ("mpm:low 0.6", "mpm:low 0.9", "at most mpm:high"),
    ("mpm:low 0.6 ;", "", "an interval has mpm:low"),
    ("mpm:value 0.7 ; mpm:level 0.95", "mpm:value 0.7", "an interval has its mpm:level"),
    ('mpm:method "ten-fold" ;', "", "says how it was found"),
    ('mpm:resourceType "Observation"', 'mpm:resourceType "observation"', "mpm:resourceType"),
    ('mpm:id "a-service"', 'mpm:id "A service"', "mpm:id in kebab-case"),
    ('dcterms:description "Serves." ;', "", "one dcterms:description"),
    ('mpm:hook "order-sign" ;', "", "on one mpm:hook"),
    ('mpm:hook "order-sign" ;', 'mpm:hook "order-sign" , "order-select" ;', "another mpm:id"),
    ("mpm:card ( [ mpm:concept", "mpm:slots ( [ mpm:concept", "one list of mpm:card"),
    ("mpm:card (", "mpm:card () ; mpm:slots (", "at least one card"),
    ('mpm:indicator "warning" ;', "", "one mpm:indicator"),
    ("mpm:concept mpm:Result ; mpm:band", "mpm:band", "each with one mpm:concept"),
    ('rdfs:label "on a card"', f'rdfs:label "{"a" * 61}"', "at most 60 characters"),
    ("mpm:draft mpm:Order ;", "", "only a card with an mpm:draft"),
    ("mpm:draft mpm:Order ;", 'mpm:draft "order" ;', "one mpm:draft at most"),
    ("mpm:also mpm:Amount , mpm:State", 'mpm:also "amount"', "mpm:also names concepts"),
    ("mpm:suggestsRemoval true", 'mpm:suggestsRemoval "yes"', "mpm:suggestsRemoval is one truth value"),
    ('mpm:band [ mpm:system "urn:x" ;', "mpm:band [", "mpm:band is a coding"),
    ("mpm:reportsMissing true", "mpm:reportsMissing 1", "mpm:reportsMissing is one truth value"),
    ('"PT1H"^^xsd:duration', '"PT1H"', "mpm:comparedWith is one xsd:duration"),
    ('mpm:code "shared" ; rdfs:label "shared reason"', 'mpm:code "shared"', "one rdfs:label"),
    ('mpm:code "shared" ;', "", "one mpm:code"),
]


@cache
def shapes() -> Graph:
    graph = Graph()
    for path in (ROOT / "ontology").glob("shapes*.ttl"):
        graph.parse(path)
    return graph


def messages(data: Graph) -> Iterator[str]:
    conforms, report, _ = pyshacl.validate(data, shacl_graph=shapes(), inference="none", advanced=False)
    assert isinstance(report, Graph)
    results = list(report.subjects(RDF.type, SH.ValidationResult))
    assert conforms is not bool(results)
    for result in results:
        for message in report.objects(result, SH.resultMessage):
            yield str(message)


def described(turtle: str) -> Graph:
    return Graph().parse(data=turtle, format="turtle", publicID="https://medtwin.example/test")


def test_a_valid_description_of_every_kind_passes() -> None:
    assert list(messages(described(VALID))) == []


@pytest.mark.parametrize(("written", "instead", "message"), BROKEN)
def test_a_broken_description_is_refused_with_its_rule(written: str, instead: str, message: str) -> None:
    assert written in VALID
    found = list(messages(described(VALID.replace(written, instead, 1))))
    assert any(message in text for text in found), found


def test_all_that_exists_passes() -> None:
    together = Graph()
    files = [path for path in (ROOT / "ontology").glob("*.ttl") if not path.name.startswith("shapes")]
    files += [
        *ROOT.glob("modules/*/module.ttl"),
        *ROOT.glob("modules/*/card.ttl"),
        *ROOT.glob("modules/*/service.ttl"),
        *ROOT.glob("collectors/*/collector.ttl"),
    ]
    assert len(files) > 15
    for path in files:
        stem = "module" if path.name in ("card.ttl", "service.ttl") else path.stem
        base = f"{path.parent.name}/{stem}"
        for triple in Graph().parse(path, publicID=f"https://medtwin.example/{base}"):
            together.add(triple)
    assert list(messages(together)) == []


def test_no_shape_refers_to_itself() -> None:
    """A recursive shape makes pySHACL refuse valid trees."""
    graph = shapes()
    inner = {s: {o for p, o in graph.predicate_objects(s)} for s in set(graph.subjects())}
    for start in inner:
        seen, pending = set(), list(inner[start])
        while pending:
            node = pending.pop()
            assert node != start
            if node not in seen:
                seen.add(node)
                pending += inner.get(node, ())


def test_every_rule_of_every_shape_has_a_message() -> None:
    graph = shapes()
    targeted = {s for term in (SH.targetClass, SH.targetObjectsOf, SH.targetSubjectsOf) for s in graph.subjects(term)}
    assert len(targeted) > 30
    for shape in targeted:
        rules = list(graph.objects(shape, SH.property))
        spoken = [(rule, SH.message, None) in graph for rule in rules]
        assert all(spoken), shape
        assert rules or (shape, SH.message, None) in graph, shape
