"""What came of verifying a file, told: in lines, or as plain objects for JSON."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from server.explain.replay.found import Finding, Replayed, ReplayedStep
from server.explain.replay.inputs import same_value
from server.explain.replay.moved import name_of
from server.explain.replay.verify import Seal, Verified
from server.explain.replay.wording import exact_words

SEALS = {
    Seal.FITS: "fits; nothing in the file was changed, its records included, since this key sealed it",
    Seal.BROKEN: "does not fit; something in the file was changed since it was written, or it is under another key",
    Seal.REMOVED: "there is none, and here is a key; the file was written without one, or its seal was taken away",
    Seal.NO_KEY: (
        "there is one, and no key (cache.key) here to check it; whoever can change the file can make its digests fit "
        "as well, and nobody here would see another record or another sentence in it"
    ),
    Seal.NONE: (
        "there is none; whoever can change the file can make its digests fit as well, and nobody could see another "
        "record or another sentence in it"
    ),
}
RECORDS = (
    "not asked again; this proves the reckoning from what the file says, not that the records still stand so in the EHR"
)


def lines(verified: Verified) -> Iterator[str]:
    """The verdict on each answer, step by step, then the seal, the records, and the whole."""
    for answer in verified.answers:
        yield from map(plain, _answer(answer, verified.seal is Seal.FITS))
    yield f"Seal: {SEALS[verified.seal]}."
    yield f"Records: {RECORDS}."
    count = sum(1 for answer in verified.answers for _ in answer.all_findings())
    if verified.same:
        yield "All the same."
    elif not count:
        yield "The values come out the same, but the seal is not in order."
    else:
        yield f"Not the same: {count} {'finding' if count == 1 else 'findings'}."


def as_json(verified: Verified) -> dict[str, Any]:
    """The same as plain objects."""
    return {
        "same": verified.same,
        "seal": {"state": verified.seal.value, "text": SEALS[verified.seal]},
        "records": {"asked": False, "text": RECORDS},
        "answers": [_answer_json(answer) for answer in verified.answers],
    }


def json_text(verified: Verified) -> str:
    """That as JSON, readable, and with what a terminal would obey escaped."""
    told = json.dumps(as_json(verified), indent=2, ensure_ascii=False)
    return "".join(each if each.isprintable() or each == "\n" else _escaped(each) for each in told)


def _escaped(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[place : place + 4]}" for place in range(0, len(units), 4))


def plain(text: str) -> str:
    """A line of text out of a file, without what a terminal would obey."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)


def _answer(answer: Replayed, sealed: bool) -> Iterator[str]:
    said = answer.said
    verdict = _verdict(answer.findings, answer.same)
    yield f"{_name(answer)}: {exact_words(said.value)}; {said.status}, as of {said.at.isoformat()}: {verdict}"
    yield f"  In the file's words{'' if sealed else ' (not checked)'}: {said.text}"
    for finding in answer.findings:
        yield f"    {_words(finding)}"
    for place, step in enumerate(answer.steps, start=1):
        head = f"  {place}. {step.said.title} {step.said.version}"
        when = "" if step.said.as_of == said.at else f" as of {step.said.as_of.isoformat()}"
        yield f"{head}{when}: {_told(step)}"
        for finding in step.findings:
            yield f"    {_words(finding)}"
    if not answer.steps:
        yield "  Nothing to compute: it is read from a record, or was given with the question."
    for told in said.attributions:
        begin = name_of(told)
        differs = any(finding.text.startswith(f"{begin}:") for finding in answer.findings)
        yield f"  {begin[0].upper()}{begin[1:]}: {'differs' if differs else 'same'}"
    for note in answer.notes:
        yield f"  {note}"


def _name(answer: Replayed) -> str:
    """What was answered, as the module here calls it."""
    description = answer.steps[-1].description if answer.steps else None
    return description.produces.display if description is not None else answer.said.concept


def _verdict(findings: Iterable[Finding], same: bool) -> str:
    if same:
        return "same"
    return "differs" if any(True for _ in findings) else "differs in its steps"


def _told(step: ReplayedStep) -> str:
    value = exact_words(step.said.value)
    if not step.findings:
        return f"same, {value}"
    if step.evaluation is not None and same_value(step.evaluation.value, step.said.value):
        return f"differs, and gives the same value here, {value}"
    return "differs"


def _words(finding: Finding) -> str:
    where = "" if finding.slot is None else f", slot {finding.slot}"
    return f"{finding.kind.value}{where}: {finding.text}"


def _answer_json(answer: Replayed) -> dict[str, Any]:
    said = answer.said
    return {
        "iri": said.iri,
        "text": said.text,
        "concept": said.concept,
        "status": said.status,
        "at": said.at.isoformat(),
        "value": exact_words(said.value),
        "same": answer.same,
        "findings": [_finding(each) for each in answer.findings],
        "notes": list(answer.notes),
        "steps": [_step_json(step) for step in answer.steps],
    }


def _step_json(step: ReplayedStep) -> dict[str, Any]:
    return {
        "module": step.said.module,
        "title": step.said.title,
        "version": step.said.version,
        "asOf": step.said.as_of.isoformat(),
        "value": exact_words(step.said.value),
        "here": None if step.evaluation is None else exact_words(step.evaluation.value),
        "same": not step.findings,
        "findings": [_finding(each) for each in step.findings],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {"kind": finding.kind.value, "slot": finding.slot, "text": finding.text}
