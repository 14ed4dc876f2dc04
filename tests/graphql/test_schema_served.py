"""The schema as client developers read it: committed as it is served, and every word of it described."""

from pathlib import Path

import pytest
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLObjectType, GraphQLUnionType

from server.cli import main
from server.graphql.schema import build_core_schema, schema_text

COMMITTED = Path(__file__).parents[2] / "server/graphql/schema.graphql"
SCHEMA = build_core_schema()
OWN = {name: kind for name, kind in SCHEMA.type_map.items() if not name.startswith("__")}


def undescribed() -> list[str]:
    """Every type, field, argument, input field and enum value that says nothing of itself."""
    found: list[str] = []
    for name, kind in OWN.items():
        parts: dict[str, str | None] = {name: kind.description}
        if isinstance(kind, GraphQLObjectType):
            for key, field in kind.fields.items():
                parts[f"{name}.{key}"] = field.description
                parts |= {f"{name}.{key}({argument})": each.description for argument, each in field.args.items()}
        elif isinstance(kind, GraphQLInputObjectType):
            parts |= {f"{name}.{key}": each.description for key, each in kind.fields.items()}
        elif isinstance(kind, GraphQLEnumType):
            parts |= {f"{name}.{key}": each.description for key, each in kind.values.items()}
        found += [part for part, text in parts.items() if not (text or "").strip()]
    return found


def test_everything_is_described() -> None:
    assert undescribed() == []
    assert sum(isinstance(kind, GraphQLObjectType | GraphQLEnumType | GraphQLUnionType) for kind in OWN.values()) > 40


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("grounds", ("rests on", "records")),
        ("warrant", ("follows from the grounds",)),
        ("qualifier", ("limits the claim",)),
        ("rebuttals", ("speaks against the claim",)),
    ],
)
def test_the_words_of_an_argument_are_explained_where_they_stand(field: str, words: tuple[str, ...]) -> None:
    kind = OWN["Step"]
    assert isinstance(kind, GraphQLObjectType)
    described = kind.fields[field].description or ""
    assert all(word in described for word in words)


def test_descriptions_are_plain_sentences() -> None:
    """RST marks of docstrings are none of Markdown, which tools show descriptions as."""
    assert "``" not in schema_text()


def test_it_is_committed_as_it_is_served() -> None:
    """After a change: ``make schema``."""
    assert COMMITTED.read_text() == schema_text()


def test_the_command_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    assert capsys.readouterr().out == schema_text()


def test_no_directive_has_a_location_that_clients_do_not_know() -> None:
    """``graphql-js`` 16 refuses a schema with a location that is not of the specification of October 2021."""
    known = {"FIELD", "FRAGMENT_SPREAD", "INLINE_FRAGMENT", "FIELD_DEFINITION", "ARGUMENT_DEFINITION"}
    known |= {"INPUT_FIELD_DEFINITION", "ENUM_VALUE", "SCALAR", "INPUT_OBJECT"}
    assert {place.name for each in SCHEMA.directives for place in each.locations} <= known
    assert {each.name for each in SCHEMA.directives} == {"include", "skip", "deprecated", "specifiedBy", "oneOf"}
