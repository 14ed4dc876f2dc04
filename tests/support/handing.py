"""The command line asked about records in a file: in a folder of its own, without a cache."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest


def bundled(folder: Path, monkeypatch: pytest.MonkeyPatch, chart: Sequence[Any]) -> list[str]:
    """The arguments that hand in this chart; the command then runs in ``folder``."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("MEDTWIN_CACHE__ENABLED", "false")
    bundle = folder / "bundle.json"
    bundle.write_text(json.dumps(chart))
    return ["--at", "2026-06-30T12:00:00Z", "--bundle", str(bundle)]
