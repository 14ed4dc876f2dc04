"""When a patient died, where several records say so."""

from collections.abc import Iterable

from collectors.reading.timing import in_words
from collectors.settings import Source
from ontology.evaluation import Issue, Severity
from ontology.times import Span


def death_of(told: Iterable[tuple[Source, Span | None]]) -> tuple[Span | None, tuple[Issue, ...]]:
    """The death that counts, and what is to be told of it.

    Times that agree as far as they go: the most precise one.  Times that cannot both be so: that of the source which
    is trusted most, of one source the earliest, with a warning.
    """
    deaths = [(source, span) for source, span in told if span is not None]
    if not deaths:
        return None, ()
    latest_start = max(span.start for _, span in deaths)
    earliest_end = min(span.end for _, span in deaths)
    if latest_start <= earliest_end:
        return min((span for _, span in deaths), key=lambda span: (span.end - span.start, span.end)), ()
    source, chosen = min(deaths, key=lambda each: (each[0].rank, each[1].end))
    said = "; ".join(dict.fromkeys(f"{each.id} says {in_words(span)}" for each, span in deaths))
    text = f"The records do not agree on when the patient died: {said}. {in_words(chosen)} is used, from {source.id}."
    return chosen, (Issue(Severity.WARNING, "death-contradicted", text),)
