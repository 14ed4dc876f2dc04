"""The services of CDS Hooks, as their Turtle describes them: one service is on one hook.

A service names the concepts that it asks for, and the rules by which cards appear.  It lies as ``service.ttl`` in a
module's folder, or in a folder of its own.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from ontology.values import Coding


class Hook(StrEnum):
    """The hooks that a service may be on (cds-hooks.hl7.org/hooks)."""

    PATIENT_VIEW = "patient-view"
    ENCOUNTER_START = "encounter-start"
    ENCOUNTER_DISCHARGE = "encounter-discharge"
    ORDER_SELECT = "order-select"
    ORDER_SIGN = "order-sign"


class Indicator(StrEnum):
    """How urgent a card is, from the most urgent on (CDS Hooks 2.0, card attributes)."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class CardRule:
    """When a card appears, and what stands on it.

    concept: id of the concept that is judged; the card's claim is that of its result.
    bands: codes of the declared bands (``mpm:outcomes`` of the module), or of the coded value, on which it appears.
        A result that is known only in part appears where all that it can still be is in these bands.  Empty: a FLAG
        concept that is true; of others none.
    indicator: how urgent; ``critical`` needs ``bands``.
    draft: id of the draft order concept that must be among the orders of the hook; None: whatever is ordered.
    title: the beginning of the summary, in our words; None: the claim alone.
    also: ids of concepts shown among the grounds where they are on record (drugs on the list).
    suggests_removal: a suggestion deletes the draft orders that ``draft`` matched.
    """

    concept: str
    bands: tuple[Coding, ...]
    indicator: Indicator
    draft: str | None = None
    title: str | None = None
    also: tuple[str, ...] = ()
    suggests_removal: bool = False


@dataclass(frozen=True, slots=True)
class Service:
    """A service of CDS Hooks.

    iri: of its node.  id: the last part of its address.  version: of the description (``owl:versionInfo``).
    hook: the one hook it is on.  title, description: for discovery, in words.
    rules: in the order of the description; of cards of one indicator that is their order.
    reports_missing: where the record lacks a needed input, one info card says what is missing.
    compared_with: how long before the result is compared (NEWS2 a day ago); None: it is not.
    override_reasons: codings with a label each, offered to who rejects a card.
    """

    iri: str
    id: str
    version: str
    hook: Hook
    title: str
    description: str
    rules: tuple[CardRule, ...]
    reports_missing: bool = False
    compared_with: timedelta | None = None
    override_reasons: tuple[Coding, ...] = ()

    @property
    def concepts(self) -> tuple[str, ...]:
        """The ids of all concepts that a question of this service asks for, each once."""
        named = [each for rule in self.rules for each in (rule.concept, rule.draft, *rule.also) if each is not None]
        return tuple(dict.fromkeys(named))
