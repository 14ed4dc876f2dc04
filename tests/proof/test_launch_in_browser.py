"""Launched in Chromium, from the EHR and alone, in a tab and in a frame of another site, by servers that are not ours.

oidc-provider is the authorisation server, sekmet-fhir the EHR. medtwin is at another site than both: `localhost`, where
they are at `127.0.0.1`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from playwright.sync_api import Browser, BrowserContext, Frame, FrameLocator, Page, expect

from collectors.auth.signing_key import read_key
from fixtures.ehr import Ehr
from fixtures.medtwin import Medtwin, free_port, running_medtwin
from fixtures.page_server import Pages
from fixtures.smart.ehr import SmartEhr, running_smart_ehr
from fixtures.smart.running import PACKAGES, User, browser_app, confidential_app
from tests.support.authorisation_server import pem
from tests.support.browser import running_browser
from tests.support.installed import require_npm

pytestmark = pytest.mark.ehr

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


@pytest.fixture(scope="module", params=["public", "secret", "key"])
def site(
    synthetic_ehr: Ehr, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Site]:
    require_npm(PACKAGES)
    port = free_port()
    url = f"http://localhost:{port}"
    registered, credential, environment = client(request.param, f"{url}/launch/callback")
    folder: Path = tmp_path_factory.mktemp("pages")
    with (
        Pages(folder) as pages,
        running_smart_ehr(synthetic_ehr, [USER], [registered], token_lifetime=LIFETIME) as smart,
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


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # The context's own patience is not that of ``expect``, which is five seconds: less than a busy machine takes.
    expect.set_options(timeout=PATIENCE)
    with running_browser() as running:
        yield running


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    with browser.new_context() as opened:
        opened.set_default_timeout(PATIENCE)
        yield opened


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


def outlive_the_tokens(page: Page) -> None:
    page.wait_for_timeout(1000 * (LIFETIME + 1))


def test_launched_from_the_ehr_the_chart_of_its_patient_opens(context: BrowserContext, site: Site) -> None:
    """SMART-20, SMART-21."""
    page = context.new_page()
    page.goto(site.launch_url(PATIENT))
    log_in_and_allow(page)
    expect_chart(page, PATIENT)
    require_chart(page.url, site)
    # Longer than the access token lives: it is refreshed, and the chart stays open.
    outlive_the_tokens(page)
    page.reload()
    expect_chart(page, PATIENT)
    assert "error" not in site.smart.authorisation.log.lower()


def test_launched_alone_the_patient_that_was_chosen_opens(context: BrowserContext, site: Site) -> None:
    page = context.new_page()
    page.goto(site.launch_url(None))
    log_in_and_allow(page, OTHER)
    expect_chart(page, OTHER)
    require_chart(page.url, site)


def test_in_a_frame_of_another_site_the_chart_opens_and_the_logout_ends_it(context: BrowserContext, site: Site) -> None:
    page = context.new_page()
    site.pages.replaced["/ehr.html"] = f"<!doctype html><iframe src={json.dumps(site.launch_url(PATIENT))}></iframe>"
    page.goto(f"{site.pages.origin}/ehr.html")
    inside = page.frame_locator("iframe")
    log_in_and_allow(inside)
    expect_chart(inside, PATIENT)
    frame = _frame(page)
    require_chart(frame.url, site)
    place = frame.url
    for cookie in context.cookies():
        if cookie["name"].startswith("__Host-medtwin"):
            assert (cookie["httpOnly"], cookie["secure"], cookie["sameSite"]) == (True, True, "None")
    # The cookie is partitioned: a page of medtwin outside of this EHR does not have it.
    outside = context.new_page()
    answer = outside.goto(place)
    assert answer is not None and answer.status == 401
    inside.get_by_role("button", name="Log out").click()
    expect(inside.locator("h1")).to_have_text("You are logged out")
    page.evaluate("place => { document.querySelector('iframe').src = place; }", place)
    expect(inside.locator("h1")).to_have_text("No chart is open here")


def test_a_page_that_is_not_listed_frames_nothing(context: BrowserContext, site: Site, tmp_path: Path) -> None:
    with Pages(tmp_path) as stranger:
        stranger.replaced["/frame.html"] = (
            f"<!doctype html><iframe src={json.dumps(site.launch_url(None) + 'x')}></iframe>"
        )
        page = context.new_page()
        told: list[str] = []
        page.on("console", lambda message: told.append(message.text))
        page.goto(f"{stranger.origin}/frame.html")
        page.wait_for_timeout(500)
        assert any("frame-ancestors" in text for text in told), told
        assert "The chart could not be opened" not in _frame(page).content()


@pytest.mark.parametrize("logins", ["one login", "a login in each tab"])
def test_two_tabs_hold_two_patients(context: BrowserContext, site: Site, logins: str) -> None:
    """Each chart goes on by refreshes of its own, whatever is launched, refreshed and closed beside it."""
    one, two = context.new_page(), context.new_page()
    one.goto(site.launch_url(PATIENT))
    if logins == "one login":
        log_in_and_allow(one)
        expect_chart(one, PATIENT)
        two.goto(site.launch_url(OTHER))
        allow(two)
    else:
        two.goto(site.launch_url(OTHER))
        log_in_and_allow(one)
        expect_chart(one, PATIENT)
        log_in_and_allow(two)
    expect_chart(two, OTHER)
    for _ in range(2):
        outlive_the_tokens(two)
        for page, own, other in ((one, PATIENT, OTHER), (two, OTHER, PATIENT)):
            page.reload()
            expect_chart(page, own)
            assert other not in page.content()
    assert "grant.error" not in site.smart.authorisation.log
    one.get_by_role("button", name="Log out").click()
    expect(one.locator("h1")).to_have_text("You are logged out")
    outlive_the_tokens(two)
    two.reload()
    expect_chart(two, OTHER)
    assert PATIENT not in two.content()


def test_another_browser_and_a_person_who_refuses_see_nothing(
    browser: Browser, context: BrowserContext, site: Site
) -> None:
    page = context.new_page()
    page.goto(site.launch_url(PATIENT))
    log_in_and_allow(page)
    expect_chart(page, PATIENT)
    with browser.new_context() as other:
        stranger = other.new_page()
        answer = stranger.goto(page.url)
        assert answer is not None and answer.status == 401
        assert PATIENT not in stranger.content()
        stranger.goto(site.launch_url(PATIENT))
        stranger.get_by_label("User").fill(USER.id)
        stranger.get_by_label("Password").fill(USER.password)
        stranger.get_by_role("button", name="Log in").click()
        stranger.get_by_role("button", name="Refuse").click()
        expect(stranger.locator("main")).to_contain_text("The EHR's login was ended without access.")


def test_the_log_holds_no_path_of_a_chart(site: Site) -> None:
    assert "/app/{launch}" in site.medtwin.log
    assert not re.search(r"/app/[A-Za-z0-9]", site.medtwin.log)
    assert PATIENT not in site.medtwin.log


def _frame(page: Page) -> Frame:
    (found,) = [frame for frame in page.frames if frame.parent_frame is not None]
    return found
