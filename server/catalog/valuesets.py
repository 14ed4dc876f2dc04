"""Value sets that descriptions name: found in files, and the concepts that they fill or limit.

A slot with ``mpm:valueSet`` asks for a concept of its own: the slot's concept, limited to the codes of the set.  That
one stands in the catalog like any other, so that it is searched, selected, assumed and shown as what it is.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path

from rdflib import Graph
from rdflib.term import Node

from collectors.terminology.code_set import (
    Canonical,
    Codes,
    DefinitionError,
    ServerNeededError,
    UnknownSetError,
    parse_canonical,
)
from collectors.terminology.concept_codes import fill_value_sets, value_sets_of
from collectors.terminology.files import read_folders
from collectors.terminology.value_set_library import ValueSetLibrary
from ontology.concepts import Concept, Origin
from server.catalog.turtle import MPM, NodeFault, describe_node, required_text, text

_ORIGINS_WITHOUT_CODES = frozenset({Origin.PATIENT, Origin.SITE, Origin.COMPUTED})
_NO_SERVER = "and no terminology server is configured (terminology.base_url)"


def shipped_folders(root: Path, module_folders: Iterable[Path]) -> tuple[Path, ...]:
    """Where value sets may lie beside descriptions; only those folders that are there."""
    folders = [root / "ontology" / "valuesets"]
    folders += [path for folder in module_folders for path in sorted(folder.glob("*/valuesets"))]
    return tuple(folder for folder in folders if folder.is_dir())


def read_library(folders: Iterable[Path], root: Path, faults: list[str]) -> tuple[ValueSetLibrary, str]:
    """The value sets in these folders, and a digest of them; ``faults`` takes all that is wrong with them."""
    files = read_folders(folders, root, maps=False)
    library = ValueSetLibrary(files.sets)
    faults += [*files.faults, *library.faults()]
    digest = blake2b(digest_size=32)
    for own in sorted(files.sets):
        digest.update(f"{own}\0".encode())
        digest.update(files.digests[own].encode())
    return library, digest.hexdigest()


def limited_iri(concept: str, name: str) -> str:
    """The IRI of a concept that is limited to a set."""
    return f"{concept}-in-{Canonical(*name.partition('|')[::2]).slug}"


def read_limited_concept(graph: Graph, slot: Node, concepts: Mapping[str, Concept]) -> Concept | None:
    """The concept that a slot with ``mpm:valueSet`` asks for; None of a slot without (NodeFault where it cannot)."""
    name = text(graph, slot, MPM.valueSet)
    if name is None:
        return None
    try:
        named = parse_canonical(name)
    except DefinitionError as error:
        raise NodeFault(f"{describe_node(graph, slot)}: mpm:valueSet: {error}") from None
    iri = required_text(graph, slot, MPM.concept)
    base = concepts.get(iri)
    if base is None:
        return None
    if base.origin in _ORIGINS_WITHOUT_CODES:
        raise NodeFault(f"{describe_node(graph, slot)}: mpm:valueSet: {base.id} is not read by codes")
    return replace(
        base,
        iri=limited_iri(iri, name),
        id=f"{base.id}-in-{named.slug}",
        display=f"{base.display} (in {named})",
        codes=(),
        only_in=str(named),
    )


def resolve_concept(concept: Concept, library: ValueSetLibrary, server: bool) -> Concept:
    """The concept with the codes of those sets that files define.

    What only a terminology server can work out stays open where there is a ``server``.  NodeFault where a set cannot be
    retrieved, or leaves nothing of the concept.
    """
    sets: dict[str, Codes] = {}
    for name in value_sets_of(concept):
        try:
            sets[name] = library.find(name).codes
        except (UnknownSetError, ServerNeededError) as error:
            if not server:
                raise NodeFault(f"{concept.id}: {error}, {_NO_SERVER}") from None
        except DefinitionError as error:
            raise NodeFault(f"{concept.id}: {error}") from None
    found = fill_value_sets(concept, sets)
    if not found.accepted and not value_sets_of(found):
        raise NodeFault(f"{concept.id}: no code that is accepted is in value set {concept.only_in}")
    return found


def read_limited_concepts(
    graphs: Mapping[str, Graph], concepts: Mapping[str, Concept], faults: list[str]
) -> dict[str, Concept]:
    """The concepts that slots make by limiting one to a value set; ``faults`` takes what is wrong."""
    by_iri = {concept.iri: concept for concept in concepts.values()}
    found: dict[str, Concept] = {}
    for name, graph in graphs.items():
        for slot in sorted(graph.objects(None, MPM.slot), key=str):
            try:
                concept = read_limited_concept(graph, slot, by_iri)
            except NodeFault as fault:
                faults.append(f"{name}: {fault}")
                continue
            if concept is None:
                continue
            held = found.setdefault(concept.id, concept)
            if held != concept or concept.id in concepts:
                faults.append(f"{name}: {describe_node(graph, slot)}: a second concept with the id {concept.id}")
    return found


def resolve_concepts(
    concepts: Mapping[str, Concept], library: ValueSetLibrary, server: bool, faults: list[str]
) -> dict[str, Concept]:
    """All concepts with the codes of their value sets; ``faults`` takes those that cannot be retrieved."""
    found = {}
    for concept in concepts.values():
        try:
            found[concept.id] = resolve_concept(concept, library, server) if value_sets_of(concept) else concept
        except NodeFault as fault:
            faults.append(f"value sets: {fault}")
            found[concept.id] = concept
    return found
