"""A reader's style reaches every function that gives words, and its defaults change nothing."""

from collections.abc import Callable, Iterator
from inspect import getmembers, isfunction, signature
from types import ModuleType

import pytest

from ontology.words import PLAIN, SHORT, Length, Style, absence, lists, quantities, risks, time, values

ROOM = (absence, lists, quantities, risks, time, values)


def word_functions(file: ModuleType) -> Iterator[Callable[..., str]]:
    for name, function in getmembers(file, isfunction):
        if (
            function.__module__ == file.__name__
            and not name.startswith("_")
            and signature(function).return_annotation is str
        ):
            yield function


@pytest.mark.parametrize("file", ROOM, ids=lambda file: file.__name__)
def test_every_function_that_gives_words_takes_a_style(file: ModuleType) -> None:
    found = list(word_functions(file))
    assert len(found) > 2
    for function in found:
        taken = signature(function).parameters.get("style")
        assert taken is not None and taken.default in (PLAIN, SHORT), function.__name__


def test_by_default_nothing_is_asked_for() -> None:
    assert Style() == PLAIN == Style(zone=None, units={}, length=Length.FULL)
    assert Style(length=Length.SHORT) == SHORT
