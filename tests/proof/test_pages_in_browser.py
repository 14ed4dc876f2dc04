"""The pages in Chromium: axe finds nothing, the keyboard is enough, nothing is cut off, and no script is needed."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, ViewportSize

from fixtures.axe import PACKAGES, script
from fixtures.ehr import Ehr
from fixtures.medtwin import Medtwin, running_medtwin
from tests.support.browser import running_browser
from tests.support.installed import require_npm, require_pdftotext

pytestmark = pytest.mark.ehr

AT = "at=2026-06-30T12:00:00Z"
ARGUMENT = f"/patients/ehr/ckd-progressing/answer/kidney-failure-risk-5y?{AT}&since=2025-06-30T12:00:00Z"
PAGES = {
    "start": "/",
    "patient": f"/patients/ehr/ckd-progressing?{AT}",
    "patient-sparse": f"/patients/ehr/sparse?{AT}",
    "complete": ARGUMENT,
    "partial": f"/patients/ehr/af-stroke/answer/cha2ds2-vasc?{AT}",
    "insufficient": f"/patients/ehr/sparse/answer/news2?{AT}",
    "not-applicable": f"/patients/ehr/dialysis/answer/egfr?{AT}",
    "score": f"/patients/ehr/copd-scale-2/answer/news2?{AT}",
    "model": "/patients/ehr/liver-day-3/answer/support-hospital-mortality-day3?at=2026-06-30T12:00:00Z",
    "rule": f"/patients/ehr/ckd-progressing/answer/gfr-category?{AT}",
    "code": f"/patients/ehr/sepsis-ward/answer/aki-stage?{AT}",
    "slope": f"/patients/ehr/ckd-progressing/answer/egfr-slope?{AT}",
    "record": f"/patients/ehr/ckd-progressing/record?url=EHR/Observation/ckd-progressing-creatinine-13&of=egfr&{AT}",
    "record-value": f"/patients/ehr/ckd-progressing/answer/serum-creatinine?{AT}",
    "error": "/patients/ehr/ckd-progressing/answer/nothing",
    "cards": "/modules",
    "card": "/modules/support-hospital-mortality-day3/card",
}
WIDTHS = (320, 400, 1200)
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    require_npm(PACKAGES)
    with running_browser() as running:
        yield running


@pytest.fixture(scope="module")
def server(synthetic_ehr: Ehr) -> Iterator[Medtwin]:
    settings = f"""
[site]
north-america = true

