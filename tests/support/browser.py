"""Debian's Chromium driven by Playwright, and pages served to it from a folder, all on this machine."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from fixtures.child import ROOT
from fixtures.npm import NpmPackages
from fixtures.ports import HOST
from tests.support.installed import BROWSER_REQUIRED, require_chromium, require_npm

EXAMPLE = NpmPackages(
    "fhirclient", ROOT / "examples" / "browser", ("index.html", "app.js", "settings.js"), required=BROWSER_REQUIRED
)
"""The page of `examples/browser`, with its packages."""

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


def example_folder() -> Path:
    """The example's page beside its packages; leaves the test out, with the reason, where they are unavailable."""
    require_npm(EXAMPLE)
    return EXAMPLE.install()


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


class _Handler(SimpleHTTPRequestHandler):
    replaced: Mapping[str, str] = {}

    def do_GET(self) -> None:
        text = self.replaced.get(self.path)
        if text is None:
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/javascript")
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: Any) -> None:
        """A launch has codes in its addresses: nothing is written."""


class Pages:
    """Pages of a folder at a port of this machine; `replaced` are files with another content, by path."""

    def __init__(self, folder: Path, *, port: int = 0) -> None:
        self.replaced: dict[str, str] = {}
        handler = type("Handler", (_Handler,), {"replaced": self.replaced})
        self._server = ThreadingHTTPServer((HOST, port), functools.partial(handler, directory=str(folder)))
        self.origin = f"http://{HOST}:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, name="pages", daemon=True)

    def __enter__(self) -> Pages:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
