"""Who comes to an argument from a card is told so, and that a draft order is no part of the page."""

import pytest

from tests.support.page_servers import answer_path, serving_chart

CARD = "You came from a card."
DRAFT = "The draft order is not part of this page."


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("", ()),
        ("&from=card", (CARD,)),
        ("&from=card&draft=true", (CARD, DRAFT)),
        ("&draft=true", ()),
        ("&from=%3Cb%3E", ()),
    ],
)
async def test_the_page_says_whence_its_reader_came(query: str, said: tuple[str, ...]) -> None:
    async with serving_chart("ckd-progressing") as client:
        answer = await client.get(answer_path("ckd-progressing", "gfr-category") + query)
    assert answer.status_code == 200
    for each in (CARD, DRAFT):
        assert (each in answer.text) == (each in said)
    assert "<b>" not in answer.text
