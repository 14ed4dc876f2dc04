"""Records on the wire."""

import strawberry
from strawberry import ID


@strawberry.type
class Record:
    """A record in the EHR."""

    url: str
    type: str
    id: ID
    version: str | None
    source: ID
