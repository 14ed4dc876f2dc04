"""``sources.aliases``: exact base URLs of one source, never of two."""

from pathlib import Path

import pytest

from server.errors import SettingsError
from server.settings import load_settings

ONE = '[[sources]]\nid = "one"\nbase_url = "https://one.example/fhir/"\naliases = [{}]\n'
TWO = '[[sources]]\nid = "two"\nbase_url = "https://two.example/fhir"\naliases = [{}]\n'


def read(folder: Path, one: str, two: str = "") -> tuple[tuple[str, ...], ...]:
    path = folder / "medtwin.toml"
    path.write_text(ONE.format(one) + TWO.format(two))
    return tuple(source.aliases for source in load_settings(path).endpoints())


def test_they_are_read(tmp_path: Path) -> None:
    found = read(tmp_path, '"https://other.example/r4/", "http://127.0.0.1:8080/fhir"')
    assert found == (("https://other.example/r4", "http://127.0.0.1:8080/fhir"), ())


@pytest.mark.parametrize(
    ("one", "two", "fault"),
    [
        ('"https://two.example/fhir"', "", "an alias of one is the base_url, or an alias, of another source"),
        ('"https://two.example/fhir/"', "", "an alias of one is the base_url, or an alias, of another source"),
        ('"https://x.example/a"', '"https://x.example/a/"', "an alias of one is the base_url, or an alias, of another"),
        ('"http://other.example/r4"', "", "each alias must be a base URL without query: https, or http on loopback"),
        ('"other.example/r4"', "", "each alias must be a base URL"),
        ('"https://other.example/r4?x=1"', "", "each alias must be a base URL"),
        ('"https://user@other.example/r4"', "", "each alias must be a base URL"),
    ],
)
def test_what_is_refused(one: str, two: str, fault: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=fault):
        read(tmp_path, one, two)


def test_the_own_base_url_may_be_repeated(tmp_path: Path) -> None:
    assert read(tmp_path, '"https://one.example/fhir"')[0] == ("https://one.example/fhir",)


@pytest.mark.parametrize(("line", "bare"), [("", False), ("bare_codes = true\n", True)])
def test_bare_codes_reach_the_source(tmp_path: Path, line: str, bare: bool) -> None:
    path = tmp_path / "medtwin.toml"
    path.write_text(ONE.format("") + line)
    assert [source.bare_codes for source in load_settings(path).endpoints()] == [bare]
