"""The pages in Chromium: axe finds nothing, the keyboard is enough, nothing is cut off, and no script is needed."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest
from playwright.sync_api import Browser, Page, ViewportSize

from fixtures.axe import PACKAGES, script
from fixtures.demo import until
from fixtures.ehr import Ehr
from fixtures.medtwin import Medtwin, running_medtwin
from tests.support.browser import running_browser
from tests.support.installed import require_npm, require_pdftotext

pytestmark = pytest.mark.ehr

AT = "at=2026-06-30T12:00:00Z"
TODAY = "ckd-in-browser"
"""A patient whose records end today: services of CDS Hooks answer as of now."""
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
    "no-page": "/patients/ehr/ckd-progressing/nothing",
    "hooks": "/cds-services",
    "hooks-form": "/cds-services?service=renal-dosing",
    "hooks-no-card": "/cds-services?service=kfre-referral&patient=sparse",
    "hooks-card": f"/cds-services?service=kfre-referral&patient={TODAY}",
    "hooks-fault": "/cds-services?service=deterioration&patient=a%20b",
    "cards": "/modules",
    "card": "/modules/support-hospital-mortality-day3/card",
}
WIDTHS = (320, 400, 1200)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
HEIGHT = 900
AXE = """async tags => {
  const found = await axe.run({runOnly: {type: 'tag', values: tags}});
  return [found.violations.map(each => [each.id, each.nodes.slice(0, 3)
    .map(node => [node.html.slice(0, 160), node.failureSummary])]), found.passes.length];
}"""
"""Faults, and how many rules held: the whole finding takes as long to hand over as to make."""
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    require_npm(PACKAGES)
    with running_browser() as running:
        yield running


@pytest.fixture(scope="module")
def server(synthetic_ehr: Ehr) -> Iterator[Medtwin]:
    synthetic_ehr.load(until(datetime.now(UTC), "ckd-progressing", TODAY))
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
    size: ViewportSize = {"width": width, "height": HEIGHT}
    context = browser.new_context(viewport=size, color_scheme=scheme, bypass_csp=True, **more)
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.goto(url)
    return page


def show(page: Page, width: int, scheme: Literal["light", "dark"]) -> None:
    page.set_viewport_size({"width": width, "height": HEIGHT})
    page.emulate_media(color_scheme=scheme)


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_and_nothing_is_wider_than_the_page(
    browser: Browser, addresses: dict[str, str], name: str
) -> None:
    """One loading for all widths and schemes: the pages have no script that looks at either."""
    page = opened(browser, addresses[name])
    try:
        wide = []
        for width, scheme in product(WIDTHS, SCHEMES):
            show(page, width, scheme)
            if page.evaluate("document.documentElement.scrollWidth - window.innerWidth") > 0:
                wide.append((width, scheme))
        assert wide == []
        page.add_script_tag(path=script())
        # All that can be opened is looked at as well.
        page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
        for width, scheme in product(WIDTHS, SCHEMES):
            show(page, width, scheme)
            faults, passes = page.evaluate(AXE, TAGS)
            assert (width, scheme, faults) == (width, scheme, [])
            assert passes > 5
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


def assert_the_keyboard_reaches_everything(page: Page) -> None:
    """All that can be operated, in turn, and each place can be seen."""
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
        reached.append(place[0])
    kinds = ("a", "summary", "button", "input", "select")
    everything = page.locator(", ".join(f"main {kind}:visible" for kind in kinds)).count()
    assert len([each for each in reached if each.lower() in kinds]) == everything


def test_the_keyboard_alone_calls_a_service(browser: Browser, addresses: dict[str, str]) -> None:
    """From the list to the form, and from there to the card."""
    page = opened(browser, addresses["hooks"])
    try:
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"
        assert_the_keyboard_reaches_everything(page)
        page.get_by_role("link", name="Try kfre-referral").focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**service=kfre-referral**")
        page.get_by_label("Patient's FHIR id").focus()
        page.keyboard.type(TODAY)
        page.keyboard.press("Enter")
        page.wait_for_url(f"**patient={TODAY}**")
        assert page.locator("article.hook-card").count() >= 1
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert_the_keyboard_reaches_everything(page)
    finally:
        page.context.close()


def test_the_keyboard_alone_leads_through_an_argument(browser: Browser, server: Medtwin) -> None:
    page = opened(browser, server.url + ARGUMENT)
    try:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"
        assert_the_keyboard_reaches_everything(page)
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


def test_the_first_printed_page_has_all_of_the_first_screen(
    browser: Browser, addresses: dict[str, str], tmp_path: Path
) -> None:
    """A course that did not fit beside the guideline took both to the second page, and left most of the first empty."""
    pdftotext = require_pdftotext()
    page = opened(browser, addresses["complete"])
    try:
        page.pdf(path=tmp_path / "page.pdf", format="A4")
    finally:
        page.context.close()
    command = [pdftotext, "-l", "1", "-layout", str(tmp_path / "page.pdf"), "-"]
    text = " ".join(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())
    for part in ("43.7", "Before you rely on it", "What the guideline says", "18.8 (30 Jun 2025) → 43.7"):
        assert part in text, part


@pytest.mark.parametrize(
    ("name", "width"),
    [
        ("record", 320),
        ("hooks-card", 320),
        ("code", 703),
        ("code", 1200),
        ("complete", 320),
        ("complete", 703),
        ("score", 320),
    ],
)
def test_no_word_is_broken(browser: Browser, addresses: dict[str, str], name: str, width: int) -> None:
    """ "statu s": a column that is too narrow for the name of an element."""
    page = opened(browser, addresses[name], width)
    try:
        broken = page.evaluate(
            """() => [...document.querySelectorAll('main th, main dt, main h1, main h2, .moved td')].flatMap(each => {
            const walker = document.createTreeWalker(each, NodeFilter.SHOW_TEXT), found = [];
            while (walker.nextNode()) for (const word of walker.currentNode.data.matchAll(/[A-Za-z]{3,}/g)) {
              const range = document.createRange(); range.setStart(walker.currentNode, word.index);
              range.setEnd(walker.currentNode, word.index + word[0].length);
              if (new Set([...range.getClientRects()].map(box => Math.round(box.top))).size > 1) found.push(word[0]); }
            return found; })"""
        )
        assert broken == []
    finally:
        page.context.close()


def test_a_quantity_of_a_record_is_a_number_of_the_answer(
    browser: Browser, server: Medtwin, addresses: dict[str, str]
) -> None:
    page = opened(browser, addresses["record"])
    try:
        [found] = page.evaluate(
            """() => [...document.querySelectorAll('main data')]
            .map(each => [each.value, {...each.dataset}, each.innerText])"""
        )
    finally:
        page.context.close()
    query = """query Q { patient(id: "ckd-progressing") { results(of: ["egfr"], at: "2026-06-30T12:00:00Z") {
      chain { grounds { value { ... on Quantity { value unit } } effective } } } } }"""
    answer = httpx.post(f"{server.url}/graphql", json={"query": query}, trust_env=False, timeout=60).json()
    grounds = [each for step in answer["data"]["patient"]["results"][0]["chain"] for each in step["grounds"]]
    known = {(each["value"]["value"], each["value"]["unit"], each["effective"]) for each in grounds if each["value"]}
    assert found[2] == "2.27 mg/dL"
    assert (float(found[0]), found[1]["unit"], found[1]["time"]) in known


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


FIRST_SCREENS = {
    "complete": (
        "43.7",
        "referral",
        "since 9 Jan 2024",
        "18.8 (30 Jun 2025) → 43.7\N{NARROW NO-BREAK SPACE}%: serum creatinine 1.85 → 2.27 mg/dL most",
        "Dialysis and kidney transplant not documented",
    ),
    "code": (
        "AKI stage 2",
        "2.6 times 0.9",
        "Since 30 Jun 2026 10:30 UTC; before that AKI stage 1",
        "serum creatinine over time, latest 1.7 → 2.3 mg/dL",
        "Urine output not assessed",
    ),
    "score": (
        "2 points",
        "ward-based response",
        "Low since 30 Jun 2026 06:04 UTC",
        "6 (29 Jun 2026 12:06 UTC) → 2 points: respiratory rate −2",
        "SpO2 scale 2 used",
    ),
}


@pytest.mark.parametrize("name", FIRST_SCREENS)
def test_the_first_screen_answers_the_five_questions(browser: Browser, addresses: dict[str, str], name: str) -> None:
    """The value, what it means, since when, what moved it, what could make it wrong: without scrolling."""
    page = opened(browser, addresses[name])
    selectors = (".value.big", ".answer .meaning", ".answer .when", ".course .short", ".cautions")
    try:
        for selector, text in zip(selectors, FIRST_SCREENS[name], strict=True):
            place = page.locator(selector).first
            assert text in place.inner_text()
            box = place.bounding_box()
            assert box is not None and box["y"] + box["height"] <= 800
    finally:
        page.context.close()
