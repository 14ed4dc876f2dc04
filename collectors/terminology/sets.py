"""Value sets from wherever they can be had: the files first, then the terminology server."""

import asyncio
from collections.abc import Iterable

from collectors.errors import CollectorError
from collectors.reading.codes import Key
from collectors.terminology.codeset import Codes
from collectors.terminology.errors import ServerNeededError, UnknownSetError
from collectors.terminology.library import Library
from collectors.terminology.prepared import too_late
from collectors.terminology.service import TerminologyService


class Sets:
    """The value sets in files, and the terminology server, if any.  Times are those of the event loop."""

    def __init__(self, library: Library, service: TerminologyService | None) -> None:
        self._library = library
        self._service = service

    def warm(self, names: Iterable[str]) -> None:
        """Begins to ask the terminology server for those of these sets that are in no file."""
        if self._service is not None:
            self._service.warm(name for name in names if isinstance(self._known(name), CollectorError))

    async def find(self, name: str, until: float) -> Codes | CollectorError:
        """The codes of a set; why they cannot be had, by ``until`` at the latest."""
        known = self._known(name)
        if self._service is None or not isinstance(known, UnknownSetError | ServerNeededError):
            return known
        try:
            async with asyncio.timeout_at(until):
                return (await self._service.expand(name)).codes
        except TimeoutError:
            return too_late()
        except CollectorError as error:
            return error

    async def members(self, name: str, codes: frozenset[Key], until: float) -> Codes | CollectorError:
        """Those of the codes that are in a set which is too large to be had in full; why that cannot be told."""
        if self._service is None:
            return UnknownSetError("no terminology server is configured")
        try:
            async with asyncio.timeout_at(until):
                return dict.fromkeys(await self._service.members(name, codes))
        except TimeoutError:
            return too_late()
        except CollectorError as error:
            return error

    async def aclose(self) -> None:
        """Ends what is being asked of the terminology server."""
        if self._service is not None:
            await self._service.aclose()

    def _known(self, name: str) -> Codes | CollectorError:
        """What files say of a set."""
        try:
            return self._library.find(name).codes
        except CollectorError as error:
            return error
