"""IRIs shortened by the prefixes of a file, as ``mpm:step``; each is shortened once."""

import re
from collections.abc import Mapping

from server.explain.prov.rdf_terms import Iri

_PLAIN = re.compile(r"[A-Za-z_](?:[\w.-]*[\w-])?", re.ASCII)


class ShortNames:
    """Short names by prefixes (``prefix: namespace``), whose namespaces end in ``#`` or ``/``."""

    def __init__(self, prefixes: Mapping[str, str]) -> None:
        self._prefixes = {space: prefix for prefix, space in prefixes.items()}
        self._short: dict[Iri, str] = {}
        self.used: set[str] = set()
        """The prefixes of the names that were shortened."""

    def shorten(self, name: Iri) -> str:
        """The short name of an IRI; the IRI itself, without brackets, where no prefix fits.

        Only names that are the same in Turtle and JSON-LD, with nothing to escape, are shortened.
        """
        found = self._short.get(name)
        if found is None:
            address = name.value
            end = max(address.rfind("#"), address.rfind("/")) + 1
            prefix = self._prefixes.get(address[:end])
            if prefix is None or not _PLAIN.fullmatch(address, end):
                found = address
            else:
                self.used.add(prefix)
                found = f"{prefix}:{address[end:]}"
            self._short[name] = found
        return found
