"""Launched in Chromium, from the EHR and alone, in a tab and in another site's frame, by servers that are not ours."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Frame, Page, expect

from fixtures.ehr import Ehr
from fixtures.page_server import Pages
from tests.support.browser import running_browser
from tests.support.launched_in_browser import (
    LIFETIME,
    OTHER,
    PATIENCE,
    PATIENT,
    USER,
    Site,
    allow,
    expect_chart,
    log_in_and_allow,
    require_chart,
    running_site,
)

pytestmark = pytest.mark.ehr


@pytest.fixture(scope="module", params=["public", "secret", "key"])
def site(
    synthetic_ehr: Ehr, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Site]:
    with running_site(synthetic_ehr, tmp_path_factory.mktemp("pages"), request.param) as running:
        yield running


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
