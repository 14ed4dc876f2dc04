"""Who a patient is in another source: by an identifier that both know, or by a link; never by name."""

from collections.abc import Collection, Iterable
from datetime import datetime

from collectors.fetching.search import Parameters, by_ids, tokens
from collectors.gathering.identity import Identifier, Person, contradiction, read_person
from collectors.gathering.linked import Circle, circle
from collectors.gathering.run import Run
from collectors.settings import Source
from ontology.evaluation import Issue, Severity
from ontology.values import Coding


async def look_up(
    run: Run,
    source: Source,
    identifiers: frozenset[Identifier],
    linked: Collection[str],
    known: tuple[Person, ...],
    now: datetime,
) -> Circle | str:
    """The records of the patient there, perhaps none; or, in words, why it cannot be told which they are.

    ``known`` is what the question's source says of them.  One request (two where a link leads there), and those that
    links there cost.  Raises CollectorError.
    """
    records = []
    if identifiers:
        records += await run.patients((identifier_query(source, identifiers),))
    if linked:
        records += await run.patients(by_ids(source, linked))
    matches: dict[str, Person] = {}
    doubtful = False
    for record in sorted(records, key=lambda each: each.ref.id):
        person = read_person(record, source, now)
        if person is None:
            return "a patient's record there cannot be read"
        # Servers ignore parameters: what came is held against the identifiers once more.
        if person.id in linked or person.identifiers & identifiers:
            matches[person.id] = person
        elif person.may_be(identifiers):
            doubtful = True
    if not matches and doubtful:
        return "a patient there carries this identifier written otherwise, or as one that is no longer used"
    if not matches:
        text = f"Source {source.id} holds nothing of this patient: nobody there is known by the same identifier."
        return Circle({}, issues=[Issue(Severity.INFORMATION, "not-known-there", text)])
    for person in matches.values():
        if (differs := contradiction(person, known)) is not None:
            return f"the patient who carries this identifier there has another {differs}"
    found = await circle(run, source, matches, known, now)
    if not found.one(matches):
        return f"{'two' if len(matches) == 2 else len(matches)} patients there carry this identifier"
    return found


def identifier_query(source: Source, identifiers: Iterable[Identifier]) -> Parameters:
    """All patients of a source who carry one of the identifiers, in one request."""
    wanted = tokens([Coding(system, value) for system, value in sorted(identifiers)])
    return (("identifier", wanted), ("_count", str(source.page_size)))
