"""A chart in Chromium, as a clinician uses it: from the claim to its record, logged out, refused, the source down.

axe finds nothing on any of these pages either.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from fixtures.axe import PACKAGES, script
from fixtures.ehr import Ehr, running_ehr
from fixtures.medtwin import running_medtwin
from tests.support.browser import running_browser
from tests.support.installed import require_npm
from tests.support.launched_in_browser import (
    PATIENCE,
    PATIENT,
    Site,
    expect_chart,
    log_in_and_allow,
    require_chart,
    running_site,
)

pytestmark = pytest.mark.ehr

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    require_npm(PACKAGES)
    expect.set_options(timeout=PATIENCE)
    with running_browser() as running:
        yield running


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    with browser.new_context(bypass_csp=True) as opened:
        opened.set_default_timeout(PATIENCE)
        yield opened


@pytest.fixture(scope="module")
def site(synthetic_ehr: Ehr, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running_site(synthetic_ehr, tmp_path_factory.mktemp("pages"), "public") as running:
        yield running


def require_accessible(page: Page) -> None:
    """axe finds nothing, in light and dark, at each width, and the page is no wider than that."""
    page.add_script_tag(path=script())
    for width in (320, 400, 1200):
        for scheme in ("light", "dark"):
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
            found = page.evaluate("tags => axe.run({runOnly: {type: 'tag', values: tags}})", TAGS)
            told = [(each["id"], [node["html"][:160] for node in each["nodes"][:3]]) for each in found["violations"]]
            assert told == [], (page.url, width, scheme)


def test_from_the_claim_to_its_record_and_out(context: BrowserContext, site: Site) -> None:
    page = context.new_page()
    page.goto(site.launch_url(PATIENT))
    log_in_and_allow(page)
    expect_chart(page, PATIENT)
    chart = page.url
    require_chart(chart, site)
    require_accessible(page)
    page.goto(f"{chart}?at=2026-06-30T12:00:00Z")
    page.get_by_role("link", name="Estimated GFR", exact=True).first.click()
    expect(page.locator(".value.big")).to_contain_text("23 mL/min/1.73")
    assert page.url.startswith(f"{chart}/answer/egfr?")
    require_accessible(page)
    row = page.locator("tr", has=page.get_by_role("rowheader", name="Serum creatinine", exact=True))
    row.get_by_role("link").first.click()
    expect(page.locator("h1")).to_contain_text("Observation")
    expect(page.locator("main")).to_contain_text("2.27 mg/dL")
    assert page.url.startswith(f"{chart}/record?")
    require_accessible(page)
    page.get_by_role("link", name="The answer that rests on it").click()
    expect(page.locator(".value.big")).to_contain_text("23 mL/min/1.73")
    page.get_by_role("link", name="All questions of this patient").click()
    page.get_by_role("button", name="Log out").click()
    expect(page.locator("h1")).to_have_text("You are logged out")
    require_accessible(page)
    answer = page.goto(chart)
    assert answer is not None and answer.status == 401
    expect(page.locator("h1")).to_have_text("No chart is open here")
    assert PATIENT not in page.locator("main").inner_text()
    require_accessible(page)


@pytest.mark.parametrize(
    ("path", "status", "heading"),
    [
        ("/launch?iss=https://evil.example", 400, "The chart could not be opened"),
        ("/launch/callback?state=x&code=y", 400, "The chart could not be opened"),
        ("/app/x", 404, "There is no such chart"),
    ],
)
def test_a_launch_that_is_refused_says_so(
    context: BrowserContext, site: Site, path: str, status: int, heading: str
) -> None:
    page = context.new_page()
    answer = page.goto(site.url + path)
    assert answer is not None and answer.status == status
    expect(page.locator("h1")).to_have_text(heading)
    require_accessible(page)


def test_a_source_that_is_down_is_said_and_no_number_is_shown(context: BrowserContext) -> None:
    with running_ehr() as down:
        settings = f"""
[[sources]]
id = "ehr"
base_url = "{down.base_url}"
auth = "none"
"""
        with running_medtwin(settings) as medtwin:
            down.stop()
            page = context.new_page()
            for part in ("", "/answer/egfr"):
                answer = page.goto(f"{medtwin.url}/patients/ehr/{PATIENT}{part}")
                assert answer is not None and answer.status == 200
                expect(page.locator("main")).to_contain_text("No value")
                expect(page.locator("main")).to_contain_text("the source could not be reached")
                assert page.locator("data").count() == 0
                require_accessible(page)
