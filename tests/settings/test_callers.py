"""Who may ask, as settings have it: issuers, the server's own names, origins; and what is said of what may not be."""

from pathlib import Path

import pytest

from server.errors import SettingsError
from server.settings import Settings, load_settings

SERVER = '[server]\npublic_url = "https://cds.example"\n'
SOURCES = '[[sources]]\nid = "ehr"\nbase_url = "https://ehr.example/fhir"\n'
NAMED = '[[issuers]]\nid = "as"\nissuer = "https://auth.example"\nsources = ["ehr"]\n'
JWKS = 'jwks_url = "https://auth.example/jwks"\naudience = ["https://cds.example/graphql"]\n'
ASKED = '[issuers.introspection]\nurl = "https://auth.example/introspect"\nclient_id = "cds"\n'
SECRET = 'secret_env = "AS_SECRET"\n'
PEM = "-----BEGIN PRIVATE KEY-----\\nhunter2\\n-----END PRIVATE KEY-----"


def load(folder: Path, text: str, environ: dict[str, str] | None = None) -> Settings:
    path = folder / "medtwin.toml"
    path.write_text(text, encoding="utf-8")
    return load_settings(path, environ or {})


def site(issuer: str, *more: str) -> str:
    """Settings of a site with this issuer."""
    return SERVER + SOURCES + NAMED + issuer + "".join(more)


def test_an_issuer_is_read_as_it_is_written(tmp_path: Path) -> None:
    (issuer,) = load(tmp_path, site(JWKS)).issuers
    assert (issuer.id, issuer.issuer, issuer.jwks_url) == ("as", "https://auth.example", "https://auth.example/jwks")
    assert (issuer.audience, issuer.sources) == (("https://cds.example/graphql",), ("ehr",))
    assert (issuer.any_patient, issuer.algorithms) == (False, ("ES384", "RS384", "ES256", "RS256"))
    assert issuer.introspection is None
    (asked,) = load(tmp_path, site(ASKED, SECRET)).issuers
    assert asked.introspection is not None
    assert asked.introspection.secret_env == "AS_SECRET"
    assert asked.audience == ()
    # A slash at the end is a part of the name: it is compared character by character.
    (other,) = load(tmp_path, site(JWKS).replace('"https://auth.example"', '"https://auth.example/"')).issuers
    assert other.issuer == "https://auth.example/"


def test_without_issuers_nothing_is_needed(tmp_path: Path) -> None:
    settings = load(tmp_path, "")
    assert (settings.issuers, settings.server.public_url, settings.server.origins, settings.server.hosts) == (
        (), None, (), (),
    )  # fmt: skip
    assert settings.server.allow_anonymous is False


def test_issuers_come_from_the_environment_as_json(tmp_path: Path) -> None:
    issuers = (
        '[{"id": "as", "issuer": "http://127.0.0.1:9", "jwks_url": "http://127.0.0.1:9/jwks", "audience": ["a"],'
        ' "sources": ["ehr"]}]'
    )
    environ = {"MEDTWIN_ISSUERS": issuers, "MEDTWIN_SERVER__PUBLIC_URL": "http://localhost:8000/"}
    settings = load(tmp_path, SOURCES, environ)
    assert settings.issuers[0].issuer == "http://127.0.0.1:9"
    assert settings.server.public_url == "http://localhost:8000"


