"""The devices that records of facts name: looked up, and told with the facts."""

from collections.abc import Iterable, Mapping

import msgspec

from collectors.observation.device import DEVICE, DEVICES, TYPES, Device, Verdict, judged, verdict
from collectors.observation.shape import Observation
from collectors.reading.readout import Readout, Setting
from collectors.reading.records import Record
from collectors.reading.references import local_id


class Devices:
    """Which devices the records of facts name, and what their records mean for the facts."""

    def __init__(self, setting: Setting) -> None:
        self._bases = setting.source.bases
        self._known: dict[str, Verdict] = {}
        self._asked: dict[str, tuple[str, str]] = {}
        self._led: dict[str, tuple[str, str] | None] = {}

    def note(self, record: Record, observation: Observation) -> None:
        """Notes the device of a record: contained, by reference into this source, or none that could be looked up."""
        reference = observation.device.reference if observation.device is not None else None
        if reference is None:
            return
        if reference.startswith("#"):
            found = next((each for each in _contained(observation) if each.id == reference[1:]), None)
            if found is not None:
                self._known[record.ref.id] = verdict(found)
            return
        if reference not in self._led:
            self._led[reference] = self._leads(reference)
        key = self._led[reference]
        if key is not None:
            self._asked[record.ref.id] = key

    def _leads(self, reference: str) -> tuple[str, str] | None:
        """The type and id of the device that a reference into this source means."""
        return next(((kind, found) for kind in TYPES if (found := local_id(reference, kind, self._bases))), None)

    @property
    def wants(self) -> Mapping[str, frozenset[str] | None]:
        """The devices to be looked up, by type."""
        named: dict[str, set[str]] = {}
        for kind, identity in set(self._asked.values()):
            named.setdefault(kind, set()).add(identity)
        return {kind: frozenset(ids) for kind, ids in named.items()}

    def tell(self, readout: Readout, records: Mapping[str, Iterable[Record]]) -> None:
        """Tells of each fact what its device's record means.  A record that cannot be decoded means nothing."""
        if not (self._known or self._asked):
            return
        looked_up: dict[tuple[str, str], Verdict] = {}
        for kind in TYPES:
            for record in records.get(kind, ()):
                try:
                    looked_up[kind, record.ref.id] = verdict(DEVICE.decode(record.raw))
                except (msgspec.DecodeError, UnicodeDecodeError):
                    continue
        by_id = self._known | {name: looked_up[key] for name, key in self._asked.items() if key in looked_up}
        for facts in readout.facts.values():
            for position, fact in enumerate(facts):
                if (found := by_id.get(fact.record.ref.id)) is not None:
                    facts[position] = judged(fact, found)


def _contained(observation: Observation) -> list[Device]:
    try:
        held = DEVICES.decode(observation.contained) if observation.contained else []
    except msgspec.DecodeError:
        return []
    return [each for each in held if each.resourceType in TYPES]
