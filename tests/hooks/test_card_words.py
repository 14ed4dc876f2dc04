"""Texts of cards: short, on one line, and nothing but text to who renders Markdown."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.hooks.card_words import MOST_SUMMARY, bullets, cut, first_sentence, markdown, plain, sentence

LONG = "GFR category is G4 (22.8 mL/min/1.73 m², was 24.8 on 24 Mar 2026), " * 3
BIDI = "\u202eevil\u202c \u2066x\u2069 \u200b\ufeff\x00\x1b"


@given(st.text())
def test_a_summary_has_less_than_140_characters(text: str) -> None:
    """CDS-83"""
    assert len(cut(text)) < 140


@given(st.text(alphabet="ab 12.5<", max_size=400), st.integers(20, MOST_SUMMARY))
def test_a_text_is_cut_between_words(text: str, most: int) -> None:
    shown = cut(text, most)
    assert len(shown) <= most
    kept = shown.removesuffix("…").split(" ")
    if shown.endswith("…") and " " in plain(text)[:most]:
        assert plain(text).split(" ")[: len(kept)] == kept or not shown.rstrip("…").split()


@pytest.mark.parametrize("most", range(20, 139))
def test_no_number_stands_without_the_unit_that_follows_it(most: int) -> None:
    shown = cut(LONG, most)
    assert not re.search(r"(?:^|[ (/])[\d.]+…$", shown), shown


def test_what_is_short_stays_as_it_is() -> None:
    assert cut("eGFR 23 mL/min/1.73 m²") == "eGFR 23 mL/min/1.73 m²"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SpO2 < 92 % & pulse > 130", r"SpO2 \< 92 % \& pulse \> 130"),
        ("<b>x</b>", r"\<b\>x\</b\>"),
        ("[x](javascript:alert)", r"\[x\](javascript:alert)"),
        ("![x](y)", r"\!\[x\](y)"),
        ("`x` *y* __z__ ~~a~~ | b", r"\`x\` \*y\* \_\_z\_\_ \~\~a\~\~ \| b"),
        ("# x", r"\# x"),
        ("- x", r"\- x"),
        ("1. x", r"1\. x"),
        ("see https://evil.example now", r"see https\://evil.example now"),
        ("www.evil.example", r"www\.evil.example"),
        ("a@evil.example", r"a\@evil.example"),
        ("two\nlines\r\n\n# more", r"two lines \# more"),
        ("22.8 mL/min/1.73 m²", "22.8 mL/min/1.73 m²"),
    ],
)
def test_markdown_shows_the_text_as_it_is(text: str, expected: str) -> None:
    """CDS-85"""
    assert markdown(text) == expected


@given(st.text())
def test_no_text_begins_a_line_or_a_block_of_its_own(text: str) -> None:
    shown = markdown(f"{text}{BIDI}")
    assert "\n" not in shown and not re.search(r"[\u202a-\u202e\u2066-\u2069\u200b\x00-\x1f]", shown)
    assert not re.search(r"(?<!\\)(?:\\\\)*[<>`*_\[\]|~#&!]", shown)


def test_a_list_has_one_text_a_line() -> None:
    assert bullets(["a\nb", "- c"]) == "- a b\n- \\- c"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("dialysis", "Dialysis."), ("eGFR low", "eGFR low."), ("Done.", "Done."), ("cut…", "Cut…"), ("KDIGO", "KDIGO.")],
)
def test_a_sentence(text: str, expected: str) -> None:
    assert sentence(text) == expected


def test_of_an_intended_use_the_first_sentence_is_shown_as_far_as_a_line_has_room() -> None:
    assert first_sentence("For clinicians, to see. Not a diagnosis.") == "For clinicians, to see"
    many = f"{' '.join(['word'] * 15)}, {' '.join(['more'] * 15)}. End."
    assert first_sentence(many) == " ".join(["word"] * 15)
