"""Which FHIR types the scopes of a caller's token let us search: SMART App Launch, versions 1 and 2.

A scope is ``level/Type.rights``: ``patient/Observation.rs`` (version 2: letters out of "cruds", in that order) or
``user/*.read`` (version 1: read, write or ``*``).  The level (patient, user, system) does not say of whom: that is the
binding to a patient, which is checked before anything is searched.  A scope with a query (``?category=…``) gives some
records of a type only.  What we were to conclude from a search so narrowed could be a false "no", so it covers nothing.
"""

import re
from dataclasses import dataclass
from typing import Self

READ, SEARCH = "r", "s"

_SCOPE = re.compile(
    r"(?P<level>patient|user|system)/(?P<type>[A-Z][A-Za-z]{0,63}|\*)"
    r"\.(?:(?P<former>read|write|\*)|(?P<letters>(?=[cruds])c?r?u?d?s?))"
)
_FORMER = {"read": (READ, SEARCH), "write": (), "*": (READ, SEARCH)}
_EVERY_TYPE = "*"


@dataclass(frozen=True, slots=True)
class Permissions:
    """What may be read and searched: ``rights`` are (level, type, "r" or "s"), with the type "*" for all.

    ``unlimited``: no scopes limit the caller, who is the operator, or asks a server without issuers.
    """

    rights: frozenset[tuple[str, str, str]] = frozenset()
    unlimited: bool = False

    @classmethod
    def from_scopes(cls, scope: str) -> Self:
        """Those of the scopes in a text, separated by spaces; whatever is no such scope permits nothing.

        Scopes of one level add up: "patient/Condition.r patient/Condition.s" is "patient/Condition.rs".
        """
        rights = set()
        for each in scope.split(" "):
            found = _SCOPE.fullmatch(each)
            if found is None:
                continue
            letters = _FORMER[found["former"]] if found["former"] else (found["letters"] or "")
            rights |= {(found["level"], found["type"], letter) for letter in letters if letter in (READ, SEARCH)}
        return cls(frozenset(rights))

    def may_search(self, resource_type: str) -> bool:
        """Whether records of a type may be searched for: reading and searching it, both on one level."""
        return self._covers(resource_type, (READ, SEARCH))

    def may_read(self, resource_type: str) -> bool:
        """Whether a record of a type whose id is known may be read."""
        return self._covers(resource_type, (READ,))

    def _covers(self, resource_type: str, needed: tuple[str, ...]) -> bool:
        return self.unlimited or any(
            all(
                (level, resource_type, each) in self.rights or (level, _EVERY_TYPE, each) in self.rights
                for each in needed
            )
            for level in ("patient", "user", "system")
        )

    @property
    def canonical(self) -> str:
        """The same text for equal permissions, however they were written; part of what cached entries are named by."""
        return "unlimited" if self.unlimited else " ".join(sorted("/".join(each) for each in self.rights))


EVERYTHING = Permissions(unlimited=True)
"""For the command line, and for servers without issuers."""
