"""What each input of one step added to what it gave: points, or SHAP values on log-odds.  Written, and read back."""

from collections.abc import Callable

from rdflib import PROV, RDF, Graph, Literal, URIRef
from rdflib.namespace import DCTERMS

from server.explain.contributions import ContributionsView
from server.explain.prov.parsing import Term
from server.explain.prov.statements import Statements
from server.explain.prov.terms import AGENT, MPM
from server.explain.prov.values import decimal
from server.explain.replay.said import SaidContributions

Name = Callable[[str], URIRef]


def write_contributions(made: Graph, name: Name, position: int, told: ContributionsView | None, value: URIRef) -> None:
    """State what the slots of a step added; nothing where it does not tell."""
    if told is None:
        return
    node = name(f"step-{position}.contributions")
    made.add((value, MPM.contributions, node))
    made.add((node, RDF.type, PROV.Entity))
    made.add((node, RDF.type, MPM.Contributions))
    made.add((node, PROV.wasDerivedFrom, value))
    made.add((node, PROV.wasAttributedTo, AGENT))
    made.add((node, MPM.scale, Literal(told.scale)))
    made.add((node, MPM.baseline, Literal(told.background)))
    for term, number in ((MPM.base, told.base), (MPM.output, told.output), (MPM.residual, told.residual)):
        made.add((node, term, decimal(number)))
    for place, item in enumerate(told.items):
        part = name(f"step-{position}.contribution-{place}")
        made.add((node, MPM.contribution, part))
        made.add((part, RDF.type, PROV.Entity))
        made.add((part, MPM.position, Literal(place)))
        made.add((part, MPM.name, Literal(item.slot)))
        made.add((part, MPM.amount, decimal(item.amount)))
        made.add((part, DCTERMS.description, Literal(item.text)))
    for place, group in enumerate(told.groups):
        together = name(f"step-{position}.together-{place}")
        made.add((node, MPM.together, together))
        made.add((together, RDF.type, PROV.Entity))
        made.add((together, DCTERMS.description, Literal(group.text)))
        made.add((together, MPM.amount, decimal(group.amount)))
        for slot in group.slots:
            made.add((together, MPM.name, Literal(slot)))


def read_contributions(said: Statements, value: Term) -> SaidContributions | None:
    """What the slots of the step added that gave a value; None where the file does not tell."""
    found = said.nodes(value, str(MPM.contributions))
    if not found:
        return None
    node = said.node(value, str(MPM.contributions))
    return SaidContributions(
        scale=said.text(node, str(MPM.scale)),
        base=said.number(node, str(MPM.base)),
        output=said.number(node, str(MPM.output)),
        items=tuple(
            sorted(
                (said.text(part, str(MPM.name)), said.number(part, str(MPM.amount)))
                for part in said.nodes(node, str(MPM.contribution))
            )
        ),
        residual=said.number(node, str(MPM.residual)),
    )
