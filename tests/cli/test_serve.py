"""What the server does between its start and its first question."""

import contextlib
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from fixtures.child import ROOT
from server.cli import main, serve
from server.errors import SettingsError
from server.settings import Settings
from tests.support.token_issuer import SECRET, TokenIssuer, site

PROGRAM = """
import gc, uvicorn
from server.cli import serve
from server.settings import Settings

async def ready(server, sockets):
    server.started = True
    print("frozen", gc.get_freeze_count() > 50_000)

assert gc.get_freeze_count() == 0
uvicorn.Server.serve = ready
serve.run(Settings(cache={"enabled": False}), None, 0)
"""


def test_what_the_start_made_is_left_out_of_collections() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "frozen True"


SERVE = """
from server.cli import serve
from server.settings import Settings

serve.run(Settings(cache={"enabled": False}), None, 0)
"""


def test_the_head_of_a_request_is_bounded_before_it_is_whole() -> None:
    command = [sys.executable, "-u", "-c", SERVE]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            assert server.stdout is not None
            port = int(server.stdout.readline().split("/graphql")[0].rsplit(":", 1)[1])
            with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
                # It may be cut off while it still sends, and the answer be lost with it.
                with contextlib.suppress(ConnectionError):
                    client.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 1_000_000)
                answer = b"HTTP/1.1 400"
                with contextlib.suppress(ConnectionError):
                    answer = client.recv(12)
            assert answer == b"HTTP/1.1 400"
        finally:
            server.terminate()


def started(folder: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """``serve``, as an operator starts it, which is expected to end at once."""
    command = [sys.executable, "-m", "server", "serve", "--port", "0", *arguments]
    variables = {**os.environ, "PYTHONPATH": str(ROOT), **environ}
    return subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.1.2.3", "cds.example", ""])  # noqa: S104 - it must not be bound
def test_beyond_loopback_it_starts_with_issuers_only(
    host: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def bound(*_: object) -> None:
        raise AssertionError("it listens")

    monkeypatch.setattr(serve, "_listen", bound)
    monkeypatch.chdir("/")
    assert main(["serve", "--host", host]) == 1
    shown = capsys.readouterr().err
    assert "no issuer is configured" in shown
    assert "server.allow_anonymous = true" in shown
    assert all(line.startswith("medtwin: ") for line in shown.splitlines())


def test_the_refusal_is_words_and_an_exit_status(tmp_path: Path) -> None:
    done = started(tmp_path, MEDTWIN_SERVER__HOST="0.0.0.0")  # noqa: S104 - it must not be bound
    assert done.returncode == 1
    assert "issuer" in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert "serves" not in done.stdout


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_on_loopback_it_starts_as_ever(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(serve, "_listen", lambda host, port: asked.append(host))
    assert serve.run(Settings(), host, 0) == 1
    assert asked == [host]


async def test_with_issuers_or_where_it_is_let_it_listens_beyond(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(serve, "_listen", lambda host, port: asked.append(host))
    everywhere = "0.0.0.0"  # noqa: S104 - it is not bound
    async with TokenIssuer.listening() as issuer:
        assert serve.run(site(issuer.settings()), everywhere, 0) == 1
    assert serve.run(Settings.model_validate({"server": {"allow_anonymous": True}}), everywhere, 0) == 1
    assert asked == [everywhere] * 2


LAUNCHED = {"id": "ehr", "base_url": "https://ehr.example/fhir", "auth": "caller", "launch": {"client_id": "us"}}


@pytest.mark.parametrize(
    ("others", "starts"),
    [
        ([], True),
        ([{**LAUNCHED, "id": "clinic", "base_url": "https://clinic.example/fhir"}], True),
        ([{"id": "lab", "base_url": "https://lab.example/fhir"}], False),
        ([{"id": "lab", "base_url": "https://lab.example/fhir", "auth": "caller"}], False),
        (
            [
                {
                    "id": "lab", "base_url": "https://lab.example/fhir", "auth": "backend",
                    "backend": {"client_id": "us", "key_env": "K"},
                }
            ],
            False,
        ),
    ],
    ids=["alone", "two", "open source", "never launched", "our own token"],
)  # fmt: skip
def test_where_every_source_launches_us_it_listens_beyond_without_issuers(
    others: list[dict[str, object]], starts: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each source asks for the caller's own token; one that does not would answer whoever reaches the server."""
    monkeypatch.setattr(serve, "_listen", lambda host, port: None)
    settings = Settings.model_validate(
        {"server": {"public_url": "https://cds.example"}, "sources": [LAUNCHED, *others]}
    )
    assert settings.token_required is starts
    # Behind a proxy of this machine, it is reached from others as well.
    for host in ("0.0.0.0", "127.0.0.1"):  # noqa: S104 - it is not bound
        if starts:
            assert serve.run(settings, host, 0) == 1
        else:
            with pytest.raises(SettingsError, match="no issuer is configured"):
                serve.run(settings, host, 0)


def test_on_this_machine_alone_a_launch_beside_an_open_source_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "_listen", lambda host, port: None)
    sources = [LAUNCHED, {"id": "lab", "base_url": "https://lab.example/fhir"}]
    settings = Settings.model_validate({"server": {"public_url": "http://localhost:8000"}, "sources": sources})
    assert serve.run(settings, None, 0) == 1


def test_a_credential_that_is_not_there_stops_the_start_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "medtwin.toml").write_text(
        """
[server]
public_url = "https://cds.example"
[[sources]]
id = "ehr"
base_url = "https://ehr.example/fhir"
[[issuers]]
id = "as"
issuer = "https://auth.example"
sources = ["ehr"]
[issuers.introspection]
url = "https://auth.example/introspect"
client_id = "cds"
secret_env = "AS_SECRET"
"""
    )
    done = started(tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "medtwin: issuer as: introspection.secret_env: the environment variable that it names is not set"
    )
    assert "Traceback" not in done.stderr
    assert SECRET not in done.stderr
