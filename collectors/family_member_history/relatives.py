"""Whether the relative of a record is one whose conditions a concept counts."""

from collections.abc import Mapping

from collectors.reading.wire import CodeableConcept
from ontology.concepts import Concept

ROLES = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
_PARENTS = frozenset({"PRN", "FTH", "MTH", "NPRN", "NFTH", "NMTH"})
_CHILDREN = frozenset({"CHILD", "SON", "DAU", "NCHILD", "SONC", "DAUC"})
_SIBLINGS = frozenset(
    {"SIB", "BRO", "SIS", "NSIB", "NBRO", "NSIS", "TWIN", "TWINBRO", "TWINSIS"}
    | {f"{kind}TWIN{sex}" for kind in "FI" for sex in ("", "BRO", "SIS")}
)
_FIRST_DEGREE = _PARENTS | _CHILDREN | _SIBLINGS
VAGUE: Mapping[str, frozenset[str]] = {
    "FAMMEMB": frozenset(),
    **dict.fromkeys(("EXT", "GRPRN", "GGRPRN", "GRNDCHILD", "HSIB"), _FIRST_DEGREE),
    **dict.fromkeys(("PRN", "NPRN"), _CHILDREN | _SIBLINGS),
    **dict.fromkeys(("CHILD", "NCHILD"), _PARENTS | _SIBLINGS),
    **dict.fromkeys(("SIB", "NSIB"), _PARENTS | _CHILDREN),
}
"""Roles that stand for several, each with those for which it does not stand for sure: a grandparent is no parent.

A concept that counts any other role, but not the vague one itself, may be meant or not.
"""
_SIDED = frozenset({"AUNT", "COUSN", "GGRFTH", "GGRMTH", "GGRPRN", "GRFTH", "GRMTH", "GRPRN", "UNCLE"})
"""Roles that leave open whether they are of the mother's side (MGRMTH) or the father's (PGRMTH)."""


def counts(concept: Concept, relationship: CodeableConcept | None) -> bool | None:
    """Whether it is; None where that cannot be told from how the relationship is coded."""
    if not concept.relationships:
        return True
    codings = relationship.coding if relationship is not None else []
    roles = {each.code for each in codings if each.system == ROLES and each.code is not None}
    counted = set(concept.relationships)
    if roles & counted:
        return True
    if any(f"{side}{role}" in counted for role in roles & _SIDED for side in "MP"):
        return None
    return None if not roles or any(counted - VAGUE[role] for role in roles & VAGUE.keys()) else False
