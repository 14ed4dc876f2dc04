"""Arguments of synthetic patients, computed again by what is here."""

from functools import cache

from server.catalog.load import Catalog
from server.executor.cache.keys import Keyring
from server.executor.environment import Environment
from server.explain.replay.found import Replayed
from server.explain.replay.replay import replay
from server.explain.replay.said import Said
from server.settings.model import CacheSettings
from tests.support.answered import KEY, answers
from tests.support.asking import shipped
from tests.support.saying import said_of

RISK, SLOPE, NEWS2 = "kidney-failure-risk-5y", "egfr-slope", "news2"
KEYS = Keyring.of(CacheSettings.model_validate({"key": KEY}).key_bytes())


@cache
def here() -> Environment:
    """What the answers were made with."""
    return next(iter(answers().values())).under.environment


def again(said: Said, catalog: Catalog | None = None, keys: Keyring | None = KEYS) -> Replayed:
    """The argument computed again, by the shipped catalog unless another is given."""
    return replay(said, catalog or shipped(), here(), keys)


@cache
def argument(patient: str = "ckd-progressing", concept: str = RISK) -> Said:
    """What the argument of one answer says."""
    return said_of(answers()[patient, concept])


def found(replayed: Replayed) -> list[tuple[str, str | None]]:
    """The findings by kind and slot."""
    return [(finding.kind.value, finding.slot) for finding in replayed.all_findings()]


def words(replayed: Replayed) -> str:
    """What the findings say."""
    return "\n".join(finding.text for finding in replayed.all_findings())
