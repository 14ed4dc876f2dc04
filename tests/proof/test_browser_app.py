"""`examples/browser` in Chromium: launch, login, consent, token of oidc-provider, our GraphQL over CORS, the argument.

Page, EHR, authorisation server and medtwin are four origins. Nothing here is ours but the page and medtwin.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from fixtures.ehr import Ehr
from fixtures.page_server import Pages
from fixtures.ports import HOST
from fixtures.smart.running import PACKAGES, User
from fixtures.smart.site import Site, running_site
from tests.support.browser import app_folder, running_browser
from tests.support.installed import require_npm

pytestmark = pytest.mark.ehr

PATIENT, OTHER = "ckd-progressing", "healthy"
USER = User("nurse", (PATIENT, OTHER))
UNDECIDED = "Asking …"
PATIENCE = 20_000
"""Milliseconds that a page may take on a busy machine."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as running:
        yield running


@pytest.fixture(scope="module")
def stranger() -> Iterator[Pages]:
    """The same page at an origin that medtwin does not list."""
    with Pages(app_folder()) as pages:
        yield pages


@pytest.fixture(scope="module", params=["jwt", "opaque"])
def site(synthetic_ehr: Ehr, stranger: Pages, request: pytest.FixtureRequest) -> Iterator[Site]:
    require_npm(PACKAGES)
    with (
        Pages(app_folder()) as pages,
        running_site(synthetic_ehr, USER, pages, strangers=[stranger], token_format=request.param) as running,
    ):
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of a browser without history; nothing it asks for is outside this machine."""
    with browser.new_context() as context:
        opened = context.new_page()
        opened.set_default_timeout(PATIENCE)
        asked: list[str] = []
        opened.on("request", lambda request: asked.append(request.url))
        yield opened
        assert [url for url in asked if not url.startswith((f"http://{HOST}:", "data:"))] == []


def log_in(page: Page) -> None:
    page.get_by_label("User").fill(USER.id)
    page.get_by_label("Password").fill(USER.password)
    page.get_by_role("button", name="Log in").click()


def log_in_and_allow(page: Page, patient: str | None = None) -> None:
    log_in(page)
    if patient:
        page.get_by_role("combobox", name="Patient").select_option(patient)
    page.get_by_role("button", name="Allow").click()


def shown(page: Page) -> str:
    """What the page shows in the end."""
    expect(page.locator("#claim")).not_to_have_text(UNDECIDED, timeout=PATIENCE)
    return page.inner_text("main")


def launch(page: Page, site: Site, pages: Pages, patient: str = PATIENT) -> str:
    page.goto(site.launch_url(pages, patient))
    log_in_and_allow(page)
    return shown(page)


def test_launched_from_the_ehr_the_page_shows_an_egfr_and_why(page: Page, site: Site) -> None:
    site.serve(site.pages)
    text = launch(page, site, site.pages)
    assert page.inner_text("#problem") == ""
    # CKD-EPI 2021 (N Engl J Med 2021;385:1737), for a woman of 64.2959 years with 2.27 mg/dL.
    assert round(142 * (2.27 / 0.7) ** -1.2 * 0.9938**64.2959 * 1.012) == 23
    assert re.search(r"\b23 mL/min/1\.73 m²", page.inner_text("#claim"))
    steps = page.locator("#why > li")
    assert steps.count() > 1
    assert "2.27 mg/dL" in text
    assert "10.1056/NEJMoa2102953" in page.inner_text("#why")
    assert "Dialysis" in page.inner_text("#issues")


def test_launched_alone_the_page_shows_the_patient_that_was_chosen(page: Page, site: Site) -> None:
    site.serve(site.pages, scope="launch/patient patient/*.rs")
    page.goto(f"{site.pages.origin}/index.html?iss={site.smart.base_url}")
    log_in_and_allow(page, OTHER)
    text = shown(page)
    assert page.inner_text("#problem") == ""
    assert "2.27 mg/dL" not in text
    assert re.search(r"\d+ mL/min/1\.73 m²", page.inner_text("#claim"))


def test_an_origin_that_is_not_listed_gets_nothing(page: Page, site: Site, stranger: Pages) -> None:
    site.serve(stranger)
    text = launch(page, site, stranger)
    assert "No answer." in text
    assert f"is {stranger.origin} in its server.origins?" in page.inner_text("#problem")
    assert "mL/min" not in text


def test_another_patient_is_refused_in_words(page: Page, site: Site) -> None:
    """A page that asks for somebody else than it was launched for."""
    site.serve(site.pages)
    page.add_init_script(
        "const ask = window.fetch; window.fetch = (url, init) => ask(url, init && String(url).endsWith('/graphql')"
        f" ? {{...init, body: init.body.replace('{PATIENT}', '{OTHER}')}} : init);"
    )
    text = launch(page, site, site.pages)
    assert "No answer." in text
    assert page.inner_text("#problem") == "the token is for another patient; ask with a token for this one"
    assert "mL/min" not in text


def test_a_patient_who_allows_no_results_is_told_what_is_missing(page: Page, site: Site) -> None:
    """Scopes are narrowed on the page of consent: what was not allowed is no "no", and no number."""
    site.serve(site.pages, scope="launch patient/Patient.rs patient/Observation.rs")
    page.goto(site.launch_url(site.pages, PATIENT))
    log_in(page)
    page.get_by_label("patient/Observation.rs").uncheck()
    page.get_by_role("button", name="Allow").click()
    text = shown(page)
    assert not re.search(r"\d mL/min", page.inner_text("#claim"))
    assert "the source does not permit access" in page.inner_text("#claim")
    assert "Observation.rs" in text


def test_a_person_who_refuses_sees_no_answer(page: Page, site: Site) -> None:
    site.serve(site.pages)
    page.goto(site.launch_url(site.pages, PATIENT))
    log_in(page)
    page.get_by_role("button", name="Refuse").click()
    assert "No answer." in shown(page)
    assert "refused" in page.inner_text("#problem")


def test_a_token_that_was_revoked_is_refused_in_words(page: Page, site: Site) -> None:
    """The page asks with what is no token of the issuer; the answer is readable across origins."""
    site.serve(site.pages)
    page.add_init_script(
        "const ask = window.fetch; window.fetch = (url, init) => ask(url, init && String(url).endsWith('/graphql')"
        " ? {...init, headers: {...init.headers, Authorization: init.headers.Authorization.slice(0, -6)}} : init);"
    )
    text = launch(page, site, site.pages)
    assert "No answer." in text
    assert "token" in page.inner_text("#problem")


def test_nothing_of_a_token_is_in_a_log(page: Page, site: Site) -> None:
    site.serve(site.pages)
    launch(page, site, site.pages)
    kept = page.evaluate("JSON.stringify(Object.values(sessionStorage))")
    tokens = set(re.findall(r'\\+"access_token\\+":\\+"([^"\\]+)', kept))
    assert len(tokens) == 1
    written = site.medtwin.log + site.smart.authorisation.log + site.smart.front.log.read_text(encoding="utf-8")
    assert "/graphql" in site.medtwin.log
    for token in tokens:
        for part in token.split("."):
            assert part not in written
    assert PATIENT not in written
