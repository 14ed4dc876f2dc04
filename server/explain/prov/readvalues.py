"""Values out of statements: the other half of ``values``."""

from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import get_args

import pyoxigraph as ox
from rdflib import PROV, RDFS, XSD

from ontology.evaluation import Interval
from ontology.values import Absent, AbsentReason, Bound, Coding, Comparator, Date, Quantity, Series, Value
from server.errors import ArgumentFileError
from server.explain.prov.parsing import Term
from server.explain.prov.statements import Statements, plain_decimal, words
from server.explain.prov.terms import MPM

_VALUE, _UNIT = str(PROV.value), str(MPM.unit)
_COMPARATORS: dict[str, Comparator] = {each: each for each in get_args(Comparator)}
_REASONS = {reason.value: reason for reason in AbsentReason}


def read_value(said: Statements, node: Term) -> Value:
    """What an entity's value is, or why there is none.  Raises ArgumentFileError."""
    if said.all(node, str(MPM.absent)):
        return _absent(said, node)
    found = said.one(node, _VALUE)
    if not isinstance(found, ox.Literal):
        raise ArgumentFileError(f"prov:value of {words(node)} is not a value")
    if said.all(node, str(MPM.code)):
        display = said.text(node, str(MPM.display)) if said.all(node, str(MPM.display)) else None
        return Coding(said.text(node, str(MPM.system)), said.text(node, str(MPM.code)), display)
    if said.all(node, str(MPM.start)):
        return Date(said.day(node, str(MPM.start)), said.day(node, str(MPM.end)))
    match found.datatype.value:
        case kind if kind == str(XSD.boolean):
            return said.flag(node, _VALUE)
        case kind if kind == str(XSD.decimal):
            return _number(said, node, plain_decimal(node, _VALUE, found.value))
        case kind if kind == str(XSD.string) and said.all(node, _UNIT):
            return _series(said, node)
    raise ArgumentFileError(f"the value of {words(node)} is of no known kind")


def read_interval(said: Statements, node: Term, term: str) -> Interval | None:
    """Between which values something lies; None where nothing is said."""
    if not said.all(node, term):
        return None
    limits = said.node(node, term)
    level = str(MPM.level)
    return Interval(
        low=said.number(limits, str(MPM.low)),
        high=said.number(limits, str(MPM.high)),
        unit=said.text(limits, _UNIT),
        text=said.text(limits, str(RDFS.comment)),
        level=said.number(limits, level) if said.all(limits, level) else None,
    )


def _absent(said: Statements, node: Term) -> Absent:
    reason = _REASONS.get(said.text(node, str(MPM.absent)))
    if reason is None or said.all(node, _VALUE):
        raise ArgumentFileError(f"{words(node)} is absent for no known reason, or has a value beside")
    return Absent(reason)


def _number(said: Statements, node: Term, number: Decimal) -> Quantity | Bound:
    unit = said.text(node, _UNIT)
    if not said.all(node, str(MPM.comparator)):
        return Quantity(number, unit)
    comparator = _COMPARATORS.get(said.text(node, str(MPM.comparator)))
    if comparator is None:
        raise ArgumentFileError(f"mpm:comparator of {words(node)} is not one of {', '.join(_COMPARATORS)}")
    return Bound(comparator, number, unit)


def _series(said: Statements, node: Term) -> Series:
    points: list[tuple[int, datetime, Decimal]] = []
    for point in said.nodes(node, str(MPM.point)):
        place = said.integer(point, str(MPM.position)) if said.all(point, str(MPM.position)) else -1
        points.append((place, said.time(point, str(MPM.time)), said.number(point, str(MPM.value))))
    points.sort(key=lambda each: each[:2])
    for before, after in pairwise(points):
        if before[:2] == after[:2]:
            raise ArgumentFileError(f"{words(node)} has two points of one time, and nothing says which is first")
    return Series(tuple((time, number) for _, time, number in points), said.text(node, _UNIT))
