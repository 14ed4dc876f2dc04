"""Lines of nodes: they change nothing else, and faults of descriptions name them."""

import shutil
from pathlib import Path

import pytest
from rdflib import RDF, BNode, Graph, URIRef
from rdflib.compare import isomorphic

from ontology.vocabulary import LINE
from server.catalog.catalog import ROOT, load_catalog
from server.catalog.source_lines import mark_lines, read_marked_turtle
from server.catalog.turtle import MPM, describe_node, line_of, read_turtle
from server.errors import CatalogError
from tests.support.descriptions import copy_descriptions

BASE = "https://e.example/x"
ODD = """@prefix e: <https://e.example/#> . # a comment with [ and "
PREFIX f: <https://f.example/#>
@base <https://e.example/> .
e:a e:p "[ not a node ] # no comment" , 'single [' , \"\"\"long "quoted" [
text\"\"\" ; e:q 1.5 , -2 , "P1D"^^e:duration , "x"@en ;
  e:r [ e:s ( [ e:t 1 ] 2 [] ) ] .
[ e:alone true ] .
f:b a e:C.
<#c> a e:C ; e:d <http://x.example/no#frag> .
"""
FILES = [*sorted((ROOT / "ontology").glob("*.ttl")), *sorted((ROOT / "modules").glob("*/*.ttl"))]


def without_lines(graph: Graph) -> Graph:
    plain = Graph()
    for triple in graph:
        if triple[1] != LINE:
            plain.add(triple)
    return plain


def test_odd_turtle_is_the_same_with_its_lines() -> None:
    plain, _ = read_turtle(ODD.encode(), BASE)
    marked = read_marked_turtle(ODD.encode(), BASE)
    assert len(set(marked.subjects(LINE, None))) == 7, "each node has its line"
    assert isomorphic(without_lines(marked), Graph() + plain)
    (alone,) = marked.subjects(URIRef("https://e.example/#alone"), None)
    assert line_of(marked, alone) == 7
    assert line_of(marked, URIRef("https://e.example/#c")) == 9


@pytest.mark.parametrize("path", FILES, ids=[f"{path.parent.name}/{path.stem}" for path in FILES])
def test_what_is_shipped_is_the_same_with_its_lines(path: Path) -> None:
    text = path.read_text()
    assert mark_lines(text).count("\n") == text.count("\n")
    plain, _ = read_turtle(text.encode(), BASE)
    marked = read_marked_turtle(text.encode(), BASE)
    assert len(without_lines(marked)) == len(plain)
    named = {node for node in marked.subjects() if (node, RDF.first, None) not in marked}
    assert all(line_of(marked, node) for node in named), "only members of lists have no line of their own"


def test_a_node_without_a_name_is_described_by_its_place() -> None:
    text = "@prefix mpm: <https://medtwin.example/mpm#> .\n<#m> mpm:when\n [ mpm:not [ mpm:allOf ( [ mpm:is 1 ] ) ] ] ."
    graph = read_marked_turtle(text.encode(), BASE)
    (node,) = graph.subjects(MPM["is"], None)
    assert isinstance(node, BNode)
    assert describe_node(graph, node) == "line 3: mpm:allOf of mpm:not of mpm:when of x#m"
    loop = next(graph.subjects(MPM["not"], None))
    graph.remove((URIRef(f"{BASE}#m"), None, None))
    graph.add((node, MPM.when, loop))
    assert "a node without a name" in describe_node(graph, node)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("mpm:stepBack true", "mpm:stepBck true", '"weight" in "bmi": mpm:stepBck is not in the vocabulary'),
        ("mpm:stepBack true", 'mpm:stepBack "yes"', '[ name "weight" ]: mpm:stepBack: this is true or false'),
        ("mpm:concept mpm:BodyWeight", "mpm:concept mpm:BodyWeihgt", '[ name "weight" ]: no concept mpm:BodyWeihgt'),
    ],
)
def test_a_fault_of_a_description_names_its_line(old: str, new: str, fault: str, tmp_path: Path) -> None:
    root = copy_descriptions(tmp_path, "age")
    shutil.copytree(ROOT / "modules/bmi", root / "modules/bmi", ignore=shutil.ignore_patterns("__pycache__"))
    path = root / "modules/bmi/module.ttl"
    text = path.read_text()
    assert text.count(old) == 1 or "stepBack" in old
    path.write_text(text.replace(old, new, 1))
    line = next(n for n, each in enumerate(text.splitlines(), 1) if '[ mpm:name "weight"' in each)
    with pytest.raises(CatalogError) as caught:
        load_catalog(root)
    assert any(each.startswith(f"modules/bmi/module.ttl: line {line}: {fault}") for each in caught.value.faults)
