"""Names within a sentence, and lists of them."""

import pytest

from ontology.words.lists import begin_small, count_words, list_words, sentences, slot_words, truncated_list
from tests.support.descriptions import make_concept, make_slot


@pytest.mark.parametrize(
    ("items", "last", "words"),
    [
        ([], "and", ""),
        (["a"], "and", "a"),
        (["a", "b"], "and", "a and b"),
        (["a", "b", "c"], "or", "a, b or c"),
        (["b", "a", "b"], "and", "b and a"),
    ],
)
def test_lists(items: list[str], last: str, words: str) -> None:
    assert list_words(items, last) == words


@pytest.mark.parametrize(
    ("count", "unseen", "words"),
    [(0, 0, ""), (2, 0, "0, 1"), (3, 0, "0, 1, 2"), (5, 0, "0, 1, 2 and 2 more"), (2, 4, "0, 1 and 4 more")],
)
def test_of_many_the_rest_is_counted(count: int, unseen: int, words: str) -> None:
    assert truncated_list(map(str, range(count)), 3, unseen) == words


def test_counts() -> None:
    assert [count_words(count, "day") for count in (0, 1, 2)] == ["0 days", "1 day", "2 days"]


@pytest.mark.parametrize(
    ("text", "within"),
    [
        ("Serum creatinine", "serum creatinine"),
        ("UACR", "UACR"),
        ("eGFR slope", "eGFR slope"),
        ("A record says so", "a record says so"),
        ("Glasgow Coma Scale", "Glasgow Coma Scale"),
    ],
)
def test_names_within_a_sentence(text: str, within: str) -> None:
    assert begin_small(text) == within


def test_slots_are_called_by_their_concepts() -> None:
    concept = make_concept("serum-creatinine")
    assert slot_words(make_slot("creatinine", concept=concept)) == begin_small(concept.display)


def test_each_sentence_but_the_first_begins_with_a_capital() -> None:
    assert sentences(["severe: creatinine", "high: oral", "Stop it"]) == "severe: creatinine. High: oral. Stop it"
    assert sentences([]) == ""
