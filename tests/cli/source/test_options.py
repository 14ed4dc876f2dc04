"""A source added to a settings file."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.cli.source.options import SourceEntry, append_source, replace_file
from server.errors import SettingsError

ENTRY: SourceEntry = {"id": "lab", "base_url": "https://lab.example/fhir"}
BACKEND: SourceEntry = {
    **ENTRY,
    "auth": "backend",
    "elements": True,
    "backend": {"client_id": "medtwin", "key_env": "LAB"},
}


@pytest.mark.parametrize("entry", [ENTRY, BACKEND])
@pytest.mark.parametrize(
    "before",
    [
        "",
        "\n",
        'zone = "UTC"',
        '# Ours.\n[[sources]]\nid = "ehr" # the first\nbase_url = "https://e.example"\n[site]\nnorth-america = true\n',
        '[[sources]]\nid = "ehr"\nbase_url = "https://ehr.example/fhir"\n[sources.backend]\nclient_id = "x"',
    ],
)
def test_a_source_comes_at_the_end_and_nothing_else_changes(before: str, entry: SourceEntry) -> None:
    after = append_source(before, entry)
    assert after.startswith(before.rstrip("\n"))
    known, read = tomllib.loads(before), tomllib.loads(after)
    assert read == {**known, "sources": [*known.get("sources", []), entry]}


@pytest.mark.parametrize(
    ("before", "says"),
    [
        ('[[sources]]\nid = "lab"\nbase_url = "https://other.example"', "already"),
        ('sources = [{ id = "ehr", base_url = "https://ehr.example" }]', r"\[\[sources\]\]"),
        ("this is no TOML", "not TOML"),
    ],
)
def test_what_cannot_be_appended_to_is_refused(before: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        append_source(before, ENTRY)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_any_text_is_written_so_that_it_is_read_again(text: str) -> None:
    read = tomllib.loads(append_source("", {**ENTRY, "backend": {"client_id": text}}))
    assert read["sources"][0]["backend"]["client_id"] == text


def test_the_file_is_replaced_whole_and_keeps_its_rights(tmp_path: Path) -> None:
    path = tmp_path / "medtwin.toml"
    replace_file(path, "one")
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    replace_file(path, "two")
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("two", 0o640)
    assert [each.name for each in tmp_path.iterdir()] == ["medtwin.toml"]


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "medtwin.toml"
    with pytest.raises(SettingsError, match="cannot be written"):
        replace_file(path, "x")
