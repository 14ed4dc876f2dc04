"""Observations that another one replaces, by FHIR's own extension for it: the replaced one no longer counts."""

from collections.abc import Iterator

import msgspec

from collectors.observation.shape import Observation
from collectors.reading.readout import Setting
from collectors.reading.records import Record
from collectors.reading.references import local_id
from collectors.reading.wire import Reference

REPLACES = "http://hl7.org/fhir/StructureDefinition/observation-replaces"


class Extension(msgspec.Struct, gc=False):
    """An extension that may hold a reference."""

    url: str | None = None
    valueReference: Reference | None = None  # noqa: N815  (FHIR's own name)


_EXTENSIONS = msgspec.json.Decoder(list[Extension])


def replaced(record: Record, observation: Observation, setting: Setting) -> Iterator[str]:
    """The ids of the Observations of this source that it replaces.  What is preliminary replaces nothing yet."""
    if not observation.extension or observation.status == "preliminary":
        return
    try:
        extensions = _EXTENSIONS.decode(observation.extension)
    except msgspec.DecodeError:
        return
    for each in extensions:
        if each.url == REPLACES and each.valueReference is not None:
            identity = local_id(each.valueReference.reference, "Observation", setting.source.bases)
            if identity is not None and identity != record.ref.id:
                yield identity
