"""``make run`` where the packages cannot be installed: what pip said, a plain last line, and no success."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MAKE = shutil.which("make")
PIP = """#!/bin/sh
case "$*" in
  *"-m pip"*) echo "ERROR: no matching distribution for $marker"; exit {status} ;;
  *) echo started > "$(dirname "$0")/started"; exit 0 ;;
esac
"""


@pytest.mark.skipif(MAKE is None, reason="make is not installed")
@pytest.mark.parametrize("status", [1, 2, 130])
def test_a_failing_pip_ends_make_run_with_what_it_said(tmp_path: Path, status: int) -> None:
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text(PIP.format(status=status), encoding="utf-8")
    python.chmod(0o755)
    command = [MAKE or "make", "-C", str(ROOT), "run", f"VENV={tmp_path}", "ONCE=1"]
    environment = {**os.environ, "marker": "medtwin-probe", "MAKEFLAGS": ""}
    ran = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert ran.returncode != 0
    assert "no matching distribution for medtwin-probe" in ran.stderr
    assert "The installation failed; all that pip said is above" in ran.stderr
    # Nothing was started, and the next run tries again.
    assert not (python.parent / "started").exists()
    assert not list(tmp_path.glob(".installed*"))
