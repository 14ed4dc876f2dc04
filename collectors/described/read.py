"""Records into facts as their collector's layout describes them: which count, for which concepts, from when to when."""

from collections.abc import Mapping
from dataclasses import dataclass

from collectors.collector import Begun, Beside, Wants
from collectors.described.entry import (
    Entry,
    decoded,
    entry_of,
    is_ours,
    named_code,
    named_id,
    reference_at,
    subject_of,
)
from collectors.described.facts import Dated, add_facts, dated
from collectors.layout import Layout, Meaning
from collectors.needs import Search
from collectors.reading.codes import CodeIndex
from collectors.reading.readout import Readout, Setting
from collectors.reading.records import CodedEntry, Record
from collectors.reading.references import encounter_periods
from collectors.reading.wire import CodeableConcept


def begin(records: list[Record], search: Search, setting: Setting) -> Begun:
    """Looks through the records; ValueError where the collector has no layout, which the catalog has refused."""
    layout = search.description.layout
    if layout is None:
        raise ValueError(f"the collector {search.description.id} has neither a layout nor code of its own")
    readout = Readout()
    entries = []
    for record in records:
        content = decoded(record.raw)
        if content is None:
            readout.unnamed += 1
            continue
        entry = entry_of(record, content, layout)
        if entry.meaning is Meaning.NEVER or is_ours(content):
            continue
        if not setting.concerns(subject := subject_of(content, layout)):
            readout.leave_out(subject, setting)
            continue
        entries.append((entry, dated(entry, layout, setting)))
    return _Begun(entries, layout, search, setting, readout)


@dataclass(frozen=True, slots=True)
class _Begun:
    entries: list[tuple[Entry, Dated]]
    layout: Layout
    search: Search
    setting: Setting
    readout: Readout

    @property
    def wants(self) -> Wants:
        """Encounters, where only they can date an entry; and the records that have the codes."""
        wanted: dict[str, frozenset[str] | None] = {}
        if any(self._by_encounter(entry, when) for entry, when in self.entries):
            wanted["Encounter"] = None
        named = self.layout.named
        if named is not None:
            bases = self.setting.source.bases
            ids = frozenset(id_ for entry, _ in self.entries if (id_ := named_id(entry, self.layout, bases)))
            if ids:
                wanted[named.resource_type] = ids
        return wanted

    def _by_encounter(self, entry: Entry, when: Dated) -> bool:
        path = self.layout.encounter
        return when.by_encounter and path is not None and reference_at(entry.content, path) is not None

    def finish(self, beside: Beside) -> Readout:
        """A fact for each concept that a record is coded as, and the code systems of all of them."""
        source, readout = self.setting.source, self.readout
        index = CodeIndex(self.search.concepts)
        periods = encounter_periods(beside.records.get("Encounter", ()), source.zone)
        fetched: Mapping[str, Record] = {}
        if self.layout.named is not None:
            fetched = {record.ref.id: record for record in beside.records.get(self.layout.named.resource_type, ())}
        for entry, when in self.entries:
            named, malformed = named_code(entry, self.layout, fetched, source.bases)
            code = CodeableConcept([*entry.code.coding, *named.coding], entry.code.text or named.text)
            if self._by_encounter(entry, when):
                when = when.within_encounter(entry, self.layout, periods, source.bases)
            if entry.malformed or malformed:
                # It may be coded as anything.
                readout.unnamed += 1
            elif entry.meaning not in (Meaning.DOUBTED, Meaning.NEGATED):
                systems = self.setting.systems(code)
                since = when.begin.start if when.begin is not None else None
                concepts = frozenset(known.concept.id for known, _ in index.find(code))
                name = entry.record.name if entry.meaning is not Meaning.ENDED else None
                readout.coded.append(CodedEntry(systems, since, None, name, concepts))
            add_facts(entry, code, when, index, self.layout, self.setting, readout)
        return readout
