"""Parameters that a source took no notice of: it answers 200 with more than was asked for, and may say so or not."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import parse_qsl, urlsplit

from collectors.fetching.search import Parameters
from collectors.needs import Search
from collectors.reading.placed import Outline, outline
from collectors.reading.records import Record
from ontology.evaluation import Issue, Severity


@dataclass(frozen=True, slots=True)
class Noticed:
    """Which parameters had no effect, and how many records came beside what was asked for."""

    parameters: frozenset[str]
    codes: int = 0
    early: int = 0

    def issue(self, resource_type: str) -> Issue | None:
        """What to tell of it: nothing was lost by it, and nothing else counts."""
        if not self.parameters:
            return None
        names = ", ".join(sorted(self.parameters))
        text = f"The source seems to ignore parameters of the search for {resource_type} ({names})"
        beside = [(self.codes, "under other codes"), (self.early, "from before the window")]
        counted = " and ".join(f"{count} {words}" for count, words in beside if count)
        text += f": of what came, {counted} was sorted out here." if counted else ": what came was sorted here."
        return Issue(Severity.INFORMATION, "parameters-ignored", text)


def noticed(
    search: Search, sent: Sequence[Parameters], links: Iterable[str | None], records: Sequence[Record]
) -> Noticed:
    """What of a search had no effect, by the server's own link to it and by the records that came."""
    description = search.description
    names = {name for parameters in sent for name, _ in parameters}
    missing = frozenset(name for link in links for name in _missing(link, names))
    codes = early = 0
    if description.resource_type == "Observation":
        asked = {(each.system, each.code) for each in search.codes} if description.code_parameter in names else None
        day = next((_day_before(value[2:]) for name, value in sent[0] if name == description.date_parameter), None)
        for record in records if asked is not None or day is not None else ():
            # What cannot be read is told elsewhere.
            told = outline(record) or Outline()
            codes += asked is not None and _elsewhere(told, asked)
            early += day is not None and _before(told, day)
    found = {description.code_parameter: codes, description.date_parameter: early}
    return Noticed(missing | {name for name, count in found.items() if name and count}, codes, early)


def _missing(link: str | None, sent: Iterable[str]) -> set[str]:
    """The parameters that narrow a search and are not in the server's own account of it, where it gives one."""
    try:
        told = {name.partition(":")[0] for name, _ in parse_qsl(urlsplit(link or "").query, keep_blank_values=True)}
    except ValueError:
        return set()
    return {name for name in sent if not name.startswith("_")} - told if told else set()


def _elsewhere(told: Outline, asked: set[tuple[str, str]]) -> bool:
    if told.code is None:
        return False
    return all((each.system or "", each.code or "") not in asked for each in told.code.coding)


def _before(told: Outline, day: str) -> bool:
    """Whether a record ends before a day; dates compare as they are written, as far as they are."""
    text = told.effectiveDateTime or (told.effectivePeriod.end if told.effectivePeriod is not None else None)
    return text is not None and text[:10] < day[: len(text)]


def _day_before(day: str) -> str:
    """A server may read days in a zone of its own."""
    try:
        return (date.fromisoformat(day) - timedelta(days=1)).isoformat()
    except (ValueError, OverflowError):
        return day
