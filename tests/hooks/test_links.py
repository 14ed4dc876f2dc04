"""The link of a card: a SMART launch of ours, or a page of this server that needs none; never a page that is closed."""

import json
from urllib.parse import parse_qsl, urlsplit

import pytest

from server.hooks.links import ArgumentLinks
from tests.support.hook_advice import LAUNCHED, SITE, card_content
from tests.support.settings import make_settings

OPEN = make_settings(sources=[{"id": "ehr", "base_url": "https://ehr.example/fhir"}])


@pytest.mark.parametrize("draft", [True, False])
def test_where_the_source_launches_us_the_context_goes_with_the_launch(draft: bool) -> None:
    """CDS-138, CDS-139, CDS-140, CDS-141, CDS-142, CDS-144, CDS-145, CDS-146"""
    link = ArgumentLinks(make_settings(server=SITE, sources=[LAUNCHED]), None).link(card_content(draft))
    assert link is not None
    context = json.loads(link.pop("appContext"))
    assert link == {"label": "Show the argument", "url": "https://us.example/launch", "type": "smart"}
    expected = {"concept": "gfr-category", "at": "2026-06-30T12:00:00+00:00"}
    assert context == expected | ({"draft": True} if draft else {})


def test_where_pages_are_open_the_link_is_an_address_and_has_no_context() -> None:
    """CDS-147"""
    link = ArgumentLinks(OPEN, "http://127.0.0.1:8000").link(card_content())
    assert link is not None and set(link) == {"label", "url", "type"} and link["type"] == "absolute"
    parts = urlsplit(link["url"])
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == (
        "http://127.0.0.1:8000/patients/ehr/p1/answer/gfr-category"
    )
    assert dict(parse_qsl(parts.query)) == {"at": "2026-06-30T12:00:00+00:00", "from": "card", "draft": "true"}


@pytest.mark.parametrize("source", ["handed-in", "a/../b?c#d", ""])
def test_what_was_only_handed_in_has_no_page(source: str) -> None:
    assert ArgumentLinks(OPEN, "http://127.0.0.1:8000").link(card_content(source=source)) is None


def test_there_is_no_link_where_its_reader_could_open_neither() -> None:
    assert (
        ArgumentLinks(make_settings(server=SITE, sources=[LAUNCHED]), None).link(card_content(source="other")) is None
    )
    assert ArgumentLinks(OPEN, None).link(card_content()) is None
