"""All records of one type of a patient, whatever their codes: for those who connect a source."""

from collectors.fetching.client import Client
from collectors.fetching.search import simple_query
from collectors.reading.readout import record_of
from collectors.reading.records import Record
from collectors.settings import Source


async def everything(client: Client, source: Source, patient: str, resource_type: str, parameter: str) -> list[Record]:
    """The records as they are now, within the limits of the source's settings.

    ``parameter`` is the type's search parameter for the patient.  Raises CollectorError.
    """
    fetched = await client.search(resource_type, simple_query(source, patient, parameter))
    named = (record_of(raw, source) for raw in fetched.records)
    return [record for record in named if record is not None and record.ref.type == resource_type]
