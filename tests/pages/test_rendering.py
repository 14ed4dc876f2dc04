"""How a sentence of a page begins."""

import pytest

from server.pages.rendering import initial


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("no creatinine in the last 7 days", "No creatinine in the last 7 days"),
        ("eGFR is unreliable during acute kidney injury", "eGFR is unreliable during acute kidney injury"),
        ("pH below 7.3", "pH below 7.3"),
        ("ACE inhibitor", "ACE inhibitor"),
        ("Observation/a says 2", "Observation/a says 2"),
        ("observation/a says 2", "observation/a says 2"),
        ("q SOFA", "Q SOFA"),
        ("", ""),
    ],
)
def test_a_sentence_begins_with_a_capital_but_for_a_name(text: str, shown: str) -> None:
    """EGFR is a receptor, and no filtration rate."""
    assert initial(text) == shown
