"""Module by module, which slots a patient's records fill: from which codes and units, and why the others are empty."""

from collections.abc import Iterator, Sequence

from collectors.reading.met import Met, met
from collectors.reading.timing import in_words
from collectors.sourcefacts import SourceFacts
from ontology.concepts import EVENTS, Concept, Origin
from ontology.evaluation import Severity
from ontology.values import Absent, Series
from server.executor.trace import BoundInput, Execution, Trace
from server.explain.results import AnswerResult
from server.explain.wording import absence_words, value_words

MOST = 4
"""How many codes a line names; the others are counted."""


LEGEND = "Slots: - is empty and required, o is empty and can be done without."


def modules(trace: Trace, facts: SourceFacts, results: Sequence[AnswerResult]) -> Iterator[str]:
    """A block of lines for each module of the plan, inputs before what needs them."""
    statuses = {result.concept.id: result.status.value for result in results}
    for call in trace.plan.calls:
        description = call.description
        found = _current(trace, description.iri)
        status = statuses.get(description.produces.id, "")
        yield f"{description.id}  {description.title}{f'  {status}' if status else ''}"
        if found is None:
            yield "    was not run: what it needs is missing"
            continue
        for given in found.inputs.values():
            yield from _slot(given, facts, trace.executions)


def _current(trace: Trace, iri: str) -> Execution | None:
    """The execution as of the question's time: others are points of a series."""
    own = [each for each in trace.executions if each.description.iri == iri]
    return next((each for each in own if each.as_of == trace.at), own[-1] if own else None)


def _slot(given: BoundInput, facts: SourceFacts, executions: Sequence[Execution]) -> Iterator[str]:
    empty = isinstance(given.value, Absent)
    told = absence_words(given) if empty else value_words(given.value)
    mark = " " if not empty else "-" if given.slot.required else "o"
    yield f"  {mark} {given.slot.name:<24} {told}{_from(given, executions)}"
    if not empty:
        yield from (f"        from {text}" for text in _records(given, facts))
        return
    seen = dict.fromkeys(issue.text for issue in given.issues if issue.severity is not Severity.INFORMATION)
    yield from (f"        {text}" for text in list(seen)[:MOST])
    if not given.steps:
        yield from (f"        {line}" for line in missed(given.slot.concept, facts))


def _from(given: BoundInput, executions: Sequence[Execution]) -> str:
    if given.by_site:
        return "  (set for this site)"
    if given.steps:
        return f"  (from module {executions[given.steps[0]].description.id})"
    if isinstance(given.value, Series) or not given.resources:
        return ""
    times = {in_words(each.effective) for each in given.resources if each.effective is not None}
    return f"  ({', '.join(sorted(times))})" if times else ""


def _records(given: BoundInput, facts: SourceFacts) -> Iterator[str]:
    if given.slot.concept.origin is Origin.PATIENT:
        yield "the Patient record"
        return
    used = {resource.iri for resource in given.resources}
    mine = [fact for fact in facts.facts.get(given.slot.concept.id, ()) if fact.resource.iri in used]
    yield from (_as_met(each) for each in met(mine, given.slot.concept)[:MOST])


def missed(concept: Concept, facts: SourceFacts) -> Iterator[str]:
    """Of a slot that is empty: what was met under the concept's codes, and under which codes it was looked for."""
    found = met(facts.facts.get(concept.id, ()), concept)
    yield from (f"met: {_as_met(each)}" for each in found[:MOST])
    if len(found) > MOST:
        yield f"and {len(found) - MOST} more codes or units"
    if found or not concept.accepted:
        return
    if concept.origin in EVENTS:
        yield f"no record under any of its {len(concept.accepted)} codes"
    else:
        codes = [f"{each.coding.system}|{each.coding.code}" for each in concept.accepted]
        rest = f" and {len(codes) - MOST} more" if len(codes) > MOST else ""
        yield f"no record under {', '.join(codes[:MOST])}{rest}"


def _as_met(each: Met) -> str:
    text = f"{each.records} record{'' if each.records == 1 else 's'} as {each.code}"
    if each.unit is not None:
        text += f" in {each.unit}"
    if each.converted:
        text += ", converted"
    return text + "".join(f"; {count} refused, {reason}" for reason, count in each.refused.items())
