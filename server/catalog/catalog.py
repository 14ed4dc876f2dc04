"""The catalog: concepts, modules, collectors and services, loaded from folders, checked, and completed by the settings.

A fault anywhere stops the start with all faults named: file, node and rule.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from pathlib import Path

from rdflib import OWL, RDF, Graph, URIRef

from collectors.reading.codes import ConceptCodes
from collectors.search import CollectorDescription
from collectors.settings import Source
from collectors.terminology.concept_codes import with_rivals
from collectors.terminology.concept_map import combine_maps, conflicting_measurements
from collectors.terminology.files import read_folders
from collectors.terminology.value_set_library import ValueSetLibrary
from ontology.concepts import Concept, Origin
from ontology.vocabulary import __file__ as vocabulary_code
from ontology.vocabulary import unknown_terms
from server.catalog.cards import Card, read_cards
from server.catalog.concepts import (
    concept_nodes,
    read_concept,
    read_synonyms,
    read_system_aliases,
    with_order_codes,
)
from server.catalog.descriptions import Description
from server.catalog.layouts import read_layout
from server.catalog.modules import DescriptionFile, module_nodes, read_module
from server.catalog.services import Service
from server.catalog.services_reader import Offer, misplaced_descriptions, read_services
from server.catalog.shapes import shape_faults
from server.catalog.source_lines import read_marked_turtle
from server.catalog.turtle import MPM, NodeFault, describe_node, flag, read_turtle, required_text, text, texts
from server.catalog.valuesets import read_library, read_limited_concepts, resolve_concepts, shipped_folders
from server.catalog.verdict_cache import VerdictCache, verdict_digest
from server.errors import CatalogError, SettingsError
from server.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
VERDICT_FILE = ROOT / "var" / "checked"
BASE = "https://medtwin.example/"


@dataclass(frozen=True, slots=True)
class Catalog:
    """What is on offer: modules, concepts and collectors by id; ``digest`` names this very state of it.

    ``value_sets`` are those that files define, ``cards`` what is known of the modules that were fitted to data, by IRI,
    ``services`` those of CDS Hooks, by id.
    """

    modules: Mapping[str, Description]
    by_iri: Mapping[str, Description]
    concepts: Mapping[str, Concept]
    collectors: Mapping[str, CollectorDescription]
    digest: str
    value_sets: ValueSetLibrary = field(default_factory=lambda: ValueSetLibrary({}))
    cards: Mapping[str, Card] = field(default_factory=dict)
    services: Mapping[str, Service] = field(default_factory=dict)
    _named_codes: dict[Origin, ConceptCodes] = field(default_factory=dict, init=False, repr=False, compare=False)

    def named_codes(self, origin: Origin) -> ConceptCodes:
        """The codes of all concepts of an origin; computed once."""
        found = self._named_codes.get(origin)
        if found is None:
            # An order of another medication is understood, whether or not there is an order concept for that one.
            named = {origin, Origin.MEDICATION} if origin is Origin.DRAFT_ORDER else {origin}
            found = self._named_codes[origin] = ConceptCodes(
                each for each in self.concepts.values() if not named.isdisjoint(each.origins)
            )
        return found

    @property
    def reconciled_slots(self) -> Mapping[str, tuple[str, ...]]:
        """By module id, the slots for which a missing entry of a complete list means "no"."""
        named = {
            module.id: tuple(slot.name for slot in module.slots if slot.no_if_reconciled is not None)
            for module in self.modules.values()
        }
        return {module: slots for module, slots in named.items() if slots}


def load_catalog(
    root: Path | None = None,
    extra_modules: Iterable[Path] = (),
    value_sets: Iterable[Path] = (),
    terminology_server: bool = False,
    verdict_file: Path | None = None,
) -> Catalog:
    """Load ``ontology/``, ``collectors/`` and ``modules/`` under ``root``, and further folders of modules and services.

    ``value_sets`` are further folders of them.  ``terminology_server``: there is one to ask for sets that no file
    defines.  ``verdict_file``: which state was valid before (left out: ``var/checked`` here, for what is loaded from
    here).  Raises CatalogError with one line for each fault: file, line, node and rule.
    """
    valid_before = VerdictCache(verdict_file or (VERDICT_FILE if root is None else None))
    root, folders, value_sets = root or ROOT, tuple(extra_modules), tuple(value_sets)
    try:
        return _load(root, folders, value_sets, terminology_server, valid_before, located=False)
    except CatalogError:
        # Read once more with the lines of all nodes, which nothing but a fault needs.
        return _load(root, folders, value_sets, terminology_server, valid_before, located=True)


def _load(
    root: Path,
    extra_modules: Iterable[Path],
    value_sets: Iterable[Path],
    terminology_server: bool,
    valid_before: VerdictCache,
    located: bool,
) -> Catalog:
    """The catalog.  ``located``: all faults are named, with the lines of their nodes; else one is enough."""
    faults: list[str] = []
    ontology = _read_files(sorted((root / "ontology").glob("*.ttl")), root, faults, located)
    collectors = _read_files(sorted((root / "collectors").glob("*/collector.ttl")), root, faults, located)
    folders = [root / "modules", *extra_modules]
    described_in = [path for folder in folders for path in sorted(folder.glob("*/module.ttl"))]
    modules = _read_files(described_in, root, faults, located)
    cards_in = [path for folder in folders for path in sorted(folder.glob("*/card.ttl"))]
    cards = _read_files(cards_in, root, faults, located)
    served_in = [path for folder in folders for path in sorted(folder.glob("*/service.ttl"))]
    services = _read_files(served_in, root, faults, located)
    if faults:
        raise CatalogError(faults)
    read = (ontology, collectors, modules, cards, services)
    contents = [(name, file.digest) for files in read for name, file in files.items()]
    content = verdict_digest(contents, (Path(__file__).with_name("shapes.py"), Path(vocabulary_code)))
    shapes = _extract_shapes(ontology)
    everything = {**ontology, **collectors, **modules, **cards, **services}
    vocabulary = ontology["ontology/mpm.ttl"].graph
    if not valid_before.contains(content):
        for name, file in everything.items():
            faults += [f"{name}: {fault}" for fault in unknown_terms(file.graph, vocabulary)]
        if located or not faults:
            graphs = {name: file.graph for name, file in everything.items()}
            faults += shape_faults(graphs, shapes, first_only=not located)
        if not faults:
            valid_before.store(content)
    if faults:
        raise CatalogError(faults)
    library, sets_digest = read_library([*shipped_folders(root, folders), *value_sets], root, faults)
    concepts = with_order_codes(_read_concepts(everything, faults), faults)
    limited = read_limited_concepts({name: file.graph for name, file in modules.items()}, concepts, faults)
    concepts = with_rivals(resolve_concepts({**concepts, **limited}, library, terminology_server, faults))
    described = _read_modules(modules, {c.iri: c for c in concepts.values()}, faults)
    by_iri = {d.iri: d for d in described.values()}
    known = read_cards(cards, vocabulary, by_iri, faults)
    readers = _read_collectors(collectors, faults)
    faults += misplaced_descriptions(services, {**ontology, **collectors, **modules, **cards})
    if faults:
        raise CatalogError(faults)
    offer = Offer(concepts.values(), described.values(), readers.values(), [file.graph for file in everything.values()])
    on_hooks = read_services(services, offer, faults)
    if faults:
        raise CatalogError(faults)
    digest = blake2b(digest_size=32)
    for name, file in sorted(everything.items()):
        digest.update(f"{name}\0{file.digest}\0{file.code_digest}\n".encode())
    digest.update(sets_digest.encode())
    return Catalog(described, by_iri, concepts, readers, digest.hexdigest(), library, known, on_hooks)


def _extract_shapes(ontology: dict[str, DescriptionFile]) -> Graph:
    """The shapes, taken out of the ontology's files."""
    union = Graph()
    for name in [name for name in ontology if name.startswith("ontology/shapes")]:
        union += ontology.pop(name).graph
    return union


