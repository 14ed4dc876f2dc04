"""The settings of CDS Hooks: which clients are taken, and what is said of those that are not."""

from datetime import timedelta
from pathlib import Path

import pytest

from server.errors import SettingsError
from server.settings import Settings, load_settings

SERVER = '[server]\npublic_url = "https://cds.example"\n'
SOURCES = '[[sources]]\nid = "ehr"\nbase_url = "https://ehr.example/fhir"\n'
NAMED = '[[hooks.clients]]\nid = "ehr-client"\nissuer = "https://ehr.example"\nsources = ["ehr"]\n'
URL = 'jwks_url = "https://ehr.example/jwks.json"\n'
SECOND = NAMED.replace('id = "ehr-client"', 'id = "two"') + URL


def load(folder: Path, text: str, environ: dict[str, str] | None = None) -> Settings:
    path = folder / "medtwin.toml"
    path.write_text(text, encoding="utf-8")
    return load_settings(path, environ or {})


def site(client: str, *more: str) -> str:
    """Settings of a site with this client."""
    return SERVER + SOURCES + NAMED + client + "".join(more)


def test_without_clients_nothing_is_needed(tmp_path: Path) -> None:
    hooks = load(tmp_path, "").hooks
    assert (hooks.max_bytes, hooks.max_cards, hooks.override_for) == (10 * 1024 * 1024, 5, timedelta(days=7))
    assert hooks.clients == ()


def test_a_client_is_read_as_it_is_written(tmp_path: Path) -> None:
    (client,) = load(tmp_path, site(URL)).hooks.clients
    assert (client.id, client.issuer, client.sources) == ("ehr-client", "https://ehr.example", ("ehr",))
    assert (client.jwks_url, client.jwks_file) == ("https://ehr.example/jwks.json", None)
    (other,) = load(tmp_path, site('jwks_file = "keys/ehr.json"\n')).hooks.clients
    assert (other.jwks_url, other.jwks_file) == (None, Path("keys/ehr.json"))
    # A slash at the end is a part of the name.
    (third,) = load(tmp_path, site(URL).replace('"https://ehr.example"', '"https://ehr.example/"')).hooks.clients
    assert third.issuer == "https://ehr.example/"


def test_limits_are_those_of_the_file_and_of_the_environment(tmp_path: Path) -> None:
    text = '[hooks]\nmax_cards = 3\noverride_for = "PT12H"\n'
    hooks = load(tmp_path, text, {"MEDTWIN_HOOKS__MAX_BYTES": "4096"}).hooks
    assert (hooks.max_bytes, hooks.max_cards, hooks.override_for) == (4096, 3, timedelta(hours=12))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (SOURCES + NAMED + URL, "hooks.clients require server.public_url"),
        (site(""), "hooks.clients.0: exactly one of jwks_url and jwks_file is required"),
        (site(URL, 'jwks_file = "k.json"\n'), "hooks.clients.0: exactly one of jwks_url and jwks_file is required"),
        (site(URL.replace("https", "http")), "hooks.clients.0.jwks_url: must be an absolute https URL"),
        (site(URL.replace("ehr.example/", "u:hunter2@ehr.example/")), "hooks.clients.0.jwks_url: must be an absolute"),
        (site(URL.replace(".json", ".json#k")), "hooks.clients.0.jwks_url: must be an absolute"),
        (site(URL).replace('"https://ehr.example"', '"ehr.example"'), "hooks.clients.0.issuer: must be an absolute"),
        (site(URL).replace('["ehr"]', '["erh"]'), "hooks client ehr-client: sources names erh; configured are ehr"),
        (site(URL).replace('["ehr"]', "[]"), "hooks.clients.0.sources: "),
        (site(URL).replace('id = "ehr-client"', 'id = "E H R"'), "hooks.clients.0.id: "),
        (site(URL, 'algorithms = ["HS256"]\n'), "hooks.clients.0.algorithms: no such setting"),
        (site(URL, NAMED, URL), "the ids of hooks.clients must be distinct"),
        (site(URL, SECOND), "two of hooks.clients have the same issuer"),
        (site('jwks_file = "{\\"keys\\": []}"\n'), "hooks.clients.0.jwks_file: a key must not be in the settings"),
        ("[hooks]\nmax_bytes = 10\n", "hooks.max_bytes: "),
        ("[hooks]\nmax_cards = 1\n", "hooks.max_cards: "),
        ('[hooks]\noverride_for = "P1Y"\n', "hooks.override_for: "),
        ('[hooks]\noverride_for = "P91D"\n', "hooks.override_for: must be between one minute and 90 days"),
        ("[hooks]\noverride_for = 0\n", "hooks.override_for: must be between one minute and 90 days"),
    ],
)
def test_what_is_wrong_is_named_and_no_secret_repeated(tmp_path: Path, text: str, says: str) -> None:
    """CDS-2, CDS-168: keys, issuers and our own address are https, or on this machine."""
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, text)
    assert says in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("host", ["sandbox.cds-hooks.org", "SANDBOX.CDS-Hooks.org", "sandbox.cds-hooks.org."])
@pytest.mark.parametrize("setting", ["issuer", "jwks_url"])
def test_the_public_sandbox_is_never_a_client(tmp_path: Path, host: str, setting: str) -> None:
    own = "https://ehr.example/jwks.json" if setting == "jwks_url" else '"https://ehr.example"'
    public = f"https://{host}/.well-known/jwks.json" if setting == "jwks_url" else f'"https://{host}"'
    with pytest.raises(SettingsError, match="its private key is published"):
        load(tmp_path, site(URL).replace(own, public))
