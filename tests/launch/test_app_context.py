"""From a card to its argument: what comes back of a card's context names a page of the chart, and nothing else."""

import json
from typing import Any
from urllib.parse import urlsplit

import pytest

from server.hooks.links import ArgumentLinks
from server.launch.app_context import LONGEST, landing
from tests.support.engine_questions import shipped
from tests.support.hook_advice import LAUNCHED, SITE, card_content
from tests.support.launching_ehr import LaunchedSite, LaunchingEhr
from tests.support.settings import make_settings

KNOWN = frozenset({"egfr", "gfr-category"})
AT = "2026-06-30T12:00:00+00:00"
OWN = {"concept": "egfr", "at": AT}
PLACE = "/answer/egfr?at=2026-06-30T12%3A00%3A00%2B00%3A00&from=card"


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        (OWN, PLACE),
        ({**OWN, "draft": True}, f"{PLACE}&draft=true"),
        ({**OWN, "draft": False}, PLACE),
        ({**OWN, "at": "2026-06-30T12:00:00Z"}, PLACE),
    ],
    ids=str,
)
def test_the_context_of_a_card_leads_to_its_argument(context: dict[str, Any], expected: str) -> None:
    assert landing(json.dumps(context), KNOWN) == expected


FOREIGN = [
    None,
    "",
    "{",
    "null",
    "[]",
    '"egfr"',
    "[" * 5000,
    json.dumps({"concept": "egfr"}),
    json.dumps({**OWN, "concept": "unknown"}),
    json.dumps({**OWN, "concept": "../../x"}),
    json.dumps({**OWN, "concept": ["egfr"]}),
    json.dumps({**OWN, "at": "yesterday"}),
    json.dumps({**OWN, "at": "2026-06-30T12:00:00"}),
    json.dumps({**OWN, "at": "2026-06-30"}),
    json.dumps({**OWN, "at": 0}),
    json.dumps({**OWN, "draft": "true"}),
    json.dumps({**OWN, "redirect": "https://evil.example"}),
    json.dumps({**OWN, "at": f"{AT}&from=https://evil.example"}),
    json.dumps(OWN) + " " * LONGEST,
    "https://evil.example",
    "//evil.example",
]


@pytest.mark.parametrize("context", FOREIGN, ids=lambda each: str(each)[:40])
def test_what_is_not_ours_is_ignored(context: str | None) -> None:
    assert landing(context, KNOWN) == ""


def test_a_card_s_own_context_is_understood() -> None:
    link = ArgumentLinks(make_settings(server=SITE, sources=[LAUNCHED]), None).link(card_content())
    assert link is not None
    assert landing(link["appContext"], shipped().concepts).endswith("&from=card&draft=true")


async def test_a_launch_from_a_card_lands_on_the_argument_and_the_page_says_so(
    ehr: LaunchingEhr, site: LaunchedSite
) -> None:
    browser = site.browser()
    context = json.dumps({**OWN, "draft": True})
    place = await site.open(browser, ehr, appContext=context)
    parts = urlsplit(place)
    assert place.startswith(f"{site.url}/app/") and parts.path.endswith("/answer/egfr")
    assert parts.query == PLACE.partition("?")[2] + "&draft=true"
    answer = await browser.get(place)
    assert answer.status_code == 200
    assert "You came from a card. The draft order is not part of this page." in answer.text


@pytest.mark.parametrize("context", ["https://evil.example", {"concept": "egfr", "at": AT}, 7, "{", ["x"]], ids=str)
async def test_open_redirect_a_foreign_context_opens_the_chart_as_ever(
    ehr: LaunchingEhr, site: LaunchedSite, context: object
) -> None:
    place = await site.open(site.browser(), ehr, appContext=context)
    assert place.startswith(f"{site.url}/app/") and urlsplit(place).path.count("/") == 2
    assert urlsplit(place).query == ""
