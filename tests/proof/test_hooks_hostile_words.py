"""Words of records and orders never enter an answer, whatever they say; the advice is as without them."""

import re
from typing import Any

import pytest

from tests.support.hook_ehr import BASE, Ehr
from tests.support.hook_site import (
    PATIENTS,
    SERVICES,
    anybody,
    call_of,
    context_of,
    drafts_of,
    fixture_records,
    hook_site,
    without_uuids,
)
from tests.support.hostile_words import MARK, hostile

Json = dict[str, Any]
IN_OTHER_UNIT = re.compile(r"\d[\d.]* [^ ()]+ \((\d[\d.]* [^ ()]+)\)")
HIDDEN = "\u202e\u2066\u2069\u200f\u0000\r"


def words(cards: list[Json]) -> list[Json]:
    """The cards without what is made anew, and without how a value was written in another unit."""
    return [{**without_uuids(each), "detail": IN_OTHER_UNIT.sub(r"\1", each["detail"])} for each in cards]


@pytest.mark.parametrize("service_id", SERVICES)
async def test_no_word_of_a_record_or_an_order_enters_an_answer_and_the_advice_stays(service_id: str) -> None:
    service = SERVICES[service_id]
    good = Ehr(fixture_records())
    bad = Ehr([hostile(record, place, place % 2 == 0) for place, record in enumerate(good.records)])
    different, count = {}, 0
    async with hook_site(anybody(), good) as site, hook_site(anybody(), bad) as hostile_site:
        for patient in PATIENTS:
            drafts = [hostile(each) for each in drafts_of(patient)]
            context = context_of(service, patient, drafts) | {"note": MARK}
            expected = words(await site.cards(service, call_of(service, patient, None, BASE)))
            for given in ({"fetch": BASE}, {"prefetch": hostile_site.prefetch(service, patient)}):
                body = call_of(service, patient, context=context, extension={MARK: MARK}, **given)
                answer = await hostile_site.call(service, body)
                assert MARK not in answer.text.lower() and not set(answer.text) & set(HIDDEN)
                assert not any(each in answer.text for each in (f"\\u{ord(mark):04x}" for mark in HIDDEN))
                if answer.status_code != 200 or words(answer.json()["cards"]) != expected:
                    different[patient, *given] = (expected, answer.json())
            count += len(expected)
    assert different == {}
    assert count > 0
