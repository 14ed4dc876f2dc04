"""Cards that a clinician rejected are silent for a while: for this client, this patient, this band and these grounds.

A card is sent again with the same words while it holds, since clients remove what is not sent any more.  Only an
override that feedback reports silences it.  Everything is found under keyed hashes and sealed; what cannot be found,
since it expired or the cache is away, is sent.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from ontology.encoding import digest
from server.executor.cache.encryption import SealedStore
from server.executor.cache.store import NAME_PREFIX, Store
from server.hooks.advice import CardContent
from server.hooks.clients import HookClient

KNOWN_FOR = timedelta(hours=24)
"""For how long feedback on a card is expected."""
_CARD, _SILENCE = b"mt.card", b"mt.silence"
_YES = b"1"


@dataclass(frozen=True, slots=True)
class SentCard:
    """A card that this client was sent by this service in the last 24 hours.

    ``uuid`` is that of the card; ``name`` its name in the store, and ``silence`` what an override of it silences.
    """

    uuid: str
    name: str
    silence: bytes


class Overrides:
    """Which cards were sent, and which of them are silent.

    ``store`` may be sealed already; ``key`` (``Keyring.hooks``) seals and names what is kept here.  ``override_for``:
    how long an override counts.
    """

    def __init__(self, store: Store, key: bytes, override_for: timedelta) -> None:
        self._store = store.under(key) if isinstance(store, SealedStore) else SealedStore(store, key)
        self._key = key
        self._override_for = override_for

    async def keep_unsilenced(
        self, client: HookClient, patient: tuple[str, str], contents: Sequence[CardContent]
    ) -> list[CardContent]:
        """The cards that are not silent, in their order.

        ``patient``: id of the source, and FHIR id.
        """
        if not contents:
            return []
        names = [self._silence_name(client, patient, each) for each in contents]
        found = await self._store.get_many(names)
        return [each for each, silent in zip(contents, found, strict=True) if silent is None]

    async def remember(
        self, client: HookClient, service: str, patient: tuple[str, str], sent: Mapping[str, CardContent]
    ) -> None:
        """Keep for a day, by the uuid of each card, what an override of it would silence.

        ``service``: the id of the service that sends them.
        """
        names = {
            self._card_name(client, service, uuid): self._silence_name(client, patient, content).encode()
            for uuid, content in sent.items()
        }
        if names:
            await self._store.put_many(names, KNOWN_FOR)

    async def sent_cards(self, client: HookClient, service: str, uuids: Sequence[str]) -> dict[str, SentCard]:
        """The cards among these that this client was sent by this service, by uuid; others are guesses.

        Raises EncodingError for a uuid that is no Unicode.
        """
        names = {uuid: self._card_name(client, service, uuid) for uuid in uuids}
        found = await self._store.get_many(list(names.values()))
        return {
            uuid: SentCard(uuid, name, silence)
            for (uuid, name), silence in zip(names.items(), found, strict=True)
            if silence is not None
        }

    async def silence(self, cards: Sequence[SentCard]) -> None:
        """Let these cards, and those with the same grounds, be silent from now on, in all processes."""
        if cards and self._override_for > timedelta(0):
            await self._store.put_many({each.silence.decode(): _YES for each in cards}, self._override_for)
            await self._store.flush()

    async def first_told(self, told: Sequence[tuple[SentCard, str]]) -> list[bool]:
        """Whether each of these outcomes is new of its card: a second report does not count."""
        names = [f"{card.name}:{outcome}" for card, outcome in told]
        return await self._store.claim_many(names, secrets.token_bytes(16), KNOWN_FOR)

    def _card_name(self, client: HookClient, service: str, uuid: str) -> str:
        # Client and service are part of the name: feedback of another client, or for another service, finds nothing.
        return f"{NAME_PREFIX}:card:{digest((client.id, service, uuid), self._key, _CARD)}"

    def _silence_name(self, client: HookClient, patient: tuple[str, str], content: CardContent) -> str:
        what = (content.rule.concept, content.band, content.grounds_key.hex())
        return f"{NAME_PREFIX}:silence:{digest((client.id, patient, *what), self._key, _SILENCE)}"
