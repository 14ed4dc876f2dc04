"""The settings' file and the environment: which wins, what is refused with its name, and what a site may set."""

import json
import tomllib
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import BaseModel

from ontology.concepts import Concept, Origin, ValueType
from ontology.values import Coding, Quantity
from server.errors import SettingsError
from server.settings import Settings, load_settings, site_units, site_values
from server.settings.callers import IssuerSettings
from server.settings.endpoints import SourceSettings, TerminologySettings
from server.settings.hooks import HookClientSettings, HookSettings
from server.settings.launch import LaunchSettings
from server.settings.model import CacheSettings, PagesSettings, ServerSettings

REPO = Path(__file__).parents[2]
SOURCE = '[[sources]]\nid = "ehr"\nbase_url = "http://127.0.0.1:8191/fhir/"\n'


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "medtwin.toml"
    path.write_text(text)
    return path


def test_file_and_environment_and_which_wins(tmp_path: Path) -> None:
    path = written(tmp_path, "[server]\nport = 1\nhost = '0.0.0.0'\n" + SOURCE)
    settings = load_settings(path, {"MEDTWIN_SERVER__PORT": "8123", "OTHER": "x"})
    assert (settings.server.port, settings.server.host) == (8123, "0.0.0.0")  # noqa: S104 - not bound, only read
    source = settings.endpoints()[0]
    assert (source.id, source.base_url, str(source.zone)) == ("ehr", "http://127.0.0.1:8191/fhir", "UTC")


def test_lists_come_from_the_environment_as_json() -> None:
    sources = json.dumps([{"id": "a", "base_url": "https://a.example/fhir", "zone": "Europe/Berlin"}])
    settings = load_settings(None, {"MEDTWIN_SOURCES": sources, "MEDTWIN_ZONE": "Europe/Paris"})
    assert str(settings.endpoints()[0].zone) == "Europe/Berlin"


@pytest.mark.parametrize(
    ("text", "environ", "names"),
    [
        ("[server]\nprot = 1", {}, "server.prot: no such setting"),
        ("colour = 1", {}, "colour: no such setting"),
        ("", {"MEDTWIN_SERVER__PROT": "1"}, "server.prot: no such setting"),
        ("", {"MEDTWIN_SERVR__PORT": "1"}, "MEDTWIN_SERVR__PORT: no such setting"),
        ("[server]\nport = 70000", {}, "server.port: "),
        ("[server]\nport = 'x'", {}, "server.port: "),
        ("zone = 'Mars/Olympus'", {}, "zone: must be the name of an IANA time zone"),
        ("[cache]\nurl = 'redis://h'", {}, "cache: url requires key"),
        ("[cache]\nurl = 'http://h'\nkey = 'x'", {}, "cache.url: must begin with redis://"),
        ("[cache]\nkey = 'secretsecret'", {}, "cache: a key must be 32 bytes"),
        ("[cache]\nttl = 0", {}, "cache.ttl: must be between"),
        (SOURCE + 'auth = "token"', {}, "sources.0.auth: Input should be 'none', 'caller' or 'backend'"),
        (SOURCE + SOURCE, {}, "sources: the ids of sources must be distinct"),
        ('[[sources]]\nid = "a"\nbase_url = "http://ehr.example/fhir"', {}, "must be https"),
        ('[[sources]]\nid = "a"\nbase_url = "ehr.example/fhir"', {}, "absolute https URL"),
        ('[[sources]]\nid = "a"\nbase_url = "https://xn--/fhir"', {}, "absolute https URL"),
        ('[[sources]]\nid = "a"\nbase_url = "https://ehr.test/fhir?"', {}, "no user, query or fragment"),
        ('[[sources]]\nid = "a"\nbase_url = "https://@ehr.test/fhir"', {}, "no user, query or fragment"),
        ('[[sources]]\nid = "a"\nbase_url = "https://u:p@ehr.example/fhir"', {}, "no user"),
        ("[server", {}, "is not TOML"),
        ("", {"MEDTWIN_SOURCES": "{"}, "must be JSON"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, environ: dict[str, str], names: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(written(tmp_path, text), environ)
    assert names in str(caught.value)
    assert "secretsecret" not in str(caught.value)
    assert "u:p@" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings(tmp_path / "none.toml", {})


def test_plain_http_is_let_only_where_it_is_asked_for(tmp_path: Path) -> None:
    text = '[[sources]]\nid = "a"\nbase_url = "http://ehr.example/fhir"\nallow_http = true'
    assert load_settings(written(tmp_path, text), {}).sources[0].base_url == "http://ehr.example/fhir"


@pytest.mark.parametrize("key", ["ab" * 32, "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s="])
def test_keys_in_hex_and_base64_and_in_a_file(tmp_path: Path, key: str) -> None:
    assert CacheSettings.model_validate({"key": key}).key_bytes() == b"\xab" * 32
    file = tmp_path / "key"
    file.write_text(key + "\n")
    assert CacheSettings(key_file=file).key_bytes() == b"\xab" * 32
    assert key not in repr(CacheSettings.model_validate({"key": key}))


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o640, False), (0o644, True), (0o604, True)])
def test_a_key_that_everybody_can_read_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, mode: int, warned: bool
) -> None:
    file = tmp_path / "key"
    file.write_text("ab" * 32)
    file.chmod(mode)
    for _ in range(2):
        CacheSettings(key_file=file).key_bytes()
    assert [record.levelname for record in caplog.records] == (["WARNING"] if warned else [])
    assert ("cache.key_file can be read by everybody" in caplog.text) is warned
    assert "abab" not in caplog.text


