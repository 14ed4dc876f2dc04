"""A whole file of exported arguments, verified: each computed again, and the seal looked at."""

from dataclasses import dataclass
from enum import StrEnum

from server.catalog.load import Catalog
from server.executor.cache.keys import Keyring
from server.executor.environment import Environment
from server.explain.prov.read import read
from server.explain.prov.seal import SealFit, seal_of
from server.explain.replay.found import Replayed
from server.explain.replay.replay import replay
from server.explain.replay.said import Said


class Seal(StrEnum):
    """What can be told of the seal of a file."""

    FITS = "fits"
    BROKEN = "does-not-fit"
    REMOVED = "missing"
    """There is a key here, and the file has no seal."""
    NO_KEY = "not-checked"
    """There is a seal, and no key here."""
    NONE = "none"
    """There is neither seal nor key."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What came of a file."""

    answers: tuple[Replayed, ...]
    seal: Seal

    @property
    def same(self) -> bool:
        """Whether all came out the same, and the seal fits where there is a key to tell."""
        return self.seal not in (Seal.BROKEN, Seal.REMOVED) and all(answer.same for answer in self.answers)


def verify(text: str, form: str, catalog: Catalog, environment: Environment, keys: Keyring) -> Verified:
    """Compute every argument of a file again.  Raises ArgumentFileError where none can be read out of it."""
    said = read(text, form)
    seal = _seal(text, form, said, keys)
    return Verified(tuple(replay(each, catalog, environment, keys) for each in said), seal)


def _seal(text: str, form: str, said: tuple[Said, ...], keys: Keyring) -> Seal:
    if keys.sealing is None:
        return Seal.NO_KEY if any(each.seal for each in said) else Seal.NONE
    match seal_of(text, form, keys.sealing):
        case SealFit.FITS:
            return Seal.FITS
        case SealFit.BROKEN:
            return Seal.BROKEN
        case SealFit.NONE:
            return Seal.REMOVED
