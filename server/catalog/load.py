"""The catalog: every concept, module and collector, loaded from folders and checked.

A fault anywhere stops the start with all faults named: file, node and rule.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

from rdflib import OWL, RDF, Graph, URIRef

from collectors.needs import CollectorDescription
from collectors.terminology.library import Library
from ontology.concepts import Concept, Origin
from ontology.vocabulary import __file__ as vocabulary_code
from ontology.vocabulary import unknown_terms
from server.catalog.cards import Card, read_cards
from server.catalog.checked import Checked, digest_of
from server.catalog.concepts import concept_nodes, read_concept
from server.catalog.descriptions import Description
from server.catalog.digest import code_digest
from server.catalog.graph import MPM, NodeFault, flag, need, text, texts, words_of
from server.catalog.layouts import read_layout
from server.catalog.modules import File, module_nodes, read_module
from server.catalog.shapes import shape_faults
from server.catalog.turtle import read_turtle
from server.catalog.valuesets import all_resolved, limited_concepts, read_library, shipped_folders
from server.errors import CatalogError

ROOT = Path(__file__).resolve().parents[2]
CHECKED = ROOT / "var" / "checked"
BASE = "https://medtwin.example/"


@dataclass(frozen=True, slots=True)
class Catalog:
    """What is on offer: modules, concepts and collectors by id; ``digest`` names this very state of it.

    ``value_sets`` are those that files define, ``cards`` what is known of the modules that were fitted to data, by IRI.
    """

    modules: Mapping[str, Description]
    by_iri: Mapping[str, Description]
    concepts: Mapping[str, Concept]
    collectors: Mapping[str, CollectorDescription]
    digest: str
    value_sets: Library = field(default_factory=lambda: Library({}))
    cards: Mapping[str, Card] = field(default_factory=dict)


def load_catalog(
    root: Path | None = None,
    extra_modules: Iterable[Path] = (),
    value_sets: Iterable[Path] = (),
    terminology_server: bool = False,
    checked: Path | None = None,
) -> Catalog:
    """Load ``ontology/``, ``collectors/`` and ``modules/`` under ``root``, and further folders of modules.

    ``value_sets`` are further folders of them.  ``terminology_server``: there is one to ask for sets that no file
    defines.  ``checked``: where it is kept what was found sound before (left out: ``var/checked`` here, for what is
    loaded from here).  Raises CatalogError with one line for each fault.
    """
    known_sound = Checked(checked or (CHECKED if root is None else None))
    root = root or ROOT
    faults: list[str] = []
    ontology = _files(sorted((root / "ontology").glob("*.ttl")), root, faults)
    collectors = _files(sorted((root / "collectors").glob("*/collector.ttl")), root, faults)
    folders = [root / "modules", *extra_modules]
    modules = _files([path for folder in folders for path in sorted(folder.glob("*/module.ttl"))], root, faults)
    cards = _files([path for folder in folders for path in sorted(folder.glob("*/card.ttl"))], root, faults)
    if faults:
        raise CatalogError(faults)
    contents = [(name, file.digest) for files in (ontology, collectors, modules, cards) for name, file in files.items()]
    content = digest_of(contents, (Path(__file__).with_name("shapes.py"), Path(vocabulary_code)))
    shapes = _shapes(ontology)
    everything = {**ontology, **collectors, **modules, **cards}
    vocabulary = ontology["ontology/mpm.ttl"].graph
    if not known_sound.knows(content):
        for name, file in everything.items():
            faults += [f"{name}: {fault}" for fault in unknown_terms(file.graph, vocabulary)]
        faults += shape_faults({name: file.graph for name, file in everything.items()}, shapes)
        if not faults:
            known_sound.remember(content)
    if faults:
        raise CatalogError(faults)
    library, sets_digest = read_library([*shipped_folders(root, folders), *value_sets], root, faults)
    concepts = _concepts(everything, faults)
    limited = limited_concepts({name: file.graph for name, file in modules.items()}, concepts, faults)
    concepts = all_resolved({**concepts, **limited}, library, terminology_server, faults)
    described = _modules(modules, {c.iri: c for c in concepts.values()}, faults)
    by_iri = {d.iri: d for d in described.values()}
    known = read_cards(cards, vocabulary, by_iri, faults)
    readers = _collectors(collectors, faults)
    if faults:
        raise CatalogError(faults)
    digest = blake2b(digest_size=32)
    for name, file in sorted(everything.items()):
        digest.update(f"{name}\0{file.digest}\0{file.code_digest}\n".encode())
    digest.update(sets_digest.encode())
    return Catalog(described, by_iri, concepts, readers, digest.hexdigest(), library, known)


def _shapes(ontology: dict[str, File]) -> Graph:
    """The shapes, taken out of the ontology's files."""
    union = Graph()
    for name in [name for name in ontology if name.startswith("ontology/shapes")]:
        union += ontology.pop(name).graph
    return union


