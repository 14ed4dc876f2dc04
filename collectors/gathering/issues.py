"""Issues raised while searching: remarks of the source, missing records and why, and reuse of cached ones."""

from collections.abc import Sequence
from datetime import UTC, datetime

from collectors import assembly
from collectors.assembly import Draft
from collectors.errors import CollectorError, NotSuppliedError, ScopeError, SourceRefusedError
from collectors.facts import Failure
from collectors.fetching.search_result import SearchResult
from ontology.evaluation import Issue, Severity
from ontology.values import AbsentReason


def add_search_issues(draft: Draft, results: Sequence[SearchResult], resource_type: str) -> Failure | None:
    """Adds the requests and the issues of results to the draft; the failure where records are missing from them."""
    draft.requests += sum(each.requests for each in results)
    if any(each.outcome_count for each in results):
        draft.issues.append(assembly.outcome_issue(resource_type))
    cached = [each.cached_at for each in results if each.cached_at is not None]
    if cached:
        text = f"{resource_type} records fetched at {_format_time(min(cached))} were used again, as the settings allow."
        draft.issues.append(Issue(Severity.INFORMATION, "used-again", text))
    missing = dict.fromkeys(text for each in results for text in each.missing)
    if not missing:
        return None
    short = f"{resource_type} records may be missing"
    text = f"{short}: source {draft.context.source.id}: {'; '.join(missing)}."
    draft.issues.append(Issue(Severity.WARNING, "source-incomplete", text, short=short))
    return Failure(AbsentReason.UNREACHABLE, text)


def add_failure_issue(draft: Draft, resource_type: str, error: CollectorError) -> Failure:
    """Adds the issue why records of a type are unavailable; returns the failure of what needs them."""
    reason, code = AbsentReason.UNREACHABLE, "source-unreachable"
    if isinstance(error, SourceRefusedError):
        reason = AbsentReason.NOT_PERMITTED
        code = "scope-missing" if isinstance(error, ScopeError) else "source-refused"
    elif isinstance(error, NotSuppliedError):
        reason, code = AbsentReason.NOT_QUERIED, "not-handed-in"
    draft.note_if_unreachable(resource_type, error)
    missing = f"{resource_type} could not be retrieved"
    failure = Failure(reason, f"{missing}: {error}.")
    draft.issues.append(Issue(Severity.WARNING, code, failure.text, short=missing))
    return failure


def _format_time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
