"""The report of a verification: as lines of text, or as plain objects for JSON."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from server.verify.check_attribution import attribution_name
from server.verify.check_inputs import same_value
from server.verify.findings import Finding, RecomputedAnswer, RecomputedStep, format_exact
from server.verify.verify import SealState, Verification

SEAL_TEXTS = {
    SealState.VALID: "valid: the file, its records included, is unchanged since this key sealed it",
    SealState.BROKEN: "does not match: the file was changed after it was sealed, or it was sealed with another key",
    SealState.REMOVED: (
        "missing, and a key is configured (cache.key): the file was exported without one, or its seal was removed"
    ),
    SealState.NO_KEY: (
        "present, not checked (no cache.key). Without the key a forged file with recomputed digests cannot be detected"
    ),
    SealState.NONE: "none. A forged file with recomputed digests, records or sentences cannot be detected",
}
RECORDS_TEXT = "not fetched again: the computation is verified, not the records in the EHR"


def report_lines(verification: Verification) -> Iterator[str]:
    """The verdict on each answer, step by step, then the seal, the records and the verdict on the file."""
    for answer in verification.answers:
        yield from map(printable, _answer_lines(answer, verification.seal is SealState.VALID))
    yield f"Seal: {SEAL_TEXTS[verification.seal]}."
    yield f"Records: {RECORDS_TEXT}."
    count = sum(1 for answer in verification.answers for _ in answer.all_findings())
    if verification.matches:
        yield "All the same."
    elif not count:
        yield "The values come out the same, but the seal is not in order."
    else:
        yield f"Not the same: {count} {'finding' if count == 1 else 'findings'}."


def report_object(verification: Verification) -> dict[str, Any]:
    """The same as plain objects for JSON."""
    return {
        "same": verification.matches,
        "seal": {"state": verification.seal.value, "text": SEAL_TEXTS[verification.seal]},
        "records": {"asked": False, "text": RECORDS_TEXT},
        "answers": [_answer_json(answer) for answer in verification.answers],
    }


def report_json(verification: Verification) -> str:
    """The same as JSON: indented, with control characters escaped."""
    text = json.dumps(report_object(verification), indent=2, ensure_ascii=False)
    return "".join(each if each.isprintable() or each == "\n" else _json_escape(each) for each in text)


def _json_escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[place : place + 4]}" for place in range(0, len(units), 4))


def printable(text: str) -> str:
    """A line of text out of a file, with control characters replaced."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)


def _answer_lines(answer: RecomputedAnswer, is_sealed: bool) -> Iterator[str]:
    exported = answer.exported
    verdict = _verdict(answer.findings, answer.matches)
    value, at = format_exact(exported.value), exported.at.isoformat()
    yield f"{_answer_name(answer)}: {value}; {exported.status}, as of {at}: {verdict}"
    yield f"  In the file's words{'' if is_sealed else ' (not checked)'}: {exported.text}"
    for finding in answer.findings:
        yield f"    {_describe_finding(finding)}"
    for place, step in enumerate(answer.steps, start=1):
        head = f"  {place}. {step.exported.title} {step.exported.version}"
        when = "" if step.exported.as_of == exported.at else f" as of {step.exported.as_of.isoformat()}"
        yield f"{head}{when}: {_describe_step(step)}"
        for finding in step.findings:
            yield f"    {_describe_finding(finding)}"
    if not answer.steps:
        yield "  Nothing to compute: it is read from a record, or was given with the question."
    for attribution in exported.attributions:
        begin = attribution_name(attribution)
        differs = any(finding.text.startswith(f"{begin}:") for finding in answer.findings)
        yield f"  {begin[0].upper()}{begin[1:]}: {'differs' if differs else 'same'}"
    for note in answer.notes:
        yield f"  {note}"


def _answer_name(answer: RecomputedAnswer) -> str:
    """The name of the concept, as the module has it here; its IRI where there is no such module."""
    description = answer.steps[-1].description if answer.steps else None
    return description.produces.display if description is not None else answer.exported.concept


def _verdict(findings: Iterable[Finding], same: bool) -> str:
    if same:
        return "same"
    return "differs" if any(True for _ in findings) else "differs in its steps"


def _describe_step(step: RecomputedStep) -> str:
    value = format_exact(step.exported.value)
    if not step.findings:
        return f"same, {value}"
    if step.evaluation is not None and same_value(step.evaluation.value, step.exported.value):
        return f"differs, and gives the same value here, {value}"
    return "differs"


def _describe_finding(finding: Finding) -> str:
    where = "" if finding.slot is None else f", slot {finding.slot}"
    return f"{finding.kind.value}{where}: {finding.text}"


def _answer_json(answer: RecomputedAnswer) -> dict[str, Any]:
    exported = answer.exported
    return {
        "iri": exported.iri,
        "text": exported.text,
        "concept": exported.concept,
        "status": exported.status,
        "at": exported.at.isoformat(),
        "value": format_exact(exported.value),
        "same": answer.matches,
        "findings": [_finding_json(each) for each in answer.findings],
        "notes": list(answer.notes),
        "steps": [_step_json(step) for step in answer.steps],
    }


def _step_json(step: RecomputedStep) -> dict[str, Any]:
    return {
        "module": step.exported.module,
        "title": step.exported.title,
        "version": step.exported.version,
        "asOf": step.exported.as_of.isoformat(),
        "value": format_exact(step.exported.value),
        "here": None if step.evaluation is None else format_exact(step.evaluation.value),
        "same": not step.findings,
        "findings": [_finding_json(each) for each in step.findings],
    }


def _finding_json(finding: Finding) -> dict[str, Any]:
    return {"kind": finding.kind.value, "slot": finding.slot, "text": finding.text}
