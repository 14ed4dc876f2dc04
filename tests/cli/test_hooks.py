"""``hooks feedback``: counts out of the shared cache, in words and as JSON, and what is said without one."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from server.catalog import catalog as catalog_module
from server.cli import main
from server.executor.cache.encryption import Keyring
from server.executor.cache.open_store import open_store
from server.hooks.counts import FeedbackCounts, Outcome, Told
from tests.support.cache_servers import open_backend
from tests.support.engine_questions import shipped
from tests.support.hook_cards import REASONS, SERVICE

KEY = "6b" * 32
KNOWN = f"{REASONS[0].system}|{REASONS[0].code}"
TODAY = datetime.now(UTC).date()


@pytest.fixture
def url() -> Iterator[str]:
    """A shared cache that lives longer than the event loop of a command."""
    with asyncio.Runner() as runner, ExitStack() as stack:
        opened = open_backend("debian")
        backend = runner.run(opened.__aenter__())
        stack.callback(lambda: runner.run(opened.__aexit__(None, None, None)))
        assert backend.url is not None
        yield backend.url


@pytest.fixture(autouse=True)
def _with_a_service(monkeypatch: pytest.MonkeyPatch) -> None:
    with_service = replace(shipped(), services={SERVICE.id: SERVICE})
    monkeypatch.setattr(catalog_module, "configured_catalog", lambda _: with_service)


@pytest.fixture
def config(tmp_path: Path, url: str) -> str:
    (tmp_path / "medtwin.toml").write_text(f'[cache]\nurl = "{url}"\nkey = "{KEY}"\n')
    return str(tmp_path / "medtwin.toml")


def count(url: str, told: list[Told], day: date = TODAY) -> None:
    async def add() -> None:
        keys = Keyring.from_secret(bytes.fromhex(KEY))
        store = await open_store(url, bytes.fromhex(KEY), keys=keys)
        await FeedbackCounts(store, keys.hooks).add(told, day)
        await store.close()

    asyncio.run(add())


def told(outcome: Outcome, reason: str = "", service: str = "kidney") -> Told:
    return Told(service, outcome, reason)


OVERRIDDEN = Outcome.OVERRIDDEN


def test_counts_in_words(config: str, url: str, capsys: pytest.CaptureFixture[str]) -> None:
    count(url, [told(OVERRIDDEN, KNOWN), told(OVERRIDDEN), told(Outcome.ACCEPTED), told(OVERRIDDEN, "other")])
    count(url, [told(OVERRIDDEN, KNOWN), told(Outcome.UNKNOWN, service="aki")], TODAY - timedelta(days=3))
    count(url, [told(OVERRIDDEN, "https://gone.example|x")] * 5, TODAY - timedelta(days=27))
    count(url, [told(OVERRIDDEN, KNOWN)] * 100, TODAY - timedelta(days=28))
    assert main(["hooks", "feedback", "--config", config]) == 0
    assert capsys.readouterr().out == (
        f"Feedback on cards from {TODAY - timedelta(days=27)} to {TODAY} (UTC):\n"
        "\naki\n"
        "      1  on cards that are not known (any more): after a day, or of another client or service\n"
        "\nkidney\n"
        "      1  accepted\n"
        "      5  overridden: https://gone.example|x\n"
        "      2  overridden: the patient is monitored for this\n"
        "      1  overridden without a reason\n"
        "      1  overridden for a reason that the service does not offer\n"
    )


def test_counts_as_json_day_by_day(config: str, url: str, capsys: pytest.CaptureFixture[str]) -> None:
    day = TODAY - timedelta(days=399)
    count(url, [told(OVERRIDDEN, KNOWN), told(OVERRIDDEN, "other"), told(Outcome.ACCEPTED)])
    count(url, [told(OVERRIDDEN, KNOWN)] * 2, day)
    assert main(["hooks", "feedback", "--days", "400", "--format", "json", "--config", config]) == 0
    reason = {"system": REASONS[0].system, "code": "monitored", "display": REASONS[0].display}
    same = {"service": "kidney", "day": str(TODAY), "count": 1}
    assert json.loads(capsys.readouterr().out) == {
        "from": str(day),
        "to": str(TODAY),
        "zone": "UTC",
        "counts": [
            same | {"outcome": "accepted", "reason": None},
            same | {"outcome": "overridden", "reason": reason},
            same | {"outcome": "overridden", "reason": {"code": "other"}},
            same | {"outcome": "overridden", "reason": reason, "day": str(day), "count": 2},
        ],
    }


def test_no_feedback_is_said(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["hooks", "feedback", "--days", "1", "--config", config]) == 0
    assert capsys.readouterr().out == f"No feedback on cards from {TODAY} to {TODAY} (UTC).\n"


@pytest.mark.parametrize("cache", ["", "[cache]\nenabled = false\n"])
def test_without_a_shared_cache(tmp_path: Path, cache: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "medtwin.toml").write_text(cache)
    assert main(["hooks", "feedback", "--config", str(tmp_path / "medtwin.toml")]) == 1
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.startswith("medtwin: ") and "set cache.url" in printed.err


def test_a_cache_that_is_away_is_not_taken_for_no_feedback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    address = "redis://:secret@127.0.0.1:1"
    (tmp_path / "medtwin.toml").write_text(f'[cache]\nurl = "{address}"\nkey = "{KEY}"\n')
    assert main(["hooks", "feedback", "--config", str(tmp_path / "medtwin.toml")]) == 1
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err == "medtwin: shared cache unreachable: no connection\n"


@pytest.mark.parametrize("days", ["0", "401", "-1", "x", "1.5", ""])
def test_days_that_are_none(days: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["hooks", "feedback", f"--days={days}"])
    assert "from 1 to 400" in capsys.readouterr().err
