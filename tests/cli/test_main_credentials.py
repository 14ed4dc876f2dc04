"""The caller's token and our own keys on the command line."""

import json
from importlib import import_module
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from server.catalog.catalog import Catalog
from server.cli import check, main
from server.cli.arguments import caller_token
from server.cli.source import jwks
from server.errors import QuestionError, SettingsError
from server.executor.engine import Engine
from server.settings import Settings, load_settings
from tests.support.charts import creatinine, patient
from tests.support.engine_questions import shipped
from tests.support.fake_fhir_servers import BASE, EVERYTHING, GuardedFhir

ASK = ["ask", "p1", "serum-creatinine", "--at", "2026-06-02T12:00:00Z"]
CALLER = f'[[sources]]\nid = "ehr"\nbase_url = "{BASE}"\nauth = "caller"\n[cache]\nenabled = false\n'
TOKEN_URL = "https://127.0.0.1:1/token"
BACKEND = """[[sources]]
id = "ehr"
base_url = "https://127.0.0.1:1/fhir"
auth = "backend"
[sources.backend]
client_id = "c"
"""


@pytest.fixture
def fhir(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> GuardedFhir:
    made = GuardedFhir((patient(), creatinine(1.6, "2026-06-01T08:30:00Z")), good=EVERYTHING)
    opened = Engine.open

    async def open_here(settings: Settings, catalog: Catalog) -> Engine:
        return await opened(settings, catalog, made.client())

    monkeypatch.setattr(Engine, "open", open_here)
    monkeypatch.setattr(import_module("server.cli.ask"), "configured_catalog", lambda _: shipped())
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EHR_TOKEN", raising=False)
    Path("medtwin.toml").write_text(CALLER)
    return made


@pytest.mark.parametrize("form", ["text", "json", "turtle"])
def test_the_token_is_taken_from_the_environment(
    fhir: GuardedFhir, form: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EHR_TOKEN", "good\n")
    assert main([*ASK, "--format", form]) == 0
    told = capsys.readouterr()
    assert "1.6" in told.out and "good" not in told.out + told.err
    assert "Observation" in fhir.searched_with("good")


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize(
    ("token", "says"),
    [
        (None, "source ehr answers with the caller's own token: "),
        ("", "the environment variable EHR_TOKEN"),
        ("not a token", "the environment variable EHR_TOKEN does not contain a bearer token"),
    ],
)
def test_without_one_nothing_is_sent(
    fhir: GuardedFhir,
    form: str,
    token: str | None,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if token is not None:
        monkeypatch.setenv("EHR_TOKEN", token)
    assert main([*ASK, "--format", form]) == 1
    told = capsys.readouterr().err
    assert told.startswith("medtwin: ") and says in told and "not a token" not in told
    assert [request for request in fhir.requests if "Patient" in request.url.path] == []


def test_the_token_is_no_argument(fhir: GuardedFhir, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([*ASK, "--token", "good"])
    with pytest.raises(SystemExit):
        main(["ask", "--help"])
    assert "EHR_TOKEN" in capsys.readouterr().out


def test_what_the_environment_may_hold() -> None:
    assert caller_token({}) is caller_token({"EHR_TOKEN": " "}) is None
    assert caller_token({"EHR_TOKEN": " abc \n"}) == "abc"
    with pytest.raises(QuestionError, match="does not contain a bearer token"):
        caller_token({"EHR_TOKEN": "a\nb"})


def registered(folder: Path) -> Settings:
    key = ec.generate_private_key(ec.SECP384R1())
    file = folder / "key.pem"
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    file.chmod(0o600)
    toml = folder / "backend.toml"
    toml.write_text(f'{BACKEND}key_file = "{file}"\nkey_id = "medtwin-1"\ntoken_url = "{TOKEN_URL}"\n')
    return load_settings(toml, {})


def test_the_public_half_of_a_key_is_printed_for_its_registration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert jwks.run(registered(tmp_path), "ehr") == 0
    (key,) = json.loads(capsys.readouterr().out)["keys"]
    assert set(key) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    assert (key["kid"], key["alg"], key["crv"]) == ("medtwin-1", "ES384", "P-384")


def test_a_key_that_there_is_none_of_is_not_printed(tmp_path: Path) -> None:
    toml = tmp_path / "caller.toml"
    toml.write_text(CALLER)
    with pytest.raises(SettingsError, match="has no key"):
        jwks.run(load_settings(toml, {}), "ehr")
    with pytest.raises(SettingsError, match="no source of this id"):
        jwks.run(load_settings(toml, {}), "lab")
    settings = registered(tmp_path)
    (tmp_path / "key.pem").write_text("nothing")
    with pytest.raises(SettingsError, match=r"source ehr: backend\.key_file: is neither"):
        jwks.run(settings, "ehr")


async def test_a_check_tries_to_get_a_token(tmp_path: Path) -> None:
    # Nothing listens at the token endpoint.
    faults = await check._deployment_faults(registered(tmp_path), shipped())
    assert "source ehr: the connection for authorisation fails" in faults
