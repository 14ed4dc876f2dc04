"""Value sets in files: what they hold, and every fault told with its file."""

from pathlib import Path
from typing import Any

import pytest

from collectors.terminology.code_set import DefinitionError, ServerNeededError, TerminologyError, UnknownSetError
from collectors.terminology.files import TerminologyFiles, read_folders
from collectors.terminology.value_set_library import ValueSetLibrary
from tests.support.fake_terminology import LOINC, SCT, concept_map, encode_json, group, include, value_set

ONE = "https://example.org/ValueSet/one"
TWO = "https://example.org/ValueSet/two"


def files(*resources: Any) -> TerminologyFiles:
    read = TerminologyFiles()
    for position, resource in enumerate(resources):
        read.add(f"{position}.json", resource if isinstance(resource, bytes) else encode_json(resource))
    return read


def codes(name: str, *resources: Any) -> list[str]:
    read = files(*resources)
    assert not read.faults
    return sorted(code for _, code in ValueSetLibrary(read.sets).find(name).codes)


def contains(*codes: str) -> list[dict[str, Any]]:
    return [{"system": LOINC, "code": code} for code in codes]


NESTED = [
    {"display": "a group", "contains": contains("1-1")},
    {
        "system": LOINC,
        "code": "2-2",
        "abstract": True,
        "contains": [{"system": LOINC, "code": "3-3", "inactive": True, "contains": contains("4-4")}],
    },
]


@pytest.mark.parametrize(
    ("resources", "found"),
    [
        ([value_set(compose={"include": [include("1-1", "2-2")]})], ["1-1", "2-2"]),
        ([value_set(expansion={"contains": NESTED})], ["1-1", "3-3", "4-4"]),
        ([value_set(expansion={"total": 4, "contains": NESTED})], ["1-1", "3-3", "4-4"]),
        (
            [
                value_set(compose={"include": [include(system=None, sets=(TWO,))], "exclude": [include("2-2")]}),
                value_set(TWO, compose={"include": [include("1-1", "2-2")]}),
            ],
            ["1-1"],
        ),
        # What cannot be worked out here is taken from the expansion beside it.
        (
            [
                value_set(
                    compose={"include": [include(system=SCT)]},
                    expansion={"contains": [{"system": SCT, "code": "7"}]},
                )
            ],
            ["7"],
        ),
        # An expansion that leaves inactive codes out does not contradict its definition.
        (
            [value_set(compose={"include": [include("1-1", "2-2")]}, expansion={"contains": contains("1-1")})],
            ["1-1", "2-2"],
        ),
        # A page beside a definition that can be worked out is passed over.
        (
            [
                value_set(
                    compose={"include": [include("1-1", "2-2")]}, expansion={"total": 2, "contains": contains("1-1")}
                )
            ],
            ["1-1", "2-2"],
        ),
    ],
)
def test_codes(resources: list[Any], found: list[str]) -> None:
    assert codes(f"{ONE}|1", *resources) == found
    assert codes(ONE, *resources) == found


MARK = "http://hl7.org/fhir/StructureDefinition/valueset-toocostly"


@pytest.mark.parametrize(
    ("resource", "text"),
    [
        (value_set(), "neither a compose nor an expansion"),
        (value_set(expansion={"total": 9, "contains": contains("1-1")}), "has 1 entries, but a total of 9"),
        (value_set(expansion={"total": 0, "contains": contains("1-1")}), "has 1 entries, but a total of 0"),
        (value_set(expansion={"offset": 5, "contains": contains("1-1")}), "starts at 5"),
        (
            value_set(expansion={"extension": [{"url": MARK, "valueBoolean": True}], "contains": contains("1-1")}),
            "marked as incomplete",
        ),
        (
            value_set(expansion={"parameter": [{"name": "filter"}], "contains": contains("1-1")}),
            "narrowed by the parameter filter",
        ),
        (value_set(expansion={"contains": [{"code": "1-1"}]}), "a code without a system"),
        (value_set(expansion={"contains": [{"display": "nothing"}]}), "holds no codes"),
        (
            value_set(compose={"include": [include("1-1")]}, expansion={"contains": contains("2-2")}),
            "expansion lists 2-2 of http://loinc.org, its compose does not",
        ),
        (value_set(compose={"include": [include(system=None, sets=(ONE,))]}), "it includes itself"),
    ],
)
def test_faults_of_a_set(resource: Any, text: str) -> None:
    library = ValueSetLibrary(files(resource).sets)
    with pytest.raises(DefinitionError, match=text):
        library.find(ONE)
    assert [fault for fault in library.faults() if fault.startswith("0.json: ") and text in fault]


