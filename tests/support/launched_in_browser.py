"""medtwin launched by a page of an EHR in Chromium, where none of the servers is ours but medtwin.

oidc-provider is the authorisation server, sekmet-fhir the EHR. medtwin is at another site than both: `localhost`, where
they are at `127.0.0.1`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from playwright.sync_api import FrameLocator, Page, expect

from collectors.auth.signing_key import read_key
from fixtures.ehr import Ehr
from fixtures.medtwin import Medtwin, free_port, running_medtwin
from fixtures.page_server import Pages
from fixtures.smart.ehr import SmartEhr, running_smart_ehr
from fixtures.smart.running import PACKAGES, User, browser_app, confidential_app
from tests.support.authorisation_server import pem
from tests.support.installed import require_npm

PATIENT, OTHER = "ckd-progressing", "healthy"
USER = User("nurse", (PATIENT, OTHER))
CLIENT = "medtwin-app"
SECRET = "tiger&lily: 100%"
KEY = ec.generate_private_key(ec.SECP384R1())
PATIENCE = 60_000
LIFETIME = 4
"""Seconds of an access token, so that it is refreshed within a test."""


@dataclass(frozen=True, slots=True)
class Site:
    """The EHR's page, the EHR, and medtwin at `url`."""

    pages: Pages
    smart: SmartEhr
    medtwin: Medtwin
    url: str

    def launch_url(self, patient: str | None) -> str:
        """What opens medtwin: for a patient by the EHR, or alone."""
        if patient is None:
            return f"{self.url}/launch?iss={self.smart.base_url}"
        return self.smart.launch_url(f"{self.url}/launch", patient)


def client(kind: str, redirect_uri: str) -> tuple[dict[str, Any], str, dict[str, str]]:
    """A client's registration, its line in medtwin's settings, and the variable that this names."""
    if kind == "public":
        return browser_app(CLIENT, redirect_uri), "", {}
    if kind == "secret":
        return confidential_app(CLIENT, SECRET, redirect_uri), 'secret_env = "EHR_SECRET"', {"EHR_SECRET": SECRET}
    registered = browser_app(CLIENT, redirect_uri) | {
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": "ES384",
        "jwks": {"keys": [read_key(pem(KEY)).public_jwk()]},
    }
    return registered, 'key_env = "EHR_KEY"', {"EHR_KEY": pem(KEY)}


@contextmanager
def running_site(ehr: Ehr, folder: Path, kind: str) -> Iterator[Site]:
    """All servers; ``kind`` of client: public, or with a secret or a key.  ``folder`` is for the EHR's page."""
    require_npm(PACKAGES)
    port = free_port()
    url = f"http://localhost:{port}"
    registered, credential, environment = client(kind, f"{url}/launch/callback")
    with (
        Pages(folder) as pages,
        running_smart_ehr(ehr, [USER], [registered], token_lifetime=LIFETIME) as smart,
    ):
        settings = f"""\
public_url = "{url}"

[[sources]]
id = "ehr"
base_url = "{smart.base_url}"
auth = "caller"

[sources.launch]
client_id = "{CLIENT}"
origins = ["{smart.authorisation.issuer}"]
{credential}

[launch]
frame_ancestors = ["{pages.origin}"]
"""
        with running_medtwin(settings, port, environment) as medtwin:
            yield Site(pages, smart, medtwin, url)


def log_in_and_allow(page: Page | FrameLocator, patient: str | None = None) -> None:
    page.get_by_label("User").fill(USER.id)
    page.get_by_label("Password").fill(USER.password)
    page.get_by_role("button", name="Log in").click()
    allow(page, patient)


def allow(page: Page | FrameLocator, patient: str | None = None) -> None:
    if patient is not None:
        page.get_by_role("combobox", name="Patient").select_option(patient)
    page.get_by_role("button", name="Allow").click()


def expect_chart(page: Page | FrameLocator, patient: str) -> None:
    expect(page.get_by_role("button", name="Log out")).to_be_visible()
    expect(page.get_by_label("Patient", exact=True)).to_contain_text(patient)


def require_chart(place: str, site: Site) -> None:
    assert re.fullmatch(re.escape(site.url) + r"/app/[A-Za-z0-9_-]{22}", place)
