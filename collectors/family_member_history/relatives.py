"""Whether the relative of a record is one whose conditions a concept counts."""

from collectors.reading.wire import CodeableConcept
from ontology.concepts import Concept

ROLES = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
VAGUE = frozenset(
    {"FAMMEMB", "EXT", "PRN", "NPRN", "CHILD", "NCHILD", "SIB", "NSIB", "HSIB", "GRPRN", "GGRPRN", "GRNDCHILD"}
)
"""Roles that stand for several: a concept that counts one of those, but not the role itself, may be meant or not."""


def counts(concept: Concept, relationship: CodeableConcept | None) -> bool | None:
    """Whether it is; None where that cannot be told from how the relationship is coded."""
    if not concept.relationships:
        return True
    codings = relationship.coding if relationship is not None else []
    roles = {each.code for each in codings if each.system == ROLES and each.code is not None}
    if roles & set(concept.relationships):
        return True
    return None if not roles or roles & VAGUE else False