def _read_files(paths: list[Path], root: Path, faults: list[str], located: bool) -> dict[str, DescriptionFile]:
    files = {}
    for path in paths:
        name = path.relative_to(root).as_posix() if path.is_relative_to(root) else f"{path.parent.name}/{path.name}"
        base = BASE + (name.removesuffix(".ttl") if path.parent.name == "ontology" else name.rsplit("/", 1)[0])
        content = path.read_bytes()
        try:
            graph, digest = read_turtle(content, base)
            if located:
                graph = read_marked_turtle(content, base)
        except (SyntaxError, ValueError) as error:
            faults.append(f"{name}: not Turtle: {' '.join(str(error).split())[:200]}")
            continue
        files[name] = DescriptionFile(path.parent, graph, content.decode(), digest, code_digest(path.parent))
    return files


def _read_concepts(files: Mapping[str, DescriptionFile], faults: list[str]) -> dict[str, Concept]:
    found: dict[str, Concept] = {}
    aliases = read_system_aliases((file.graph for file in files.values()), faults)
    for name, file in files.items():
        for node in concept_nodes(file.graph):
            try:
                concept = read_concept(file.graph, node, aliases)
            except NodeFault as fault:
                faults.append(f"{name}: {fault}")
                continue
            if concept.id in found:
                faults.append(f"{name}: {describe_node(file.graph, node)}: a second concept with the id {concept.id}")
            found[concept.id] = concept
    synonyms = read_synonyms(file.graph for file in files.values())
    return {key: replace(each, synonyms=synonyms.get(each.iri, ())) for key, each in found.items()}


