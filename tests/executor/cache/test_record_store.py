"""What the record cache keeps lies sealed in the store, under names that disclose nothing, and saves requests."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest

from server.errors import SettingsError
from server.executor.cache.encryption import Keyring, SealedStore
from server.executor.cache.record_store import RecordStore
from server.executor.cache.store import NoStore
from server.executor.engine import Engine
from server.executor.question import Question
from server.settings import Settings
from tests.support.engine_questions import shipped
from tests.support.fake_fhir_servers import FaultyFhir, watch_embedded
from tests.support.proof_questions import every_concept
from tests.support.secrets_chart import AT, CREATININE, assert_none, cache_contents, chart, everything_logged, secrets
from tests.support.settings import make_settings

OF, FAMILY = "pat-90210-q", "Featherstonehaugh"
FRESHNESS = {"observation": "PT5M", "condition": 300, "patient": "PT5M"}
NAME = ("ehr", "http://ehr.test", "", ("Observation", (("patient", OF),)))
HOUR = timedelta(hours=1)


def settings(**source: object) -> Settings:
    return make_settings(sources=[{"id": "ehr", "base_url": "https://ehr.test/fhir", **source}])


async def asked_of(fhir: FaultyFhir, made: Settings, times: int = 2) -> Counter[str]:
    engine = await Engine.open(made, shipped(), fhir.client())
    try:
        for number in range(times):
            trace = await engine.ask(Question(OF, every_concept(), AT))
            assert CREATININE in repr(trace.executions)
            told = any(issue.code == "used-again" for issue in trace.issues)
            assert told == (number > 0 and bool(made.sources[0].freshness))
    finally:
        await engine.close()
    return Counter(request.url.path.rsplit("/", 1)[-1] for request in fhir.requests)


async def test_two_questions_are_answered_from_one_set_of_requests() -> None:
    once = await asked_of(FaultyFhir(chart(OF, FAMILY)), settings(), times=1)
    fresh = await asked_of(FaultyFhir(chart(OF, FAMILY)), settings(freshness=FRESHNESS))
    always = await asked_of(FaultyFhir(chart(OF, FAMILY)), settings())
    for kind in ("Observation", "Condition", "Patient"):
        assert (fresh[kind], always[kind]) == (once[kind], 2 * once[kind])


async def test_nothing_of_what_is_kept_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    caches = watch_embedded(monkeypatch)
    with everything_logged() as lines:
        engine = await Engine.open(settings(freshness=FRESHNESS), shipped(), FaultyFhir(chart(OF, FAMILY)).client())
        await engine.ask(Question(OF, every_concept(), AT))
        await engine.memory.store.flush()
        names, values = await cache_contents(caches[-1])
        await engine.close()
    assert sum(b":shelf:" in name for name in names) >= 3
    hidden = secrets(OF, FAMILY)
    assert_none(hidden, "a cache key", [name.decode("ascii") for name in names])
    assert_none(hidden, "a cached value", [value.decode("latin-1") for value in values])
    assert_none(hidden, "the log", lines)


class Remembering(NoStore):
    """A cache that shows what it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.given: dict[str, bytes] = {}
        self.ttl = timedelta()

    async def get_many(self, names: Sequence[str]) -> list[bytes | None]:
        return [self.given.get(name) for name in names]

    async def put_many(self, items: Mapping[str, bytes], ttl: timedelta) -> None:
        self.given.update(items)
        self.ttl = ttl


async def test_the_name_is_a_keyed_hash_of_all_its_parts() -> None:
    store = Remembering()
    keys = Keyring.from_secret(b"s" * 32)
    shelf = RecordStore(SealedStore(store, keys.seal), keys.seen)
    await shelf.put(NAME, b"creatinine", HOUR)
    assert store.ttl == HOUR
    assert await shelf.get(NAME) == b"creatinine"
    assert not any(b"creatinine" in value for value in store.given.values())
    others: tuple[Any, ...] = ("lab", "http://ehr.test/b", "someone", ("Observation", (("patient", "q"),)))
    for index, other in enumerate(others):
        changed: Any = (*NAME[:index], other, *NAME[index + 1 :])
        assert await shelf.get(changed) is None
    assert await RecordStore(SealedStore(store, keys.seal), b"k" * 32).get(NAME) is None


async def test_without_a_cache_nothing_is_kept() -> None:
    shelf = RecordStore(NoStore(), b"k" * 32)
    await shelf.put(NAME, b"creatinine", HOUR)
    assert await shelf.get(NAME) is None


@pytest.mark.parametrize("setting", [{"freshness": {"observations": 60}}, {"collectors": ["observations"]}])
async def test_a_collector_that_there_is_not_is_named_at_the_start(setting: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match=r"of ehr: no such collector: observations; .*condition"):
        await Engine.open(settings(**setting), shipped(), FaultyFhir(()).client())


@pytest.mark.parametrize("window", [0, -5, "PT0S", "P8D"])
def test_a_window_without_reason_is_refused(window: object) -> None:
    with pytest.raises(ValueError, match="between one second and 7 days"):
        settings(freshness={"observation": window})
