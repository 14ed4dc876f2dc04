"""How a source's authorisation may be set, and what is said of what may not."""

from pathlib import Path

import pytest

from server.errors import SettingsError
from server.settings import load_settings

HEAD = '[[sources]]\nid = "ehr"\nbase_url = "https://ehr.example/fhir"\n'
KEY = "-----BEGIN PRIVATE KEY-----\\nhunter2\\n-----END PRIVATE KEY-----"


def written(folder: Path, text: str) -> Path:
    path = folder / "medtwin.toml"
    path.write_text(text, encoding="utf-8")
    return path


def backend(rest: str) -> str:
    return f'{HEAD}auth = "backend"\n[sources.backend]\n{rest}\n'


def tls(rest: str) -> str:
    return f"{HEAD}[sources.tls]\n{rest}\n"


NAMED = 'client_id = "c"\nkey_env = "EHR_KEY"\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (HEAD + 'auth = "backend"', 'sources.0: auth = "backend" requires backend.client_id'),
        (HEAD + f"[sources.backend]\n{NAMED}", 'sources.0: backend requires auth = "backend"'),
        (backend('key_env = "EHR_KEY"'), "sources.0.backend.client_id: "),
        (backend('client_id = ""\nkey_env = "EHR_KEY"'), "sources.0.backend.client_id: "),
        (backend('client_id = "c"'), "sources.0.backend: exactly one of key_file and key_env is required"),
        (backend(NAMED + 'key_file = "key.pem"'), "sources.0.backend: exactly one of key_file and key_env is required"),
        (backend(f'client_id = "c"\nkey_file = "{KEY}"'), "backend.key_file: a key must not be in the settings"),
        (backend(f'client_id = "c"\nkey_env = "{KEY}"'), "backend.key_env: a key must not be in the settings"),
        (backend("client_id = 'c'\nkey_env = '{\"kty\": \"hunter2\"}'"), "a key must not be in the settings"),
        (backend("client_id = 'c'\nkey_file = '{\"kty\": \"hunter2\"}'"), "a key must not be in the settings"),
        (backend(f'client_id = "c"\nprivate_key = "{KEY}"'), "sources.0.backend.private_key: no such setting"),
        (backend('client_id = "c"\nkey_env = "hunter2 is it"'), "must be the name of an environment variable"),
        (backend('client_id = "c"\nkey_env = "MEDTWIN_KEY"'), "must not begin with MEDTWIN_"),
        (backend(NAMED + 'key_id = ""'), "sources.0.backend.key_id: "),
        (backend(NAMED + 'token_url = "http://auth.example/token"'), "must be an absolute https URL"),
        (backend(NAMED + 'token_url = "auth.example/token"'), "must be an absolute https URL"),
        (backend(NAMED + 'token_url = "https://u:hunter2@auth.example/"'), "without user and fragment"),
        (backend(NAMED + 'token_url = "https://auth.example/#a"'), "without user and fragment"),
        (backend(NAMED + 'token_url = "https://auth.example:x/"'), "must be an absolute https URL"),
        (backend(NAMED + 'jwks_url = "http://cds.example/jwks"'), "must be an absolute https URL"),
        (backend(NAMED + 'scope = ""'), "must be scopes separated by single spaces"),
        (backend(NAMED + 'scope = "a  b"'), "must be scopes separated by single spaces"),
        (backend(NAMED + "scope = 'a\"b'"), "must be scopes separated by single spaces"),
        (tls('key_file = "key.pem"'), "sources.0.tls: key_file requires cert_file"),
        (tls(""), "sources.0.tls: cert_file or ca_file is required"),
        (tls(f'cert_file = "c.pem"\nkey_file = "{KEY}"'), "a key must not be in the settings"),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(written(tmp_path, text), {})
    assert says in str(caught.value)
    assert "hunter2" not in repr(caught.value)


@pytest.mark.parametrize(
    ("address", "auth", "more", "fits"),
    [
        ("http://ehr.example/fhir", "none", "allow_http = true", True),
        ("http://ehr.example/fhir", "caller", "allow_http = true", False),
        ("HTTP://ehr.example/fhir", "caller", "allow_http = true", False),
        ("http://127.0.0.1:8191/fhir", "caller", "", True),
        ("http://[::1]:8191/fhir", "caller", "", True),
        ("https://ehr.example/fhir", "caller", "", True),
        ("http://127.0.0.1:8191/fhir", "none", 'tls = {ca_file = "ca.pem"}', False),
        ("https://ehr.example/fhir", "caller", 'tls = {ca_file = "ca.pem"}', True),
    ],
)
def test_a_token_crosses_no_network_in_the_clear(
    tmp_path: Path, address: str, auth: str, more: str, fits: bool
) -> None:
    text = f'[[sources]]\nid = "ehr"\nbase_url = "{address}"\nauth = "{auth}"\n{more}\n'
    try:
        (source,) = load_settings(written(tmp_path, text), {}).endpoints()
        assert fits and source.auth == auth
    except SettingsError as error:
        assert not fits
        assert "requires https" in str(error)


def test_all_of_it_reaches_the_collectors(tmp_path: Path) -> None:
    token_url, jwks_url = "http://localhost:1/t", "https://cds.example/jwks"
    more = f'key_id = "k"\ntoken_url = "{token_url}"\njwks_url = "{jwks_url}"\nscope = "system/*.read"'
    (source,) = load_settings(written(tmp_path, backend(NAMED + more)), {}).endpoints()
    assert source.backend is not None
    assert (source.backend.client_id, source.backend.key_env, source.backend.key_file) == ("c", "EHR_KEY", None)
    assert (source.backend.key_id, source.backend.scope) == ("k", "system/*.read")
    assert (source.backend.token_url, source.backend.jwks_url) == (token_url, jwks_url)
    (plain,) = load_settings(written(tmp_path, backend(NAMED)), {}).endpoints()
    assert plain.backend is not None and (plain.backend.scope, plain.backend.token_url) == ("system/*.rs", None)
    (certified,) = load_settings(written(tmp_path, tls('cert_file = "c.pem"\nca_file = "ca.pem"')), {}).endpoints()
    assert certified.tls is not None
    assert (certified.tls.cert_file, certified.tls.key_file, certified.tls.ca_file) == (
        Path("c.pem"),
        None,
        Path("ca.pem"),
    )


def test_the_examples_of_the_page_on_authorisation_are_read(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs/authorisation.md").read_text(encoding="utf-8")
    asking = page.split("## How a source is asked")[1]
    examples = [part.split("```")[0] for part in asking.split("```toml\n")[1:]]
    read = [load_settings(written(tmp_path, example), {}).endpoints()[0] for example in examples]
    assert [(source.auth, source.backend is not None, source.tls is not None) for source in read] == [
        ("caller", False, False),
        ("backend", True, False),
        ("none", False, True),
    ]
