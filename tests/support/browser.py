"""Debian's Chromium driven by Playwright, and the page of `examples/browser` for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from fixtures.ports import HOST
from fixtures.smart.site import APP
from tests.support.installed import require_chromium, require_npm

# It asks nobody outside: no updates, no reports, no look-ups of names but of this machine.
_ARGUMENTS = (
    "--no-sandbox",  # tests run as root in a container, where the sandbox does not start
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-sync",
    "--no-first-run",
    "--no-proxy-server",
    f"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE {HOST}, EXCLUDE localhost",
)


def app_folder() -> Path:
    """The example's page beside its packages; leaves the test out, with the reason, where they are unavailable."""
    require_npm(APP)
    return APP.install()


@contextmanager
def running_browser() -> Iterator[Browser]:
    """A headless Chromium; leaves the test out, with the reason, where there is none."""
    path = require_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()
