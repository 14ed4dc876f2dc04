"""The Makefile, the image and the CI script say the same."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import tomllib
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from fixtures.child import ROOT
from fixtures.graphql_clients.running import PACKAGES as CLIENTS
from fixtures.medplum.running import PACKAGES as MEDPLUM
from fixtures.npm import OLDEST_NODE
from fixtures.smart.running import PACKAGES as SMART
from fixtures.smart.site import APP

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def make(*arguments: str, cwd: Path = ROOT, **variables: str) -> subprocess.CompletedProcess[str]:
    assignments = [f"{name}={value}" for name, value in variables.items()]
    # MAKEFLAGS of a `make test` around this test would reach this make too.
    env = {"PATH": "/usr/local/bin:/usr/bin:/bin"}
    return subprocess.run(
        ["make", *arguments, *assignments], cwd=cwd, capture_output=True, text=True, check=False, env=env
    )


def test_every_step_of_the_image_is_one_of_the_makefile() -> None:
    ours = make("--dry-run", "--always-make", "install-run", PYTHON="python").stdout.splitlines()
    steps = re.findall(r"^RUN (.+)$", DOCKERFILE, re.MULTILINE)
    assert len(steps) == 3
    # make hides what pip prints behind one line of progress.
    commands = {line.partition(" > ")[0] for line in ours}
    assert [step for step in steps[:2] if step not in commands] == []


def test_the_image_holds_compiled_what_it_runs() -> None:
    # It runs as a user who may write nothing, so that each start would compile everything again.
    copied = re.findall(r"^COPY (\w+) \1$", DOCKERFILE, re.MULTILINE)
    steps = re.findall(r"^RUN (.+)$", DOCKERFILE, re.MULTILINE)
    assert steps[-1] == f".venv/bin/python -m compileall -q {' '.join(copied)}"
    assert DOCKERFILE.index(steps[-1]) > DOCKERFILE.index(f"COPY {copied[-1]}")


def test_the_image_is_not_root_and_says_how_it_is() -> None:
    user = re.search(r"^USER (\d+)", DOCKERFILE, re.MULTILINE)
    assert user is not None
    assert int(user[1]) > 0
    assert "HEALTHCHECK" in DOCKERFILE
    assert "/health" in DOCKERFILE


def test_the_image_asks_for_issuers() -> None:
    # It listens beyond loopback, and nothing in it lets anonymous callers in.
    assert "MEDTWIN_SERVER__HOST=0.0.0.0" in DOCKERFILE
    assert "ALLOW_ANONYMOUS" not in DOCKERFILE.upper()


def test_the_image_begins_with_one_version_of_python() -> None:
    assert re.search(r"^FROM python:3\.\d+\.\d+-slim-[a-z]+$", DOCKERFILE, re.MULTILINE)


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False)])
def test_the_health_check_of_the_image_asks_no_proxy(status: int, healthy: bool) -> None:
    command = json.loads(DOCKERFILE.split("HEALTHCHECK")[1].split("CMD ", 1)[1].splitlines()[0])

    class Health(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/health" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing is logged."""

    with HTTPServer(("127.0.0.1", 0), Health) as server:
        answering = threading.Thread(target=server.handle_request)
        answering.start()
        proxy = dict.fromkeys(("http_proxy", "HTTP_PROXY", "all_proxy"), "http://127.0.0.1:1")
        port = {"MEDTWIN_SERVER__PORT": str(server.server_port)}
        done = subprocess.run([sys.executable, *command[1:]], env={**os.environ, **proxy, **port}, check=False)
        answering.join()
    assert (done.returncode == 0) is healthy


def test_what_the_image_copies_is_not_ignored() -> None:
    kept = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE)
    copied = [name for line in re.findall(r"^COPY (.+)$", DOCKERFILE, re.MULTILINE) for name in line.split()[:-1]]
    assert sorted(copied) == sorted(kept)
    assert [name for name in copied if not (ROOT / name).exists()] == []