SITE = {
    "north-america": Concept("i:1", "north-america", "North America", Origin.SITE, ValueType.FLAG),
    "altitude": Concept("i:2", "altitude", "Altitude", Origin.SITE, ValueType.QUANTITY, unit="m"),
    "region": Concept("i:3", "region", "Region", Origin.SITE, ValueType.CODING),
    "egfr": Concept("i:4", "egfr", "Estimated GFR", Origin.COMPUTED, ValueType.QUANTITY, unit="mL/min"),
}


def test_site_values_are_values_of_their_concepts(tmp_path: Path) -> None:
    text = "[site]\nnorth-america = true\naltitude = 500\nregion = 's|c'"
    site = load_settings(written(tmp_path, text), {}).site
    assert site_values(site, SITE) == {
        "north-america": True,
        "altitude": Quantity(Decimal(500), "m"),
        "region": Coding("s", "c"),
    }
    assert load_settings(None, {"MEDTWIN_SITE__NORTH_AMERICA": "false"}).site == {"north-america": False}


@pytest.mark.parametrize(
    ("site", "names"),
    [
        ({"north-america": "x"}, "true or false"),
        ({"altitude": True}, "a number in m"),
        ({"egfr": Decimal(1)}, "no such site concept"),
        ({"moon": True}, "no such site concept"),
    ],
)
def test_site_values_of_the_wrong_kind_are_named(site: dict[str, bool | Decimal | str], names: str) -> None:
    with pytest.raises(SettingsError, match=names):
        site_values(site, SITE)


MEASURED = {
    "serum-creatinine": Concept(
        "c", "serum-creatinine", "Creatinine", Origin.OBSERVATION, ValueType.QUANTITY, unit="mg/dL",
        molar_mass=Decimal("113.12"),
    ),
    "diabetes": Concept("d", "diabetes", "Diabetes", Origin.CONDITION, ValueType.FLAG),
    "uacr": Concept("u", "uacr", "UACR", Origin.COMPUTED, ValueType.QUANTITY, unit="mg/g", recorded_as="r"),
    "recorded-uacr": Concept("r", "recorded-uacr", "UACR", Origin.OBSERVATION, ValueType.QUANTITY, unit="mg/g"),
}  # fmt: skip


