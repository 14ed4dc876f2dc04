"""What is told of the answers to searches: remarks, gaps, why there are none, and that they were used again."""

from collections.abc import Sequence
from datetime import UTC, datetime

from collectors import assemble
from collectors.draft import Draft
from collectors.errors import CollectorError, NotHandedInError, SourceRefusedError
from collectors.facts import Failure
from collectors.fetching.fetched import Fetched
from ontology.evaluation import Issue, Severity
from ontology.values import AbsentReason


def note(draft: Draft, fetched: Sequence[Fetched], resource_type: str) -> Failure | None:
    """Notes it in the draft; a failure where records are missing from what came."""
    draft.requests += sum(each.requests for each in fetched)
    if any(each.outcomes for each in fetched):
        draft.issues.append(assemble.remark(resource_type))
    kept = [each.kept_since for each in fetched if each.kept_since is not None]
    if kept:
        text = f"{resource_type} records fetched at {_time(min(kept))} were used again, as the settings allow."
        draft.issues.append(Issue(Severity.INFORMATION, "used-again", text))
    lacking = dict.fromkeys(text for each in fetched for text in each.lacking)
    if not lacking:
        return None
    text = f"{resource_type} records may be missing: source {draft.setting.source.id}: {'; '.join(lacking)}."
    draft.issues.append(Issue(Severity.WARNING, "source-incomplete", text))
    return Failure(AbsentReason.UNREACHABLE, text)


def fault(draft: Draft, resource_type: str, error: CollectorError) -> Failure:
    """Notes why records of a type could not be had; the failure of what needs them."""
    reason, code = AbsentReason.UNREACHABLE, "source-unreachable"
    if isinstance(error, SourceRefusedError):
        reason, code = AbsentReason.NOT_PERMITTED, "source-refused"
    elif isinstance(error, NotHandedInError):
        reason, code = AbsentReason.NOT_QUERIED, "not-handed-in"
    failure = Failure(reason, f"{resource_type} could not be had: {error}.")
    draft.issues.append(Issue(Severity.WARNING, code, failure.text))
    return failure


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