def _files(paths: list[Path], root: Path, faults: list[str]) -> dict[str, File]:
    files = {}
    for path in paths:
        name = path.relative_to(root).as_posix() if path.is_relative_to(root) else f"{path.parent.name}/{path.name}"
        base = BASE + (name.removesuffix(".ttl") if path.parent.name == "ontology" else name.rsplit("/", 1)[0])
        content = path.read_bytes()
        try:
            graph, digest = read_turtle(content, base)
        except (SyntaxError, ValueError) as error:
            faults.append(f"{name}: not Turtle: {' '.join(str(error).split())[:200]}")
            continue
        files[name] = File(path.parent, graph, content.decode(), digest, code_digest(path.parent))
    return files


def _concepts(files: Mapping[str, File], faults: list[str]) -> dict[str, Concept]:
    found: dict[str, Concept] = {}
    for name, file in files.items():
        for node in concept_nodes(file.graph):
            try:
                concept = read_concept(file.graph, node)
            except NodeFault as fault:
                faults.append(f"{name}: {fault}")
                continue
            if concept.id in found:
                faults.append(f"{name}: {words_of(file.graph, node)}: a second concept with the id {concept.id}")
            found[concept.id] = concept
    return found


def _modules(files: Mapping[str, File], concepts: Mapping[str, Concept], faults: list[str]) -> dict[str, Description]:
    found: dict[str, Description] = {}
    for name, file in files.items():
        for node, kind in module_nodes(file.graph):
            try:
                description = read_module(file, node, kind, concepts)
            except NodeFault as fault:
                faults.append(f"{name}: {fault}")
                continue
            if description.id in found:
                faults.append(f"{name}: {words_of(file.graph, node)}: a second module with the id {description.id}")
            found[description.id] = description
    return found


def _collectors(files: Mapping[str, File], faults: list[str]) -> dict[str, CollectorDescription]:
    found: dict[str, CollectorDescription] = {}
    for name, file in files.items():
        for node in file.graph.subjects(RDF.type, MPM.Collector):
            try:
                collector = _collector(file, URIRef(str(node)))
            except NodeFault as fault:
                faults.append(f"{name}: {fault}")
                continue
            found[collector.id] = collector
    return found


def _collector(file: File, node: URIRef) -> CollectorDescription:
    graph = file.graph
    need(graph, node, OWL.versionInfo)
    origin = need(graph, node, MPM.origin)
    if origin not in Origin.__members__:
        raise NodeFault(f"{words_of(graph, node)}: mpm:origin is not one of {', '.join(Origin)}")
    layout = read_layout(graph, node)
    if layout is None and not (file.folder / "read.py").exists():
        raise NodeFault(f"{words_of(graph, node)}: without a read.py it needs an mpm:layout")
    return CollectorDescription(
        iri=str(node),
        id=need(graph, node, MPM.id),
        origin=Origin(origin),
        resource_type=need(graph, node, MPM.resourceType),
        patient_parameter=need(graph, node, MPM.patientParameter),
        code_parameter=text(graph, node, MPM.codeParameter),
        date_parameter=text(graph, node, MPM.dateParameter),
        digest=file.digest,
        includes=texts(graph, node, MPM.includes),
        folder=file.folder.name,
        on_request=flag(graph, node, MPM.onRequest),
        elements=texts(graph, node, MPM.reads),
        layout=layout,
    )
