"""Lines for a terminal: no wider than it, nothing lost, and nothing in them that it would obey."""

import pytest

from server.explain.layout import columns, heading, labelled, printable, right_aligned, wrapped

LONG = "urine albumin-creatinine ratio 618 mg/g · eGFR 23 mL/min/1.73 m² · " * 4
ADDRESS = "https://ehr.example/fhir/Observation/" + "a" * 130


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("text", [LONG, "血清クレアチニン " * 20, "Größe " * 40, "é " * 50])
def test_no_line_is_wider_than_the_terminal_and_no_word_is_lost(text: str, width: int) -> None:
    lines = list(labelled("From", text, width))
    assert all(columns(line) <= width for line in lines)
    assert " ".join(lines).split()[1:] == text.split()
    assert all(line.startswith(" " * 12) for line in lines[1:])


@pytest.mark.parametrize("width", [1, 40, 60, 80, 120])
def test_an_address_stays_whole(width: int) -> None:
    assert ADDRESS in list(wrapped(f"Device of {ADDRESS} used", width, "  ", "    "))[1]


@pytest.mark.parametrize(
    ("text", "needed"), [("abc", 3), ("µmol/L", 6), ("m²", 2), ("血清", 4), ("e\N{COMBINING ACUTE ACCENT}", 1)]
)
def test_columns_of_a_text(text: str, needed: int) -> None:
    assert columns(text) == needed


@pytest.mark.parametrize(
    "hostile",
    [
        "\x1b[31mred\x1b[0m",
        "\x1b]0;title\x07",
        "abc\x08\x08\x08xyz",
        "\N{RIGHT-TO-LEFT OVERRIDE}evil",
        "one\r\ntwo",
        "a\x00b",
    ],
)
def test_a_record_s_words_do_not_command_the_terminal(hostile: str) -> None:
    assert all(each.isprintable() for each in printable(hostile))
    assert all(each.isprintable() for line in wrapped(hostile, 80) for each in line)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_status_is_at_the_right_edge_where_it_fits(width: int) -> None:
    (line,) = heading(["Estimated GFR", "23 mL/min/1.73 m²"], "complete", width)
    assert columns(line) == width and line.endswith("   complete")
    lines = list(heading(["A title " * 9, "1 point", "why " * 30], "partial", width))
    assert all(columns(each) <= width for each in lines)
    assert " ".join(lines).split()[-1] == "partial"


def test_the_hint_is_at_the_right_edge() -> None:
    assert columns(right_aligned("-v steps", 80)) == 80
    assert right_aligned("x" * 90, 80) == "x" * 90


def test_a_hint_that_is_wider_than_the_terminal_goes_to_further_lines() -> None:
    lines = right_aligned("-v steps   -vv everything   --format json|fhir|turtle", 40).splitlines()
    assert [columns(line) <= 40 for line in lines] == [True, True]
    assert right_aligned("hint", 40) == " " * 36 + "hint"
