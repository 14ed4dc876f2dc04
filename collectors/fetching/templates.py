"""The searches of a plan as prefetch templates of CDS Hooks, by which a client hands records in with its question.

CDS Hooks 2.0 allows tokens for fields of the hook's context and for the user's ids only: there is none for a date, so
the templates ask for all times.
"""

from collections.abc import Mapping
from urllib.parse import quote

from collectors.fetching.search import MOST_CODES, tokens
from collectors.needs import Search
from collectors.reading.codes import is_prefix
from ontology.concepts import Origin

MOST_ENTRIES = 1000
"""``_count`` of each template: an answer as long as this may lack records."""

_PATIENT = "{{context.patientId}}"


def templates(search: Search) -> Mapping[str, str]:
    """The templates that together bring what a search brings, by key: one, or one a hundred codes.

    A source's local codes are among them where the search is one that was prepared for it (``Terminology.written``).
    None for what is searched on request only.
    """
    description = search.description
    if description.on_request:
        return {}
    if description.origin is Origin.PATIENT:
        return {"patient": f"Patient/{_PATIENT}"}
    patient = f"{description.resource_type}?{description.patient_parameter}={_PATIENT}"
    code = description.code_parameter
    # A value set that a terminology server works out may have codes that are not among these.
    unknown = not search.codes or any(concept.accepted_sets for concept in search.concepts)
    if code is None or unknown or any(map(is_prefix, search.codes)):
        return {description.id: f"{patient}&_count={MOST_ENTRIES}"}
    chunks = [search.codes[first : first + MOST_CODES] for first in range(0, len(search.codes), MOST_CODES)]
    made = [f"{patient}&{code}={quote(tokens(chunk), safe='|,:/')}&_count={MOST_ENTRIES}" for chunk in chunks]
    if len(made) == 1:
        return {description.id: made[0]}
    return {f"{description.id}-{number}": template for number, template in enumerate(made, 1)}


def beside_templates(search: Search) -> Mapping[str, str]:
    """The keys of the further resource types that may be needed to read the records, and which type each is."""
    return {f"all-{kind.lower()}": kind for kind in search.description.includes}


def template_of(resource_type: str) -> str:
    """All of the patient's records of a type."""
    return f"{resource_type}?patient={_PATIENT}&_count={MOST_ENTRIES}"
