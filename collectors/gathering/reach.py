"""A source that may be asked, and as whom."""

from dataclasses import dataclass, field

from collectors.draft import Draft
from collectors.fetching.access import Access, NoAccess
from collectors.fetching.client import Client
from collectors.gathering.ability import Ability
from collectors.gathering.run import Run
from collectors.settings import Source


@dataclass(frozen=True, slots=True)
class Reach:
    """A source and our authorisation there."""

    source: Source
    access: Access = field(default_factory=NoAccess)


@dataclass(frozen=True, slots=True)
class Asked:
    """A source that is being asked about one of its patient records; ``client`` None: nothing can be fetched."""

    reach: Reach
    draft: Draft
    ability: Ability
    run: Run
    client: Client | None
