"""RDF terms of exported arguments: namespaces, prefixes, and addresses encoded as IRIs."""

from urllib.parse import quote

from rdflib import OWL, PROV, RDF, RDFS, XSD, Namespace, URIRef
from rdflib.namespace import DCTERMS

MPM = Namespace("https://medtwin.example/mpm#")
PPLAN = Namespace("http://purl.org/net/p-plan#")
AGENT = URIRef("https://medtwin.example/")
"""This software, as the agent that answered."""
RESULTS = "https://medtwin.example/results/"
"""Where arguments are named: each by a digest of all that it says."""

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

# What may stand in an IRI as it is; the percent sign, since addresses come encoded already.
_SAFE = "!#$%&'()*+,/:;=?@[]~-._"


def iri(address: str) -> URIRef:
    """An address as an IRI; what may not stand in one (spaces, quotes, angle brackets) is percent-encoded."""
    return URIRef(quote(address, safe=_SAFE))
