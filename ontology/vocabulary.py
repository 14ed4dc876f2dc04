"""Terms that descriptions use and the vocabulary does not declare: misspelt properties, classes and named values.

SHACL checks what is required; a misspelt optional property would pass it unseen.
"""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from rdflib import DCTERMS, OWL, RDF, RDFS, SH, SKOS, Graph, URIRef
from rdflib.term import Node

MPM = "https://medtwin.example/mpm#"
LINE = URIRef("urn:medtwin:line")
"""On which line a node is written: added where faults are located, never a part of a description."""
# What descriptions take from other vocabularies; mpm.ttl says so at its head.  Domain, range and subclass are its own.
BORROWED_TERMS = frozenset(
    {
        *(RDF.type, RDF.first, RDF.rest),
        *(RDFS.label, RDFS.comment, RDFS.seeAlso, RDFS.subClassOf, RDFS.domain, RDFS.range),
        *(
            DCTERMS.title,
            DCTERMS.description,
            DCTERMS.source,
            SKOS.prefLabel,
            SKOS.altLabel,
            OWL.versionInfo,
            SH.minInclusive,
            SH.maxInclusive,
        ),
    }
)
# Properties whose values are named individuals of the vocabulary; other mpm IRIs name concepts.
_CHOICE_PROPERTIES = frozenset(URIRef(MPM + name) for name in ("select", "effect", "prefer"))


def unknown_terms(graph: Graph, vocabulary: Graph) -> list[str]:
    """One line for each word of ``graph`` that neither ``vocabulary`` declares nor is borrowed; sorted."""
    properties = {*vocabulary.subjects(RDF.type, RDF.Property), *BORROWED_TERMS, LINE}
    classes = set(vocabulary.subjects(RDF.type, OWL.Class)) | {OWL.Class, OWL.Ontology, RDF.Property}
    individuals = set(vocabulary.subjects(RDFS.label, None)) - properties - classes
    lines = set()
    for subject, predicate, value in graph:
        word, known = predicate, properties
        if predicate in properties:
            if predicate == RDF.type:
                word, known = value, classes
            elif predicate in _CHOICE_PROPERTIES:
                word, known = value, individuals
        if word not in known:
            where, suggestion = _describe_node(graph, subject), _suggestion(word, known)
            lines.add(f"{where}: {_prefixed_name(word)} is not in the vocabulary{suggestion}")
    return sorted(lines)


def _suggestion(word: Node, known: Iterable[Node]) -> str:
    close = get_close_matches(str(word), [str(each) for each in known], n=1, cutoff=0.9)
    return f" (did you mean {_prefixed_name(URIRef(close[0]))}?)" if close else ""


def _describe_node(graph: Graph, node: Node) -> str:
    """The node's id or name, and the thing that it belongs to; its line where that is known."""
    lines = sorted(int(str(each)) for each in graph.objects(node, LINE))
    prefix = f"line {lines[0]}: " if lines else ""
    names = [_node_name(graph, node)]
    seen = {node}
    while True:
        above = next((owner for owner in _owners(graph, node) if owner not in seen), None)
        if above is None:
            return prefix + " in ".join(dict.fromkeys(name for name in names if name))
        node = above
        seen.add(node)
        names.append(_node_name(graph, node))


def _owners(graph: Graph, node: Node) -> Iterator[Node]:
    return (subject for subject, predicate in graph.subject_predicates(node) if predicate != RDF.type)


def _node_name(graph: Graph, node: Node) -> str:
    for term in ("id", "name", "onSlot", "code"):
        found = graph.value(node, URIRef(MPM + term))
        if found is not None:
            return f'"{found}"'
    return _prefixed_name(node) if isinstance(node, URIRef) else ""


def _prefixed_name(word: Node) -> str:
    return str(word).replace(MPM, "mpm:") if isinstance(word, URIRef) else f'"{word}"'