def _read_modules(
    files: Mapping[str, DescriptionFile], concepts: Mapping[str, Concept], faults: list[str]
) -> dict[str, Description]:
    found: dict[str, Description] = {}
    for name, file in files.items():
        for node, kind in module_nodes(file.graph):
            try:
                description = read_module(file, node, kind, concepts)
            except NodeFault as fault:
                faults.append(f"{name}: {fault}")
                continue
            if description.id in found:
                faults.append(
                    f"{name}: {describe_node(file.graph, node)}: a second module with the id {description.id}"
                )
            found[description.id] = description
    return found


def _read_collectors(files: Mapping[str, DescriptionFile], faults: list[str]) -> dict[str, CollectorDescription]:
    found: dict[str, CollectorDescription] = {}
    for name, file in files.items():
        for node in file.graph.subjects(RDF.type, MPM.Collector):
            try:
                collector = _read_collector(file, URIRef(str(node)))
            except NodeFault as fault:
                faults.append(f"{name}: {fault}")
                continue
            found[collector.id] = collector
    return found


def _read_collector(file: DescriptionFile, node: URIRef) -> CollectorDescription:
    graph = file.graph
    required_text(graph, node, OWL.versionInfo)
    origin = required_text(graph, node, MPM.origin)
    if origin not in Origin.__members__:
        raise NodeFault(f"{describe_node(graph, node)}: mpm:origin is not one of {', '.join(Origin)}")
    layout = read_layout(graph, node)
    if layout is None and not (file.folder / "read.py").exists():
        raise NodeFault(f"{describe_node(graph, node)}: without a read.py it needs an mpm:layout")
    return CollectorDescription(
        iri=str(node),
        id=required_text(graph, node, MPM.id),
        origin=Origin(origin),
        resource_type=required_text(graph, node, MPM.resourceType),
        patient_parameter=required_text(graph, node, MPM.patientParameter),
        code_parameter=text(graph, node, MPM.codeParameter),
        date_parameter=text(graph, node, MPM.dateParameter),
        digest=file.digest,
        includes=texts(graph, node, MPM.includes),
        folder=file.folder.name,
        on_request=flag(graph, node, MPM.onRequest),
        elements=texts(graph, node, MPM.reads),
        layout=layout,
        comes_with_question=origin == Origin.DRAFT_ORDER,
    )


def configured_catalog(settings: Settings) -> Catalog:
    """The shipped catalog with these settings (CatalogError with every fault)."""
    folders = dict.fromkeys(source.folder for source in settings.sources if source.folder is not None)
    return load_catalog(value_sets=folders, terminology_server=settings.terminology is not None)


def check_collectors(sources: Iterable[Source], catalog: Catalog) -> None:
    """SettingsError with a line for each setting of a source that names a collector which there is not, and for each
    local code of a source that is read as two measurements.
    """
    faults = []
    for source in sources:
        named = {"freshness": [name for name, _ in source.freshness], "collectors": source.collectors}
        for setting, names in named.items():
            unknown = [name for name in names if name not in catalog.collectors]
            if unknown:
                known = ", ".join(sorted(catalog.collectors))
                faults.append(f"sources.{setting} of {source.id}: no such collector: {', '.join(unknown)}; {known}")
        if source.folder is not None:
            # What is wrong with the maps themselves is reported where they are read to be used.
            local, _ = combine_maps(read_folders([source.folder]).maps)
            faults += [
                f"source {source.id}: {each}" for each in conflicting_measurements(catalog.concepts.values(), local)
            ]
    if faults:
        raise SettingsError("\n".join(faults))


def code_digest(folder: Path) -> str:
    """Hex BLAKE2b over the names and bytes of a folder's Python files; empty where there are none but __init__."""
    files = sorted(path for path in folder.glob("*.py") if path.name != "__init__.py")
    if not files:
        return ""
    digest = blake2b(digest_size=32)
    for path in files:
        content = path.read_bytes()
        digest.update(f"{path.name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()