@pytest.mark.parametrize(
    ("resources", "text"),
    [
        ([b"{"], "0.json: it is not readable JSON"),
        ([b"[]"], "0.json: the record itself is not of the type"),
        ([{"resourceType": "CodeSystem"}], "0.json: it is neither a ValueSet nor a ConceptMap"),
        ([{"resourceType": "ValueSet"}], "0.json: it has no url"),
        ([value_set("no url at all")], '0.json: "no url at all|1" is not a canonical'),
        ([value_set(compose={"include": 7})], "0.json: compose.include is not of the type that FHIR says"),
        ([value_set(status="retired")], "0.json: its status is retired"),
        ([value_set(), value_set()], f"1.json: {ONE}|1 is defined by 0.json already"),
        ([concept_map(group()), concept_map(group())], "1.json: https://lab.example/ConceptMap/codes|1 is defined by"),
    ],
)
def test_faults_of_a_file(resources: list[Any], text: str) -> None:
    assert [fault for fault in files(*resources).faults if fault.startswith(text)]


@pytest.mark.parametrize(
    ("name", "kind", "text"),
    [
        (TWO, UnknownSetError, "no file defines it"),
        (f"{ONE}|3", UnknownSetError, r"available: .*one\|1, .*one\|2"),
        (ONE, DefinitionError, r"name the version that is meant \(1, 2\)"),
        ("one", DefinitionError, "not a canonical"),
    ],
)
def test_what_is_not_found(name: str, kind: type[TerminologyError], text: str) -> None:
    library = ValueSetLibrary(files(*(value_set(version=v, compose={"include": [include("1-1")]}) for v in "12")).sets)
    with pytest.raises(kind, match=text):
        library.find(name)


def test_only_a_server_can_tell() -> None:
    library = ValueSetLibrary(
        files(
            value_set(compose={"include": [include(system=SCT)]}),
            value_set(TWO, compose={"include": [include(system=None, sets=(ONE,))]}),
            value_set("urn:three", compose={"include": [include(system=None, sets=("urn:elsewhere",))]}),
        ).sets
    )
    for name in (ONE, TWO, "urn:three"):
        with pytest.raises(ServerNeededError):
            library.find(name)
    assert not library.faults()


def test_a_circle_is_told_from_every_way_in() -> None:
    library = ValueSetLibrary(
        files(
            value_set(compose={"include": [include(system=None, sets=(TWO,))]}),
            value_set(TWO, compose={"include": [include("1-1"), include(system=None, sets=(ONE,))]}),
        ).sets
    )
    for name in (ONE, TWO, ONE):
        with pytest.raises(DefinitionError, match="includes itself"):
            library.find(name)
    assert len(library.faults()) == 2


def test_folders(tmp_path: Path) -> None:
    (tmp_path / "sets").mkdir()
    (tmp_path / "sets" / "a.json").write_bytes(encode_json(value_set(compose={"include": [include("1-1")]})))
    (tmp_path / "sets" / "b.json").write_bytes(b"no")
    (tmp_path / "sets" / "notes.txt").write_text("left alone")
    read = read_folders([tmp_path / "sets", tmp_path / "sets", tmp_path / "none"], tmp_path)
    assert read.faults == ["sets/b.json: it is not readable JSON", f"{tmp_path / 'none'}: there is no such folder"]
    assert [name for name, _ in read.sets.values()] == ["sets/a.json"]


def chain(length: int) -> list[Any]:
    """Each set includes the next one; the last has a code."""
    url = "https://example.org/ValueSet/{}".format
    ones = [
        value_set(url(place), compose={"include": [include(system=None, sets=(url(place + 1),))]})
        for place in range(length - 1)
    ]
    return [*ones, value_set(url(length - 1), compose={"include": [include("1-1")]})]


def test_sets_that_include_one_another_end_somewhere() -> None:
    first = "https://example.org/ValueSet/0"
    assert codes(first, *chain(50)) == ["1-1"]
    with pytest.raises(DefinitionError, match="more than 50 sets include one another"):
        ValueSetLibrary(files(*chain(51)).sets).find(first)


def test_no_number_of_sets_that_include_one_another_stops_what_is_around() -> None:
    assert any("more than 50 sets" in fault for fault in ValueSetLibrary(files(*chain(400)).sets).faults())
