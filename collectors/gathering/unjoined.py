"""What may be the patient's and is not used: it may say otherwise, so that nothing counts as "no" without it."""

from collections.abc import Iterable, Sequence

from collectors.draft import Draft
from collectors.facts import Failure
from collectors.gathering.ability import is_patient
from collectors.gathering.reach import Asked
from collectors.needs import Search
from ontology.evaluation import Issue, Severity
from ontology.values import AbsentReason


class Unjoined:
    """What was not joined in one question.  ``drafts`` are of sources, or records in them, of which nothing is used."""

    def __init__(self, searches: Sequence[Search]) -> None:
        self._searches = searches
        self.drafts: list[Draft] = []

    def skip(self, asked: Asked, texts: Iterable[str], reason: AbsentReason = AbsentReason.NOT_QUERIED) -> None:
        """Tells what is not used of a source, and why, and what could not be had by that."""
        for text in texts:
            failure = Failure(reason, f"Source {asked.reach.source.id}: {text}.")
            asked.draft.issues.append(Issue(Severity.WARNING, "not-joined", failure.text))
            for search in self._searches:
                if not is_patient(search) and not asked.ability.lacks(search.description.resource_type):
                    asked.draft.fail(search, failure)