def test_every_target_is_listed_and_phony() -> None:
    listed = set(re.findall(r"^  make ([a-z-]+)", make().stdout, re.MULTILINE))
    phony = set(re.findall(r"^\.PHONY: (.+)$", MAKEFILE, re.MULTILINE)[0].split())
    assert listed | {"lint"} == phony
    assert {"install", "run", "test", "bench", "check", "lock"} <= listed


def test_make_test_runs_every_check() -> None:
    commands = make("--dry-run", "test").stdout
    for check in ("ruff check", "ruff format --check", "mypy", "lint-imports", "pytest"):
        assert check in commands


@pytest.mark.parametrize(("given", "processes"), [((), "auto"), (("WORKERS=1",), "1"), (("WORKERS=0",), "0")])
def test_make_test_shares_the_tests_among_processes(given: tuple[str, ...], processes: str) -> None:
    assert f"-m pytest -n {processes} --maxprocesses 4 --dist loadgroup" in make("--dry-run", "test", *given).stdout


def test_what_make_starts_keeps_its_bytecode(tmp_path: Path) -> None:
    """Who forbids it, as images do, would have each of hundreds of processes compile everything."""
    told = MAKEFILE + "\nsay:\n\t@echo kept: $${PYTHONDONTWRITEBYTECODE-yes}\n"
    (tmp_path / "Makefile").write_text(told, encoding="utf-8")
    env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(["make", "say"], cwd=tmp_path, capture_output=True, text=True, check=True, env=env)
    assert done.stdout == "kept: yes\n"


def test_run_passes_its_variables_on() -> None:
    command = make("--dry-run", "run", ONCE="1", PORT="8123", EHR_PORT="8124").stdout
    assert "ONCE='1' PORT='8123' EHR_PORT='8124' .venv/bin/python -m fixtures.demo" in command


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("exit 1", "is .*; 3.11 or newer is needed"),
        # New enough, but without venv: only the question for its version succeeds.
        (
            'case "$2" in *exit*) exit 0;; *ensurepip*) exit 1;; *) echo python3.11-venv;; esac',
            "lacks its venv module.*apt-get install python3.11-venv",
        ),
    ],
)
def test_an_unfit_python_is_refused_in_words(tmp_path: Path, script: str, message: str) -> None:
    fake = tmp_path / "python"
    fake.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    fake.chmod(0o755)
    (tmp_path / "Makefile").write_text(MAKEFILE, encoding="utf-8")
    (tmp_path / "requirements.lock").touch()
    answer = make("install", cwd=tmp_path, PYTHON=str(fake))
    assert answer.returncode != 0
    assert re.search(message, answer.stderr)
    assert not (tmp_path / ".venv").exists()


def test_the_ci_script_is_sound_and_executable() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0
    text = script.read_text(encoding="utf-8")
    assert "set -euo pipefail" in text
    assert "make test" in text
    # What tests leave out elsewhere, with a reason, is not left out there.
    assert "export TEST_REDIS_URL" in text
    [exported] = re.findall(r"^export (\w+_REQUIRED=1.*)$", text, re.MULTILINE)
    assert set(exported.split()) >= {f"{each.required}=1" for each in (MEDPLUM, SMART, APP, CLIENTS)}
    assert "wanted+=(chromium" in text
    assert f"< {OLDEST_NODE} " in text


def test_what_is_left_out_is_reported_with_the_reason() -> None:
    options = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pytest"]["ini_options"]
    assert "-rfEs" in options["addopts"].split()


def test_graphiql_is_pinned_by_hash_and_names_no_registry() -> None:
    text = (ROOT / "server" / "graphql" / "graphiql" / "package-lock.json").read_text(encoding="utf-8")
    packages = {name: each for name, each in json.loads(text)["packages"].items() if name}
    assert len(packages) > 50
    assert [name for name, each in packages.items() if "resolved" in each or "integrity" not in each] == []
    assert "registry" not in text


def test_graphiql_keeps_nothing_in_the_browser() -> None:
    """Its queries name patients."""
    text = (ROOT / "server" / "graphql" / "graphiql" / "start.js").read_text(encoding="utf-8")
    assert re.search(r"createElement\(GraphiQL, \{[^}]*\bstorage\b", text)
    assert "localStorage" not in text