def test_units_of_the_site_come_from_the_file_and_the_environment(tmp_path: Path) -> None:
    text = '[site]\nnorth-america = true\n[site.units]\nserum-creatinine = "mmol/L"'
    settings = load_settings(written(tmp_path, text), {"MEDTWIN_SITE__UNITS__SERUM_CREATININE": "umol/L"})
    assert site_units(settings.site, MEASURED) == {"serum-creatinine": "umol/L"}
    # Of a concept that is computed and recorded, one unit is for both.
    assert site_units({"units": {"uacr": "g/g"}}, MEASURED) == {"uacr": "g/g", "recorded-uacr": "g/g"}
    both = {"uacr": "g/g", "recorded-uacr": "mg/g"}
    assert site_units({"units": both}, MEASURED) == both
    # They are no site concept.
    assert site_values({"units": {"serum-creatinine": "umol/L"}}, {}) == {}
    assert site_units({}, MEASURED) == {}


@pytest.mark.parametrize(
    ("units", "names"),
    [
        ("umol/L", "site.units: must be a table"),
        ({"serum-creatinin": "umol/L"}, "site.units.serum-creatinin: no such concept; did you mean serum-creatinine"),
        ({"diabetes": "umol/L"}, "site.units.diabetes: the concept has no unit"),
        ({"serum-creatinine": "kg"}, "site.units.serum-creatinine: must be a UCUM unit that mg/dL converts to"),
        ({"serum-creatinine": "µmol/L"}, "site.units.serum-creatinine: must be a UCUM unit"),
        ({"serum-creatinine": 5}, "site.units.serum-creatinine: must be a UCUM unit in quotes"),
    ],
)
def test_a_unit_that_cannot_be_shown_is_named(units: str | dict[str, str], names: str) -> None:
    with pytest.raises(SettingsError, match=names.replace(".", r"\.")):
        site_units({"units": units}, MEASURED)


def test_every_setting_is_documented() -> None:
    told = (REPO / "docs/settings.md").read_text()
    sections: dict[str, type[BaseModel]] = {"server": ServerSettings, "cache": CacheSettings, "sources": SourceSettings}
    sections |= {"terminology": TerminologySettings, "issuers": IssuerSettings, "launch": LaunchSettings}
    sections |= {"pages": PagesSettings, "hooks": HookSettings}
    assert set(Settings.model_fields) == {*sections, "site", "zone"}
    sections |= {"hooks.clients": HookClientSettings}
    names = [f"{section}.{key}" for section, model in sections.items() for key in model.model_fields]
    missing = [name for name in [*names, "site", "zone"] if f"\n| `{name}` |" not in told]
    assert not missing
    rows = [line.split("`")[1] for line in told.splitlines() if line.startswith("| `")]
    assert sorted(rows) == sorted([*names, "site", "site.units", "zone"])


def test_the_documented_example_is_read(tmp_path: Path) -> None:
    told = (REPO / "docs/settings.md").read_text()
    example = told.split("```toml\n")[1].split("```")[0]
    assert tomllib.loads(example)
    assert load_settings(written(tmp_path, example), {}).site == {
        "north-america": False,
        "units": {"serum-creatinine": "umol/L", "uacr": "mg/mmol"},
    }


@pytest.mark.parametrize(
    "url", ["https://ehr.example:999999/fhir", "https://ehr example/fhir", "https://ehr.example:0/fhir"]
)
def test_an_address_that_none_can_be_reached_at_stops_the_start(url: str, tmp_path: Path) -> None:
    written = tmp_path / "medtwin.toml"
    written.write_text(f'[[sources]]\nid = "ehr"\nbase_url = "{url}"\n', encoding="utf-8")
    with pytest.raises(SettingsError, match="sources"):
        load_settings(written, {})
