"""A terminology server is asked for whole sets; what is not the whole set is refused with the reason."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.errors import CollectorError, SourceAnswerError, SourceRefusedError, SourceUnreachableError
from collectors.fetching.transport import NotFoundError
from collectors.settings import Source
from collectors.terminology import terminology_server
from collectors.terminology.code_set import DefinitionError, TooCostlyError
from collectors.terminology.value_set_lookup import FAILURE_TTL, CachedTerminologyServer
from tests.support.fake_terminology import BASE, LOINC, SCT, FakeTerminology, fhir

SET = "https://example.org/ValueSet/one"
TEN = [(SCT, str(code)) for code in range(10)]


@given(count=st.integers(1, 40), page=st.integers(1, 12), most=st.integers(1, 12), total=st.booleans())
async def test_every_page_is_read(count: int, page: int, most: int, total: bool) -> None:
    def change(made: dict[str, Any], _: int) -> dict[str, Any]:
        if not total:
            del made["expansion"]["total"]
        return made

    codes = [(SCT, str(code)) for code in range(count)]
    found = await FakeTerminology(*codes, most=most, change=change).server(page).expand(SET)
    assert set(found.codes) == set(codes)
    assert (str(found.canonical), found.name) == (SET, "A set")


async def test_what_is_asked() -> None:
    fake = FakeTerminology(*TEN)
    found = await fake.server(4).expand(f"{SET}|2")
    assert [request.url.path for request in fake.requests] == ["/fhir/ValueSet/$expand"] * 3
    first = dict(fake.requests[0].url.params)
    assert first["url"] == SET and first["valueSetVersion"] == "2"
    assert first["excludeNested"] == "true" and first["activeOnly"] == "false"
    assert [dict(request.url.params)["offset"] for request in fake.requests] == ["0", "4", "8"]
    assert str(found.canonical) == f"{SET}|2"


def expansion(**elements: Any) -> Callable[[dict[str, Any], int], dict[str, Any]]:
    """Changes the expansion of every page but the first."""
    return lambda page, offset: {**page, "expansion": {**page["expansion"], **elements}} if offset else page


def everywhere(**elements: Any) -> Callable[[dict[str, Any], int], dict[str, Any]]:
    return lambda page, _: {**page, "expansion": {**page["expansion"], **elements}}


MARK = {"url": "http://hl7.org/fhir/StructureDefinition/valueset-toocostly", "valueBoolean": True}
FAULTS: dict[str, tuple[Callable[[dict[str, Any], int], Any], type[CollectorError], str]] = {
    "a total above what comes": (everywhere(total=11), DefinitionError, "its total is 11, but 10 codes were received"),
    "a total below what comes": (everywhere(total=7), DefinitionError, "its total is 7, but 8 codes were received"),
    "totals that change": (expansion(total=12), DefinitionError, "disagree on the total"),
    "pages ignored": (
        lambda page, _: {**page, "expansion": {"contains": [{"system": SCT, "code": "1"}]}},
        DefinitionError,
        "a page repeats codes",
    ),
    "the wrong page": (expansion(offset=0), DefinitionError, "a page starts at 0, and was asked for from 4"),
    "an empty page in between": (expansion(contains=[]), DefinitionError, "its total is 10, but 4 codes were received"),
    "an incomplete one": (everywhere(extension=[MARK]), TooCostlyError, "marked as incomplete"),
    "a narrowed one": (everywhere(parameter=[{"name": "filter"}]), TooCostlyError, "narrowed by the parameter filter"),
    "no expansion": (
        lambda page, _: {k: v for k, v in page.items() if k != "expansion"},
        DefinitionError,
        "no expansion",
    ),
    "an empty one": (everywhere(contains=[], total=0), DefinitionError, "it holds no codes"),
    "another set": (lambda page, _: {**page, "url": "urn:other"}, DefinitionError, "another value set"),
    "another version": (lambda page, _: {**page, "version": "9"}, DefinitionError, "another version"),
    "a code without a system": (everywhere(contains=[{"code": "1"}]), DefinitionError, "a code without a system"),
    "an outcome": (lambda _, __: fhir({"resourceType": "OperationOutcome"}), DefinitionError, "no ValueSet"),
    "no FHIR": (lambda _, __: fhir([1]), DefinitionError, "no readable ValueSet"),
    "too costly": (lambda _, __: fhir({"resourceType": "OperationOutcome"}, 422), TooCostlyError, "refused as wrong"),
    "a login page": (
        lambda _, __: httpx.Response(200, text="<html>", headers={"Content-Type": "text/html"}),
        TooCostlyError,
        "HTML",
    ),
    "unknown": (lambda _, __: fhir({"resourceType": "OperationOutcome"}, 404), NotFoundError, "404"),
    "not permitted": (lambda _, __: fhir({}, 403), SourceRefusedError, "403"),
    "broken": (lambda _, __: fhir({}, 500), SourceUnreachableError, "500"),
    "sent elsewhere": (
        lambda _, __: httpx.Response(302, headers={"Location": "https://elsewhere.test/fhir"}),
        TooCostlyError,
        "redirect",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_what_is_not_the_whole_set(fault: str) -> None:
    change, kind, text = FAULTS[fault]
    with pytest.raises(kind, match=text) as caught:
        await FakeTerminology(*TEN, change=change).server(4).expand(f"{SET}|2")
    assert BASE not in str(caught.value)


async def test_a_page_that_is_too_large() -> None:
    small = Source(id="terminology", base_url=BASE, max_bytes=1024)
    with pytest.raises(TooCostlyError, match="larger than 1024 bytes"):
        await FakeTerminology(*((LOINC, str(code)) for code in range(100))).server(source=small).expand(SET)


async def test_single_codes() -> None:
    fake = FakeTerminology(*TEN)
    server = fake.server()
    assert await server.validate_code(f"{SET}|2", (SCT, "3"))
    assert not await server.validate_code(SET, (LOINC, "3"))
    # Codes of a patient stand in no address.
    assert {str(request.url) for request in fake.requests} == {f"{BASE}/ValueSet/$validate-code"}
    assert {request.method for request in fake.requests} == {"POST"}


@pytest.mark.parametrize(
    ("answer", "kind", "text"),
    [
        (fhir({"resourceType": "Parameters", "parameter": []}), DefinitionError, "no result"),
        (fhir({"resourceType": "Parameters", "parameter": [{"name": "result"}]}), DefinitionError, "no result"),
        (fhir({"resourceType": "OperationOutcome"}), DefinitionError, "no result"),
        (fhir("yes"), DefinitionError, "no readable Parameters"),
        (fhir({}, 422), SourceAnswerError, "422"),
    ],
)
async def test_an_answer_that_is_none(answer: httpx.Response, kind: type[CollectorError], text: str) -> None:
    fake = FakeTerminology(*TEN)
    fake.validates = answer
    with pytest.raises(kind, match=text):
        await fake.server().validate_code(SET, (SCT, "3"))


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(("name", "asked"), [(f"{SET}|2", 1), (SET, 2)])
async def test_a_set_is_asked_for_once(name: str, asked: int) -> None:
    fake, clock = FakeTerminology(*TEN), Clock()
    service = CachedTerminologyServer(fake.server(), 60, clock)
    first = await service.expand(name)
    clock.now += 59
    assert await service.expand(name) is first
    assert len(fake.requests) == 1
    clock.now += 3_600
    assert (await service.expand(name)).codes == first.codes
    assert len(fake.requests) == asked


async def test_a_failure_is_kept_for_a_while_only() -> None:
    fake, clock = FakeTerminology(*TEN), Clock()
    fake.expands = 500
    service = CachedTerminologyServer(fake.server(), 3_600, clock)
    for _ in range(3):
        with pytest.raises(SourceUnreachableError):
            await service.expand(SET)
    assert len(fake.requests) == 1
    clock.now += FAILURE_TTL
    fake.expands = 200
    assert set((await service.expand(SET)).codes) == set(TEN)


async def test_single_codes_are_asked_for_once() -> None:
    fake, clock = FakeTerminology(*TEN), Clock()
    service = CachedTerminologyServer(fake.server(), 60, clock)
    wanted = [(SCT, "1"), (SCT, "99"), (SCT, "1")]
    for _ in range(2):
        assert await service.members(SET, wanted) == {(SCT, "1")}
    assert len(fake.requests) == 2
    clock.now += 61
    await service.members(SET, wanted)
    assert len(fake.requests) == 4


async def test_sets_are_asked_for_ahead() -> None:
    fake = FakeTerminology(*TEN)
    service = CachedTerminologyServer(fake.server(), 60)
    service.warm([SET, f"{SET}|2"])
    assert set((await service.expand(SET)).codes) == set(TEN)
    await service.expand(f"{SET}|2")
    assert len(fake.requests) == 2
    service.warm(["urn:v:other"])
    await service.aclose()


async def test_pages_that_never_end_are_read_no_further_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    def swollen(page: dict[str, Any], offset: int) -> dict[str, Any]:
        # Few codes, without a total, each as long as a page may be.
        listed = {"system": LOINC, "code": f"{offset}-{'1' * 50_000}"}
        return {**page, "expansion": {"offset": offset, "contains": [listed]}}

    monkeypatch.setattr(terminology_server, "MAX_BYTES", 1_000_000)
    fake = FakeTerminology(*TEN, change=swollen)
    with pytest.raises(TooCostlyError, match="more than 1000000 bytes together"):
        await fake.server(4).expand(SET)
    assert len(fake.requests) <= 20


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("where", ["http://169.254.169.254/latest", "https://evil.test/a", "file:///etc/passwd", "//x"])
async def test_it_leads_nowhere_else(status: int, where: str) -> None:
    fake = FakeTerminology(*TEN)
    fake.expands = fake.validates = httpx.Response(status, headers={"location": where})
    with pytest.raises(CollectorError):
        await fake.server(4).expand(SET)
    with pytest.raises(CollectorError):
        await fake.server(4).validate_code(SET, (LOINC, "1"))
    assert {request.url.host for request in fake.requests} == {"tx.test"}
