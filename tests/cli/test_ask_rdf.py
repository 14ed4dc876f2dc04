"""``ask --format turtle`` and ``json-ld``: arguments that are read back, with what moved the answer, and sealed."""

from pathlib import Path

import pytest

from server.cli.main import main
from server.executor.cache.encryption import Keyring
from server.explain.prov.read_export import read_export
from server.explain.prov.seal import SealCheck, check_seal
from server.settings import Settings
from tests.support.charts import creatinine, patient
from tests.support.handing import bundled

CHART = [patient(), creatinine(1.4, "2026-02-20T08:00:00Z"), creatinine(1.9, "2026-06-20T08:00:00Z")]
SINCE = "2026-03-03T12:00:00Z"


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    given = bundled(tmp_path, monkeypatch, CHART)
    return ["ask", "p1", "egfr", "serum-creatinine", *given, "--complete", "Observation"]


@pytest.mark.parametrize("form", ["turtle", "json-ld"])
def test_both_answers_are_in_one_graph(ask: list[str], form: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*ask, "--format", form, "--since", SINCE]) == 0
    text = capsys.readouterr().out
    computed, recorded = sorted(read_export(text, form), key=lambda said: -len(said.steps))
    assert len(computed.steps) == 3 and not recorded.steps
    (moved,) = computed.attributions
    assert moved.since is not None and moved.since.isoformat() == "2026-03-03T12:00:00+00:00"
    # That what is read has nothing that moves it is said, not left out.
    assert not recorded.attributions
    assert "is read, not computed, so there are no inputs that move it" in text
    assert computed.seal is None


def test_where_a_key_is_configured_it_is_sealed(
    ask: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MEDTWIN_CACHE__KEY", "a" * 64)
    key = Keyring.from_secret(Settings().cache.key_bytes()).argument_seal_key
    assert key is not None
    assert main([*ask, "--format", "turtle"]) == 0
    text = capsys.readouterr().out
    assert check_seal(text, "turtle", key) is SealCheck.FITS
    assert check_seal(text.replace("1.9", "1.8"), "turtle", key) is SealCheck.BROKEN