[[sources]]
id = "ehr"
base_url = "{synthetic_ehr.base_url}"
auth = "none"
"""
    with running_medtwin(settings) as running:
        yield running


@pytest.fixture(scope="module")
def addresses(server: Medtwin, synthetic_ehr: Ehr) -> dict[str, str]:
    """Where each page is."""
    return {name: server.url + path.replace("EHR", synthetic_ehr.base_url) for name, path in PAGES.items()}


def opened(browser: Browser, url: str, width: int = 1200, scheme: Any = "light", **more: Any) -> Page:
    size: ViewportSize = {"width": width, "height": 900}
    context = browser.new_context(viewport=size, color_scheme=scheme, bypass_csp=True, **more)
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.goto(url)
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_and_nothing_is_wider_than_the_page(
    browser: Browser, addresses: dict[str, str], name: str, width: int, scheme: str
) -> None:
    page = opened(browser, addresses[name], width, scheme)
    try:
        assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
        page.add_script_tag(path=script())
        # All that can be opened is looked at as well.
        page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
        found = page.evaluate("tags => axe.run({runOnly: {type: 'tag', values: tags}})", TAGS)
        faults = [
            (each["id"], [(node["html"][:160], node["failureSummary"]) for node in each["nodes"][:3]])
            for each in found["violations"]
        ]
        assert faults == []
        assert len(found["passes"]) > 5
    finally:
        page.context.close()


@pytest.mark.parametrize("name", ["patient", "complete", "score", "model", "insufficient", "record", "card"])
def test_without_a_script_a_page_says_the_same(browser: Browser, addresses: dict[str, str], name: str) -> None:
    said = []
    for enabled in (True, False):
        page = opened(browser, addresses[name], java_script_enabled=enabled)
        # Whether a step was computed or reused is another matter the second time.
        text = re.sub(r"(Computed now|Reused)[^.]*\.", "", page.locator("main").inner_text())
        said.append(text.replace("Print", "").split())
        page.context.close()
    assert said[0] == said[1]


def test_the_keyboard_alone_leads_through_an_argument(browser: Browser, server: Medtwin) -> None:
    page = opened(browser, server.url + ARGUMENT)
    try:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"
        reached: list[str] = []
        for _ in range(200):
            page.keyboard.press("Tab")
            place = page.evaluate(
                """() => { const at = document.activeElement; if (at === document.body) return null;
                const outline = getComputedStyle(at); return [at.tagName, at.textContent.trim().slice(0, 40),
                outline.outlineStyle !== 'none' && parseFloat(outline.outlineWidth) >= 2]; }"""
            )
            if place is None:
                break
            assert place[2], f"{place}: where the keyboard is cannot be seen"
            reached.append(f"{place[0]} {place[1]}")
        everything = page.locator("main a:visible, main summary:visible, main button:visible").count()
        assert len([each for each in reached if each.split()[0] in ("A", "SUMMARY", "BUTTON")]) == everything
        step = page.locator("details.step").nth(1)
        assert not step.evaluate("each => each.open")
        step.locator("summary").first.focus()
        page.keyboard.press("Enter")
        assert step.evaluate("each => each.open")
    finally:
        page.context.close()


@pytest.mark.parametrize("name", ["patient", "complete", "score", "model", "slope", "record", "card"])
def test_nothing_is_cut_off_in_print(browser: Browser, addresses: dict[str, str], name: str) -> None:
    """A4 at 96 pixels an inch, without margins of 12 mm."""
    page = opened(browser, addresses[name], width=703)
    try:
        page.emulate_media(media="print")
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert page.locator("details:not([open])").count() == 0
        wide = page.evaluate(
            """() => [...document.querySelectorAll('main *')].filter(each => !each.closest('.hidden') &&
            each.getBoundingClientRect().width > 0 && each.getBoundingClientRect().right > innerWidth + 1)
            .map(each => each.outerHTML.slice(0, 120))"""
        )
        assert wide == []
        content = page.pdf(format="A4")
        assert content.startswith(b"%PDF") and len(content) > 10_000
    finally:
        page.context.close()


@pytest.mark.parametrize(
    ("name", "patient"), [("patient", "ckd-progressing"), ("score", "copd-scale-2"), ("record", "ckd-progressing")]
)
def test_patient_and_time_are_on_every_printed_page(
    browser: Browser, addresses: dict[str, str], tmp_path: Path, name: str, patient: str
) -> None:
    """A page that falls out of its stack is else anybody's."""
    pdftotext = require_pdftotext()
    page = opened(browser, addresses[name])
    try:
        path = tmp_path / "page.pdf"
        page.pdf(path=path, format="A4")
    finally:
        page.context.close()
    text = subprocess.run([pdftotext, "-layout", str(path), "-"], check=True, capture_output=True, text=True).stdout
    sheets = text.split("\f")[:-1]
    assert len(sheets) > 1
    for sheet in sheets:
        lines = [line.strip() for line in sheet.splitlines() if line.strip()]
        # The last line, and its own: nothing lies over it.
        assert lines[-1].endswith(f"EHR id {patient}, as of 30 Jun 2026 12:00 UTC"), lines[-3:]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["complete", "insufficient", "patient"])
def test_drawings_have_the_colours_that_the_reader_forces(
    browser: Browser, addresses: dict[str, str], name: str, scheme: str
) -> None:
    """The browser changes no colours in a drawing: dark text on a forced dark ground could not be read."""
    page = opened(browser, addresses[name], scheme=scheme, forced_colors="active")
    try:
        colours = page.evaluate(
            """() => { const at = (each, name) => getComputedStyle(each)[name];
            const ink = at(document.body, 'color');
            return [ink, [...document.querySelectorAll('svg text')].map(each => at(each, 'fill')),
              [...document.querySelectorAll('.spark line, .join, .bounds line')].map(each => at(each, 'stroke'))]; }"""
        )
        ink, texts, lines = colours
        assert texts or lines
        assert {*texts, *lines} == {ink}
    finally:
        page.context.close()


def test_the_first_screen_answers_the_five_questions(browser: Browser, server: Medtwin) -> None:
    """The value, what it means, since when, what moved it, what could make it wrong: without scrolling."""
    page = opened(browser, server.url + ARGUMENT)
    try:
        for selector, text in (
            (".value.big", "43.7"),
            (".answer .meaning", "referral"),
            (".answer .ages", "16 Jun 2026"),
            (".answer .short", "since 30 Jun 2025: serum creatinine 1.85 → 2.27 mg/dL most"),
            (".cautions", "Dialysis and kidney transplant not documented"),
        ):
            place = page.locator(selector).first
            assert text in place.inner_text()
            box = place.bounding_box()
            assert box is not None and box["y"] + box["height"] <= 900
    finally:
        page.context.close()
