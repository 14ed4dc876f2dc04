"""RDF terms of exported arguments: namespaces, prefixes, and addresses encoded as IRIs."""

from collections.abc import Callable
from typing import TypeAlias
from urllib.parse import quote

from rdflib import OWL, PROV, RDF, RDFS, XSD, Namespace, URIRef
from rdflib.namespace import DCTERMS

MPM = Namespace("https://medtwin.example/mpm#")
PPLAN = Namespace("http://purl.org/net/p-plan#")
AGENT = URIRef("https://medtwin.example/")
"""This software, as the agent that answered."""
NodeName: TypeAlias = Callable[[str], URIRef]
"""Names a node of one argument by its part, such as ``step-0``."""
RESULTS = "https://medtwin.example/results/"
"""The base of the names of arguments, each of which continues with a digest of its content."""

PREFIXES = {
    "prov": str(PROV),
    "p-plan": str(PPLAN),
    "mpm": str(MPM),
    "dcterms": str(DCTERMS),
    "owl": str(OWL),
    "rdf": str(RDF),
    "rdfs": str(RDFS),
    "xsd": str(XSD),
}

# Characters that an IRI may have unencoded; the percent sign, since addresses come encoded already.
_SAFE = "!#$%&'()*+,/:;=?@[]~-._"


def iri(address: str) -> URIRef:
    """An address as an IRI; spaces, quotes, angle brackets and the like are percent-encoded."""
    return URIRef(quote(address, safe=_SAFE))
