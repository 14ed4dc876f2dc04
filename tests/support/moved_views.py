"""What moved each answer about the synthetic patients, as pages show it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ontology.resources import RecordRef
from server.explain.results import AnswerResult
from server.pages.waterfall import Moved, moved_view
from tests.support.synthetic_answers import synthetic_answers


@dataclass
class Addresses:
    """In the place of a context."""

    def record(self, ref: RecordRef, concept: str) -> str:
        return f"/record?{ref.id}&of={concept}"


def views() -> Iterator[tuple[AnswerResult, Moved]]:
    for answer in synthetic_answers().values():
        found = moved_view(answer, Addresses())  # type: ignore[arg-type]  # addresses are all that is asked of it
        if found is not None:
            yield answer, found
