"""Pages that show no answer: why not in words, and the way back.  They hold no script, and nothing of a patient."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from collectors.errors import (
    CollectorError,
    OtherPatientError,
    PatientNotFoundError,
    SourceUnreachableError,
    TokenRequiredError,
    VersionGoneError,
)
from collectors.fetching.transport import NotFoundError
from ontology.errors import MedtwinError
from server.errors import CompileError, QuestionError
from server.pages.rendering import page

FAULT = "A fault of this server, not of the record. So this page says nothing about the patient."
_CHARTS, _CARDS, _SERVICES, _LAUNCH = "/app/", "/modules", "/cds-services", "/launch"
_HTTP = {
    404: ("No such page", "There is nothing at this address"),
    405: ("Not possible here", "This address is only to be opened and read"),
}


@dataclass(frozen=True, slots=True)
class WayBack:
    """A link to a page that there is; ``lost``: what helps where that fails as well."""

    address: str
    text: str
    lost: str = ""


def way_back(request: Request) -> WayBack:
    """Where to go on from a page that could not be shown; the address names no patient."""
    path = request.url.path
    if path.startswith(_CHARTS):
        chart = _CHARTS + path.removeprefix(_CHARTS).split("/")[0]
        return WayBack(chart, "All questions of this patient", "Else open medtwin again from the chart in the EHR.")
    if path.startswith(_CARDS):
        return WayBack(_CARDS, "All cards")
    if path.startswith(_LAUNCH):
        # Where there are launches there is no page at "/".
        return WayBack(_LAUNCH, "Choose a patient")
    return WayBack(_SERVICES, "All services") if path == _SERVICES else WayBack("/", "Open a patient")


def refusal(error: MedtwinError, request: Request) -> Response:
    """The page that says why there is no answer."""
    status, heading = 400, "This cannot be answered"
    if isinstance(error, PatientNotFoundError):
        status, heading = 404, "No such patient"
    elif isinstance(error, CompileError):
        status, heading = 404, "No such question"
    elif isinstance(error, QuestionError) and error.code == "unknown-source":
        status, heading = 404, "No such source"
    elif isinstance(error, OtherPatientError):
        status, heading = 403, "Not a record of this patient"
    elif isinstance(error, (NotFoundError, VersionGoneError)):
        status, heading = 404, "The source has no such record"
    elif isinstance(error, TokenRequiredError):
        status, heading = 401, "This source asks who you are"
    elif isinstance(error, SourceUnreachableError):
        status, heading = 502, "The source did not answer"
    elif isinstance(error, CollectorError):
        status, heading = 502, "The source refused"
    own = getattr(error, "status", None)
    if isinstance(own, int):
        # Of one that is not let in now, or not at all.
        status, heading = own, "Not now" if own in (429, 503) else "Not permitted"
    return error_page(request, status, heading, str(error))


def http_page(request: Request, status: int) -> Response:
    """The page where there is no such address, or not in this way."""
    heading, text = _HTTP.get(status, ("This was refused", "The request was refused"))
    return error_page(request, status, heading, text)


def fault_page(request: Request, number: str) -> Response:
    """The page that says that something broke here, with the id under which it is logged."""
    return error_page(request, 500, "This page could not be shown", FAULT, number)


def error_page(request: Request, status: int, heading: str, text: str, number: str = "") -> Response:
    """A page in words, with the way back; ``number``: the id of what broke."""
    return page("error.html", status, heading=heading, text=text, number=number, back=way_back(request))