SECOND = NAMED.replace('id = "as"', 'id = "two"')


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (SOURCES + NAMED + JWKS, "issuers require server.public_url"),
        (SERVER + SOURCES + NAMED, "issuers.0: exactly one of jwks_url and introspection is required"),
        (site(JWKS, ASKED, SECRET), "issuers.0: exactly one of jwks_url and introspection is required"),
        (site('jwks_url = "https://auth.example/jwks"\n'), "issuers.0: jwks_url requires audience"),
        (site(JWKS.replace("https://cds.example/graphql", "")), "issuers.0.audience.0: "),
        (site(JWKS.replace("https://auth", "http://auth")), "issuers.0.jwks_url: must be an absolute https URL"),
        (site(JWKS.replace("https://auth", "https://u:hunter2@auth")), "issuers.0.jwks_url: must be an absolute"),
        (site(JWKS.replace("auth.example/", "auth.example:x/")), "issuers.0.jwks_url: must be an absolute"),
        (site(JWKS).replace('"https://auth.example"', '"auth.example"'), "issuers.0.issuer: must be an absolute"),
        (site(JWKS).replace('"https://auth.example"', '"https://auth.example?x"'), "and without query"),
        (site(JWKS).replace('["ehr"]', '["erh"]'), "issuer as: sources names erh; configured are ehr"),
        (site(JWKS).replace('["ehr"]', "[]"), "issuers.0.sources: "),
        (site(JWKS).replace('sources = ["ehr"]\n', ""), "issuers.0.sources: Field required"),
        (site(JWKS).replace('id = "as"', 'id = "A S"'), "issuers.0.id: "),
        (site(JWKS, 'algorithms = ["HS256"]\n'), "issuers.0.algorithms.0: Input should be 'ES256'"),
        (site(JWKS, 'algorithms = ["none"]\n'), "issuers.0.algorithms.0: Input should be 'ES256'"),
        (site(JWKS, "algorithms = []\n"), "issuers.0.algorithms: "),
        (site(JWKS, 'secret = "hunter2"\n'), "issuers.0.secret: no such setting"),
        (site(JWKS, NAMED, JWKS), "the ids of issuers must be distinct"),
        (site(JWKS, SECOND, JWKS), "two issuers have the same issuer"),
        (
            site(ASKED, SECRET, SECOND.replace("https://auth", "https://two"), ASKED, SECRET),
            "at most one issuer may have introspection",
        ),
        (site(ASKED), "issuers.0.introspection: exactly one of key_file and secret_env is required"),
        (site(ASKED, SECRET, 'key_file = "k.pem"\n'), "exactly one of key_file and secret_env is required"),
        (site(ASKED, 'secret_env = "hunter2 is it"\n'), "must be the name of an environment variable"),
        (site(ASKED, 'secret_env = "MEDTWIN_SECRET"\n'), "must not begin with MEDTWIN_"),
        (site(ASKED, f'secret_env = "{PEM}"\n'), "a key must not be in the settings"),
        (site(ASKED, f'key_file = "{PEM}"\n'), "a key must not be in the settings"),
        (site(ASKED, 'secret = "hunter2"\n', SECRET), "issuers.0.introspection.secret: no such setting"),
        (site(ASKED, SECRET).replace("https://auth.example/intro", "http://auth.example/intro"), "absolute https URL"),
        (SERVER.replace("https", "http"), "server.public_url: must be an absolute https URL"),
        (SERVER.replace("cds.example", "cds.example?a"), "server.public_url: "),
        (SERVER.replace("cds.example", "cds.example#a"), "server.public_url: "),
        (SERVER + 'origins = ["*"]\n', "server.origins: each must be an origin as browsers send it"),
        (SERVER + 'origins = ["null"]\n', "server.origins: "),
        (SERVER + 'origins = ["https://app.example/"]\n', "server.origins: "),
        (SERVER + 'origins = ["https://App.example"]\n', "server.origins: "),
        (SERVER + 'origins = ["https://app.example:443"]\n', "server.origins: "),
        (SERVER + 'origins = ["http://app.example:80"]\n', "server.origins: "),
        (SERVER + 'origins = ["https://*.example"]\n', "server.origins: "),
        (SERVER + 'origins = ["https://u@app.example"]\n', "server.origins: "),
        (SERVER + 'origins = ["https://app.example:x"]\n', "server.origins: "),
        (SERVER + 'origins = ["app.example"]\n', "server.origins: "),
        (SERVER + 'origins = ["file:///"]\n', "server.origins: "),
        (SERVER + 'hosts = ["https://cds"]\n', "server.hosts: each must be a host name"),
        (SERVER + 'hosts = ["cds:80"]\n', "server.hosts: each must be a host name"),
        (SERVER + 'hosts = ["*"]\n', "server.hosts: each must be a host name"),
        (SERVER + 'allow_anonymous = "perhaps"\n', "server.allow_anonymous: "),
    ],
)
def test_what_is_wrong_is_named_and_no_secret_repeated(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, text)
    assert says in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "line",
    [
        'origins = ["https://app.example", "http://app.example:8080", "http://localhost:5173", "http://[::1]:3000"]',
        'hosts = ["cds.internal", "10.1.2.3", "[fd00::1]", "CDS"]',
        'algorithms = ["ES512", "RS512", "PS256", "PS384", "PS512", "EdDSA"]',
    ],
)
def test_what_is_let(tmp_path: Path, line: str) -> None:
    text = site(JWKS, line) if line.startswith("alg") else SERVER + line
    assert load(tmp_path, text)
