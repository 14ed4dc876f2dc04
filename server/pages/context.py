"""Who asks about whom: what every page takes, made from a launched chart or, on loopback, from the path."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, tzinfo
from typing import Any
from urllib.parse import quote, urlencode

from starlette.requests import Request

from collectors.auth.authorisations import Caller
from collectors.fetching.addresses import is_loopback
from collectors.reading.readout import check_fhir_id
from collectors.settings import Source
from ontology.resources import RecordRef
from ontology.words.time import time_words
from server.errors import QuestionError
from server.executor.engine import Engine
from server.executor.question import Question
from server.explain.short_text import with_calendar_days
from server.settings import Settings

PATIENTS = "/patients"
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_FIRST_YEAR, _LAST_YEAR = 1900, 9000
"""Nobody whose records are here was alive before; and there is room for times before that of a question."""


@dataclass(frozen=True, slots=True)
class PageContext:
    """One patient (FHIR id) of one source, as this caller may see them; ``base`` begins the address of their pages.

    ``at``: as of when, where the address says so (None: now).  ``since``: with what to compare, likewise.
    ``logout``: the address that ends the session of a launched chart (None: there is none).
    """

    engine: Engine
    caller: Caller | None = field(repr=False)
    source: Source
    patient: str
    base: str
    at: datetime | None = None
    since: datetime | None = None
    logout: str | None = None

    def asked_at(self, request: Request) -> "PageContext":
        """The context with the times of the address.  Raises QuestionError where one cannot be read."""
        query = request.query_params
        since = _begin_of_day(query.get("since"), self.engine.memory.zone)
        return replace(self, at=_time(query.get("at"), "at"), since=_time(since, "since"))

    def question(self, concepts: tuple[str, ...], at: datetime, earlier: tuple[datetime, ...] = ()) -> Question:
        """A question about this patient."""
        return Question(self.patient, concepts, at, self.source.id, caller=self.caller, earlier_times=earlier)

    @property
    def home(self) -> str:
        """The address of the patient page."""
        return self._address("", {})

    def answer(self, concept: str) -> str:
        """The address of the argument page of a concept."""
        return self._address(f"/answer/{quote(concept, safe='')}", {})

    def export(self, concept: str, form: str, at: datetime) -> str:
        """The address of an exported answer, as of the time that the page shows."""
        return f"{self.base}/export/{quote(concept, safe='')}/{form}?{urlencode({'at': at.isoformat()})}"

    def record(self, ref: RecordRef, concept: str) -> str:
        """The address of the page of a record, in the version that was read for an answer about a concept."""
        address = ref.url if ref.version is None else f"{ref.url}/_history/{ref.version}"
        return self._address("/record", {"url": address, "of": concept})

    def _address(self, path: str, query: Mapping[str, str]) -> str:
        kept: dict[str, str] = dict(query)
        for name, when in (("at", self.at), ("since", self.since)):
            if when is not None:
                kept[name] = when.isoformat()
        return f"{self.base}{path}?{urlencode(kept)}" if kept else f"{self.base}{path}"

    def time_text(self, when: datetime) -> str:
        """An instant in the site's zone."""
        return with_calendar_days(time_words(when.astimezone(self.engine.memory.zone)))


def is_open(settings: Settings) -> bool:
    """Whether the pages need no launch: on this machine alone, where nobody is asked who they are."""
    server = settings.server
    return is_loopback(server.host) and server.public_url is None and not settings.issuers


def open_context(request: Request) -> PageContext:
    """The patient that the path names.  Raises QuestionError and PatientNotFoundError."""
    engine: Engine = request.app.state.engine
    path: Mapping[str, Any] = request.path_params
    source = engine.source(path["source"])
    patient = check_fhir_id(path["patient"])
    base = f"{PATIENTS}/{quote(source.id, safe='')}/{patient}"
    return PageContext(engine, None, source, patient, base).asked_at(request)


def _begin_of_day(text: str | None, zone: tzinfo) -> str | None:
    """The time at which a day begins in the site's zone, as a form gives a day; any other text as it is."""
    if text is None or _DAY.fullmatch(text) is None:
        return text
    try:
        return datetime.combine(date.fromisoformat(text), time.min, zone).isoformat()
    except ValueError:
        return text


def _time(text: str | None, name: str) -> datetime | None:
    if not text:
        return None
    try:
        # A plus sign that was not escaped is a space by now.
        when = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        raise QuestionError("bad-time", f"`{name}` is no time: write it like 2026-06-30T12:00:00Z") from None
    if when.tzinfo is None:
        raise QuestionError("time-without-zone", f"`{name}` needs a time zone: write it like 2026-06-30T12:00:00Z")
    if not _FIRST_YEAR <= when.year <= _LAST_YEAR:
        # Days before it, and other zones, must be times as well.
        raise QuestionError(
            "bad-time", f"`{name}` is no time of a record: its year is not {_FIRST_YEAR} to {_LAST_YEAR}"
        )
    return when
