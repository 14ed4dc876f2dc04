"""Arguments of synthetic patients, computed again by what is here."""

from functools import cache

from server.catalog.catalog import Catalog
from server.executor.cache.encryption import Keyring
from server.executor.fingerprint import Environment
from server.explain.prov.exported import ExportedAnswer
from server.settings.model import CacheSettings
from server.verify.findings import RecomputedAnswer
from server.verify.verify import recompute_answer
from tests.support.answered import KEY, answers
from tests.support.asking import shipped
from tests.support.saying import said_of

RISK, SLOPE, NEWS2 = "kidney-failure-risk-5y", "egfr-slope", "news2"
KEYS = Keyring.from_secret(CacheSettings.model_validate({"key": KEY}).key_bytes())


@cache
def here() -> Environment:
    """What the answers were made with."""
    return next(iter(answers().values())).circumstances.environment


def again(said: ExportedAnswer, catalog: Catalog | None = None, keys: Keyring | None = KEYS) -> RecomputedAnswer:
    """The argument computed again, by the shipped catalog unless another is given."""
    return recompute_answer(said, catalog or shipped(), here(), keys)


@cache
def argument(patient: str = "ckd-progressing", concept: str = RISK) -> ExportedAnswer:
    """What the argument of one answer says."""
    return said_of(answers()[patient, concept])


def found(replayed: RecomputedAnswer) -> list[tuple[str, str | None]]:
    """The findings by kind and slot."""
    return [(finding.kind.value, finding.slot) for finding in replayed.all_findings()]


def words(replayed: RecomputedAnswer) -> str:
    """What the findings say."""
    return "\n".join(finding.text for finding in replayed.all_findings())
