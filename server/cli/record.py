"""``record``: one record itself, in the version that its address names, as FHIR JSON or as FHIR RDF."""

import asyncio
import sys

import msgspec

from collectors.auth.authorisations import Caller
from collectors.errors import SourceUnreachableError
from collectors.reading.record_content import RecordContent
from collectors.supplied_records import OFFLINE, SuppliedRecords
from server.catalog.catalog import Catalog, configured_catalog
from server.cli.arguments import read_bundle
from server.cli.terminal import escape_json, escape_turtle
from server.cli.unreachable import UNREACHABLE
from server.errors import QuestionError
from server.executor.engine import Engine
from server.executor.record_question import RecordQuestion, record_at
from server.settings import Settings


def run(
    settings: Settings,
    address: str,
    form: str,
    token: str | None = None,
    patient: str | None = None,
    referenced_by: str | None = None,
    bundle_file: str | None = None,
) -> int:
    """Print the record at an address in the form ``json``, ``turtle`` or ``json-ld``.

    ``patient`` (FHIR id): only if it is one of this patient's records, or if the record at ``referenced_by``, which is
    one, refers to it.  ``bundle_file``: supplied records, which are not retrieved.  Returns the exit status: 0 printed,
    3 the source could not be reached.  Raises MedtwinError where it is not to be had.
    """
    if referenced_by is not None and patient is None:
        raise QuestionError("patient-required", "--referenced-by needs --patient ID: whose record it is")
    catalog = configured_catalog(settings)
    supplied = read_bundle(bundle_file, "", patient or "", catalog)
    try:
        content = asyncio.run(_fetch(settings, catalog, address, token, patient, referenced_by, supplied))
    except SourceUnreachableError as error:
        print(f"medtwin: {error}", file=sys.stderr)
        return UNREACHABLE
    print(render_record(content, form), end="")
    return 0


async def _fetch(
    settings: Settings,
    catalog: Catalog,
    address: str,
    token: str | None,
    patient: str | None,
    referenced_by: str | None,
    supplied: SuppliedRecords | None,
) -> RecordContent:
    async with await Engine.open(settings, catalog) as engine:
        sources = (*engine.sources.values(), *((OFFLINE,) if supplied is not None else ()))
        question = RecordQuestion(
            record_at(address, sources),
            patient,
            referenced_by=None if referenced_by is None else record_at(referenced_by, sources),
            caller=Caller(token),
        )
        return await engine.record(question, supplied)


def render_record(content: RecordContent, form: str) -> str:
    """The record in a form, with every character escaped that is not printable: in each it means the same."""
    if form == "json":
        # Laid out anew, with its numbers as they came; then only strings have such characters.
        return escape_json(msgspec.json.format(content.body, indent=2).decode() + "\n")
    from server.explain.prov import serialize_record

    if form == "json-ld":
        return escape_json(serialize_record(content.values, content.ref.server, "json-ld"))
    return escape_turtle(serialize_record(content.values, content.ref.server, "turtle"))
