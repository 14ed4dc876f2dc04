"""The pages for clinicians over loopback: when their claims are there, beside the slowest fetch, and their bytes."""

from __future__ import annotations

import gzip
import time

import httpx

from benchmarks.catalogs import shipped
from benchmarks.measure import Sizes, Spread, gc_frozen
from benchmarks.questions import BareFetch
from benchmarks.report import Part, Row
from collectors.settings import Source
from fixtures.ehr import running_ehr
from fixtures.make_patients import PATIENTS
from fixtures.medtwin import free_port, running_medtwin

PATIENT, AT = "ckd-progressing", "at=2026-06-30T12:00:00Z"
EIGHT = (
    "kidney-failure-risk-5y", "kidney-failure-risk-2y", "egfr", "egfr-slope", "gfr-category", "albuminuria-category",
    "uacr", "bmi",
)  # fmt: skip
_END_OF_CLAIMS = b"</ul>"
_FACTOR, _MORE = 1.3, 150
_KILOBYTE = 1024
_MOST = 40.0


async def run(sizes: Sizes) -> Part:
    """Without a cache, which would answer for the source."""
    with running_ehr(free_port(), "another port") as ehr:
        ehr.load_directory(PATIENTS)
        settings = (
            f"\n[pages]\nquestions = {list(EIGHT)}\n\n[cache]\nenabled = false\n\n[site]\nnorth-america = true\n"
            f'\n[[sources]]\nid = "ehr"\nbase_url = "{ehr.base_url}"\n'
        )
        with running_medtwin(settings) as medtwin:
            async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
                page = f"{medtwin.url}/patients/ehr/{PATIENT}"
                painted = await _painted(http, f"{page}?{AT}", ehr.base_url, sizes.repeats)
                sent = [await _kilobytes(http, medtwin.url, path) for path in _paths(page)]
    slowest = Spread.of([fetch * 1e3 for _, fetch in painted]).middle
    budget = _FACTOR * slowest + _MORE
    note = f"eight results, no cache; 1.3 × the slowest fetch of {slowest:.0f} ms, and 150 ms"
    names = ("patient", "argument", "argument of a score", "card")
    size = "a page with style sheet and script, compressed"
    return Part(
        (
            Row("claims of a patient page", Spread.of([claims * 1e3 for claims, _ in painted]), "ms", budget, note),
            *(Row(size, Spread.of([each]), "KB", _MOST, name) for name, each in zip(names, sent, strict=True)),
        )
    )


def _paths(page: str) -> tuple[str, ...]:
    origin = page.split("/patients")[0]
    return (
        f"{page}?{AT}",
        f"{page}/answer/kidney-failure-risk-5y?{AT}",
        f"{origin}/patients/ehr/sepsis-ward/answer/news2?{AT}",
        f"{origin}/modules/support-hospital-mortality-day3/card",
    )


async def _painted(http: httpx.AsyncClient, page: str, ehr: str, repeats: int) -> list[tuple[float, float]]:
    """Seconds until the claims are there, and of the slowest of the same searches, sent together just before."""
    bare = BareFetch(http, Source(id="ehr", base_url=ehr), PATIENT, shipped(), EIGHT)
    samples = []
    with gc_frozen():
        for _ in range(repeats + 2):
            slowest = await bare.slowest()
            samples.append((await _claims(http, page), slowest))
    return samples[2:]


async def _claims(http: httpx.AsyncClient, page: str) -> float:
    start, content, took = time.perf_counter(), b"", None
    async with http.stream("GET", page) as answer:
        answer.raise_for_status()
        # What is filled in after is read too: it belongs to no other sample.
        async for part in answer.aiter_bytes():
            content += part
            if took is None and _END_OF_CLAIMS in content:
                took = time.perf_counter() - start
    if took is None:
        raise AssertionError("a patient page without claims")
    return took


async def _kilobytes(http: httpx.AsyncClient, origin: str, path: str) -> float:
    files = (path, f"{origin}/pages/page.css", f"{origin}/pages/page.js")
    parts = [(await http.get(each)).raise_for_status().content for each in files]
    return sum(len(gzip.compress(each)) for each in parts) / _KILOBYTE
