"""RDF terms of exported arguments: IRIs, blank nodes, literals and vocabularies, and addresses encoded as IRIs.

A term is a string in the form of canonical N-Triples.  So terms are compared and hashed as fast as texts, and the
canonical statements, which digests are made of, are there without another conversion.
"""

import re
from collections.abc import Callable
from typing import TypeAlias
from urllib.parse import quote


class Iri(str):
    """An IRI in angle brackets; ``Iri("http://a")`` adds them.  What comes from elsewhere goes through ``iri``."""

    __slots__ = ()

    def __new__(cls, value: str) -> "Iri":
        """The IRI itself, without brackets."""
        return super().__new__(cls, f"<{value}>")

    @property
    def value(self) -> str:
        """The IRI itself."""
        return self[1:-1]


class Blank(str):
    """A blank node; ``Blank("b1")`` is ``_:b1``."""

    __slots__ = ()

    def __new__(cls, label: str) -> "Blank":
        """Its label, which is unique in a graph."""
        return super().__new__(cls, f"_:{label}")


class Literal(str):
    """A literal: its ``text``, and its ``datatype``, None for a text."""

    __slots__ = ("datatype", "text")

    text: str
    datatype: Iri | None

    def __new__(cls, text: str, datatype: Iri | None = None) -> "Literal":
        """The text unescaped, as it is meant."""
        quoted = _quote_text(text)
        made = super().__new__(cls, quoted if datatype is None else f"{quoted}^^{datatype}")
        made.text = text
        made.datatype = datatype
        return made


Node: TypeAlias = Iri | Blank
Object: TypeAlias = Iri | Blank | Literal

_ESCAPED = re.compile('[\x00-\x1f"\\\\\x7f\ufffe\uffff]')
_SHORT_ESCAPES = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


def _quote_text(text: str) -> str:
    return f'"{_ESCAPED.sub(_escape, text) if _ESCAPED.search(text) else text}"'


def _escape(found: re.Match[str]) -> str:
    return _SHORT_ESCAPES.get(found[0]) or f"\\u{ord(found[0]):04X}"


class Vocabulary:
    """The terms of one namespace, as attributes or items; each is made once."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace

    def __getattr__(self, name: str) -> Iri:
        """A term, made on first use; kept as an attribute, so that this is not called again."""
        if name.startswith("__"):
            raise AttributeError(name)
        found = self.__dict__[name] = Iri(self._namespace + name)
        return found

    def __getitem__(self, name: str) -> Iri:
        """A term whose name is no Python name."""
        found: Iri = getattr(self, name)
        return found


PREFIXES = {
    "prov": "http://www.w3.org/ns/prov#",
    "p-plan": "http://purl.org/net/p-plan#",
    "mpm": "https://medtwin.example/mpm#",
    "dcterms": "http://purl.org/dc/terms/",
    "owl": "http://www.w3.org/2002/07/owl#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
DCTERMS = Vocabulary(PREFIXES["dcterms"])
MPM = Vocabulary(PREFIXES["mpm"])
OWL = Vocabulary(PREFIXES["owl"])
PPLAN = Vocabulary(PREFIXES["p-plan"])
PROV = Vocabulary(PREFIXES["prov"])
RDF = Vocabulary(PREFIXES["rdf"])
RDFS = Vocabulary(PREFIXES["rdfs"])
XSD = Vocabulary(PREFIXES["xsd"])

AGENT = Iri("https://medtwin.example/")
"""This software, as the agent that answered."""
NodeName: TypeAlias = Callable[[str], Iri]
"""Names a node of one argument by its part, such as ``step-0``."""
RESULTS = "https://medtwin.example/results/"
"""The base of the names of arguments, each of which continues with a digest of its content."""

# What an IRI may have unencoded in its path; the percent sign, since addresses come encoded already.
_SAFE = "!$%&'()*+,/:;=?@~-._"
_AUTHORITY = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")
_PLAIN = re.compile(r"[A-Za-z0-9:/._-]*")
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


def iri(address: str) -> Iri:
    """An address as an IRI; spaces, quotes, angle brackets and the like are percent-encoded.

    Square brackets stay in its host, around an IPv6 address, and nowhere else.
    """
    if _PLAIN.fullmatch(address):
        return Iri(address)
    host = _AUTHORITY.match(address)
    start = host.end() if host is not None else 0
    rest, sign, fragment = address[start:].partition("#")
    beginning = quote(address[:start], safe=f"{_SAFE}[]")
    encoded = f"{beginning}{quote(rest, safe=_SAFE)}{sign}{quote(fragment, safe=_SAFE)}"
    return Iri(_STRAY_PERCENT.sub("%25", encoded))


def literal(value: str | bool | int) -> Literal:
    """A text, a truth value or an integer."""
    if isinstance(value, bool):
        return Literal("true" if value else "false", XSD.boolean)
    return Literal(str(value), XSD.integer) if isinstance(value, int) else Literal(value)
