"""What a service says of one patient: the cards, what the record lacks, or which searches could not be had."""

from dataclasses import dataclass

from ontology.values import Coding
from server.catalog.services import CardRule
from server.explain.results import AnswerResult


@dataclass(frozen=True, slots=True)
class CardContent:
    """What one card is made of.

    rule: by which it appears.  result: the judged answer.  band: the band or coded value that it met, as described;
    None of a FLAG.  drafts: FHIR references of the draft orders that it is about ("MedicationRequest/1").
    also: answers for ``rule.also`` that are on record.  earlier: the answer of ``service.compared_with`` before.
    grounds_key: canonical bytes of service, band and the consumed values and records; by its keyed hash an override
    is recognised.  Changed grounds have another key.
    """

    rule: CardRule
    result: AnswerResult
    band: Coding | None
    drafts: tuple[str, ...]
    also: tuple[AnswerResult, ...]
    earlier: AnswerResult | None
    grounds_key: bytes


@dataclass(frozen=True, slots=True)
class Advice:
    """Exactly one of three answers.

    unobtained: the searches that are needed and were neither supplied nor fetched, in words by prefetch key; then
    nothing else counts (412).
    missing: inputs that the record lacks and that could change the advice, in our concepts' labels; for the one info
    card of a service that reports them.
    cards: most important first; perhaps none.
    """

    cards: tuple[CardContent, ...] = ()
    missing: tuple[str, ...] = ()
    unobtained: tuple[tuple[str, str], ...] = ()
