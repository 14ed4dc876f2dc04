"""``verify``: from the file that ``ask`` gave, in a process that knows no source, with the key and without."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fixtures.ehr import Ehr
from server.cli.main import main
from tests.support.charts import creatinine, patient

REPO = Path(__file__).parents[2]
KEY = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3I="
CHART = [patient(), creatinine(1.6, "2026-06-01T08:30:00Z")]
ASK = ["ask", "p1", "egfr", "--at", "2026-06-02T12:00:00Z", "--complete", "Observation", "--why", "reference"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder without settings, and an environment without any."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("MEDTWIN_")]:
        monkeypatch.delenv(name)
    return tmp_path


def exported(here: Path, capsys: pytest.CaptureFixture[str], form: str, monkeypatch: pytest.MonkeyPatch) -> str:
    bundle = here / "bundle.json"
    bundle.write_text(json.dumps(CHART))
    with monkeypatch.context() as patch:
        patch.setenv("MEDTWIN_CACHE__ENABLED", "false")
        assert main([*ASK, "--bundle", str(bundle), "--format", form]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("form", ["turtle", "json-ld"])
@pytest.mark.parametrize("name", ["argument.ttl", "argument.jsonld", "argument"])
def test_the_form_is_told_from_the_content(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, form: str, name: str
) -> None:
    (here / name).write_text(exported(here, capsys, form, monkeypatch))
    # No cache may be started, and nothing be fetched.
    monkeypatch.setattr("server.executor.engine.open_store", None)
    assert main(["verify", name]) == 0
    told = capsys.readouterr()
    assert "All the same." in told.out and "Records: not fetched again" in told.out and told.err == ""
    assert main(["verify", name, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["same"] is True


def test_what_differs_is_told_with_both_values(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = exported(here, capsys, "turtle", monkeypatch)
    (here / "argument").write_text(text.replace("1.6 ", "2.6 ").replace('"1.6"', '"2.6"'))
    assert main(["verify", "argument"]) == 1
    told = capsys.readouterr().out
    assert "the digest does not match the step" in told
    assert "in the file" in told and "here" in told and "Not the same" in told


NOT_UNDERSTOOD = {
    "nothing": b"",
    "no graph": b"Estimated GFR is 45.",
    "not UTF-8": b"\xff\xfe\x00",
    "JSON that is no argument": b'{"results": []}',
    "JSON that is cut off": b'{"@graph": [',
    "a context elsewhere": b'{"@context": "https://other.example/context.jsonld", "@id": "a:b"}',
    "another graph": b"<a:b> <a:c> <a:d> .",
    "deep": b"[" * 100_000,
}


@pytest.mark.parametrize("name", NOT_UNDERSTOOD)
def test_what_is_no_argument_is_not_understood(here: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    (here / "file").write_bytes(NOT_UNDERSTOOD[name])
    assert main(["verify", "file"]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("medtwin: ") and told.err.count("\n") == 1


@pytest.mark.parametrize("name", ["nowhere.ttl", ".", "a\0b"])
def test_a_file_that_cannot_be_read(here: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert main(["verify", name]) == 2
    assert "cannot be read" in capsys.readouterr().err


def test_a_key_that_is_none_is_a_fault_of_the_settings(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDTWIN_CACHE__KEY_FILE", str(here / "nowhere"))
    assert main(["verify", "file"]) == 1
    assert "cache.key_file cannot be read" in capsys.readouterr().err


def run(here: Path, *arguments: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MEDTWIN_")}
    return subprocess.run(
        [sys.executable, "-m", "server", *arguments],
        cwd=here,
        env={**environment, "PYTHONPATH": str(REPO)},
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.ehr
def test_from_a_real_server_to_another_process(
    synthetic_ehr: Ehr, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = f'[[sources]]\nid = "ehr"\nbase_url = "{synthetic_ehr.base_url}"\n'
    (here / "ask.toml").write_text(f'{source}[cache]\nkey = "{KEY}"\n[site]\nnorth-america = true\n')
    (here / "key.toml").write_text(f'[cache]\nkey = "{KEY}"\n')
    (here / "none.toml").write_text("")
    concepts = ("kidney-failure-risk-5y", "egfr-slope", "news2")
    asked = ("ask", "ckd-progressing", *concepts, "--at", "2026-06-30T12:00:00Z", "--config", "ask.toml")
    done = run(here, *asked, "--since", "2026-01-30T12:00:00Z", "--format", "turtle")
    assert done.returncode == 0, done.stderr
    (here / "argument.ttl").write_text(done.stdout)

    assert main(["verify", "argument.ttl", "--config", "none.toml"]) == 0
    assert "Seal: present, not checked (no cache.key)" in capsys.readouterr().out
    sealed = run(here, "verify", "-", "--config", "key.toml", given=done.stdout)
    assert sealed.returncode == 0, sealed.stdout + sealed.stderr
    assert "Seal: valid" in sealed.stdout

    version = "/_history/1>" if "/_history/1>" in done.stdout else "_history/"
    other = done.stdout.replace(version, version.replace("1", "7") if "1" in version else "_history/7")
    (here / "other.ttl").write_text(other)
    assert main(["verify", "other.ttl", "--config", "none.toml"]) == 0
    assert main(["verify", "other.ttl", "--config", "key.toml"]) == 1
    assert "Seal: does not match" in capsys.readouterr().out
