"""A chart of secrets that can be told from all else, and where to look for them."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from redis.asyncio import Redis

from server.executor.cache.embedded_server import EmbeddedServer
from tests.support.charts import Record, answer, condition, creatinine, lab, patient, uacr

AT = datetime(2026, 6, 30, 12, tzinfo=UTC)
RECENT = "2026-06-29T08:00:00+00:00"
FREE_TEXT = "Mrs Featherstonehaugh, 14 Mill Lane"
BIRTH = "1961-03-17"
CREATININE, RATIO = "1.618033", "271.8281"


def chart(of: str, family: str) -> list[Record]:
    """A chart in which every recorded value can be told from anything that the server writes of its own accord."""
    return [
        patient(BIRTH, "female", of, name=[{"family": family, "given": ["Zebedee"]}]),
        creatinine(float(CREATININE), RECENT, id="rec-cr-7781", of=of, note=[{"text": FREE_TEXT}]),
        uacr(float(RATIO), RECENT, id="rec-ur-7782", of=of),
        # What cannot be read: free text, an unknown answer, an unknown unit, a broken date, a broken record.
        lab("8867-4", None, None, RECENT, "rec-hr-7783", of=of, valueString=FREE_TEXT),
        answer("67775-7", ("http://snomed.info/sct", FREE_TEXT), RECENT, id="rec-co-7784", of=of),
        lab("8310-5", 98.76543, "furlong", RECENT, "rec-te-7785", of=of),
        lab("9279-1", 17.23456, "/min", "2026-06-31T25:00:00Z", "rec-rr-7786", of=of),
        {
            **condition("49436004", id="rec-af-7787"),
            "subject": {"reference": f"Patient/{of}"},
            "onsetDateTime": FREE_TEXT,
        },
        {"resourceType": "Observation", "id": "rec-br-7788", "status": [FREE_TEXT], "subject": 3},
    ]


def secrets(of: str, family: str) -> set[str]:
    found = {of, family, "Zebedee", FREE_TEXT, "Featherstonehaugh", BIRTH, CREATININE, RATIO, "98.76543", "17.23456"}
    return found | {f"rec-{kind}-778{n}" for n, kind in enumerate(("cr", "ur", "hr", "co", "te", "rr", "af", "br"), 1)}


@contextmanager
def everything_logged() -> Iterator[list[str]]:
    """What any logger says at any level, as it would be written: message, arguments, exceptions and their traces."""
    lines: list[str] = []
    form = logging.Formatter("%(name)s %(levelname)s %(pathname)s %(message)s")

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(form.format(record) + repr(record.__dict__.get("args")))

    root, keep = logging.getLogger(), Keep(logging.NOTSET)
    before = root.level
    root.addHandler(keep)
    root.setLevel(logging.DEBUG)
    try:
        yield lines
    finally:
        root.removeHandler(keep)
        root.setLevel(before)


async def cache_contents(server: EmbeddedServer) -> tuple[list[bytes], list[bytes]]:
    """The names in the cache, and the values as they lie there."""
    client: Any = Redis.from_url(server.url)
    try:
        names = [name async for name in client.scan_iter(count=1000)]
        return names, [await client.get(name) or b"" for name in names]
    finally:
        await client.aclose()


def assert_none(secret_ones: set[str], where: str, texts: list[str]) -> None:
    for secret in secret_ones:
        for text in texts:
            assert secret not in text, f"{where} holds {secret!r}: {text[:300]}"
