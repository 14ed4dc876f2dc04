"""What some tests need from this machine, and what becomes of them where it is absent: left out, or failed in CI."""

from __future__ import annotations

import shutil

import pytest

from fixtures.npm import NpmPackages
from fixtures.smart.site import APP


def require_npm(packages: NpmPackages) -> None:
    """Leave the test out, with the reason, where these packages are unavailable."""
    if reason := packages.why_absent():
        (pytest.fail if packages.is_required() else pytest.skip)(f"no {packages.name} here: {reason}")


def require_chromium() -> str:
    """The path of Debian's Chromium; leaves the test out, with the reason, where there is none."""
    return _require("chromium", "chromium", "browser")


def require_pdftotext() -> str:
    """The path of poppler's reader of PDF; leaves the test out, with the reason, where there is none."""
    return _require("pdftotext", "poppler-utils", "reader of PDF")


def _require(program: str, package: str, what: str) -> str:
    path = shutil.which(program)
    if path is None:
        reason = f"no {what} here: {program} was not found; on Debian and Ubuntu: apt-get install {package}"
        (pytest.fail if APP.is_required() else pytest.skip)(reason)
    return path
