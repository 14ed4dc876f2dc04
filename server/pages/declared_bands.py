"""Which answers of a page come first: those of a band that a service declares critical or a warning, with its source.

No urgency is made up: the indicator is the one that the service's description gives the band (``mpm:indicator``), and
what stands beside it is whose band it is.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from ontology.values import Absent, Coding
from server.catalog.services import CardRule, Indicator, Service
from server.explain.explain import reports_death
from server.explain.results import AnswerResult, Status

_COUNTED = (Indicator.CRITICAL, Indicator.WARNING)
"""Information is for everybody alike, and comes before nothing."""
_SITE_ORDER = "In the order that this site chose, which is no order of importance."
_OWN_ORDER = "In no order of importance; what does not apply comes last."
_DECLARED = "First: results at a critical or warning threshold, each with its source."
_THEN = "The rest is in no order of importance; what does not apply comes last."


@dataclass(frozen=True, slots=True)
class DeclaredBand:
    """A band that an answer is of, as a service declares it.

    indicator: critical or warning.  label: of the card, or of the band, in words.  source: whose band it is; empty
    where neither band nor module cites one.
    """

    indicator: Indicator
    label: str
    source: str


def declared_band(result: AnswerResult, services: Iterable[Service]) -> DeclaredBand | None:
    """The most urgent band that the answer is of; None where it has no value, is of none, or the patient has died.

    A rule that asks for an order counts for nothing here: a page of a patient has no draft.
    """
    if isinstance(result.value, Absent) or reports_death(result.issues):
        return None
    met = [
        (rule, code)
        for service in services
        for rule in service.rules
        if rule.concept == result.concept.id and rule.draft is None and rule.indicator in _COUNTED
        for code in _codes(result)
        if code in rule.bands
    ]
    if not met:
        return None
    rule, code = min(met, key=lambda each: _COUNTED.index(each[0].indicator))
    return DeclaredBand(rule.indicator, _label(rule, code), _source(result))


def place(result: AnswerResult, band: DeclaredBand | None) -> tuple[bool, int]:
    """Where an answer stands among others, the first one first; those of one place keep the order of the modules."""
    return result.status is Status.NOT_APPLICABLE, len(_COUNTED) if band is None else _COUNTED.index(band.indicator)


def order_words(configured: bool, declared: bool) -> str:
    """In which order the answers stand: one that the site set, or with or without some in a declared band."""
    if configured:
        return _SITE_ORDER
    return f"{_DECLARED} {_THEN}" if declared else _OWN_ORDER


def _codes(result: AnswerResult) -> list[Coding]:
    """The code of its band, and its own where it is a code."""
    meant = [result.interpretation.code] if result.interpretation is not None else []
    return [*meant, result.value] if isinstance(result.value, Coding) else meant


def _label(rule: CardRule, code: Coding) -> str:
    return rule.title or code.display or code.code


def _source(result: AnswerResult) -> str:
    """Whose band it is: its citation, else the first one of the module."""
    meant, step = result.interpretation, result.step
    if meant is not None and meant.citation:
        return meant.citation
    return next(iter(step.module.citations), "") if step is not None else ""
