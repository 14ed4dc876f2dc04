"""Values and intervals in RDF, written and read back exactly: digits as they are, times with their offsets."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import get_args

import pyoxigraph as ox

from ontology.evaluation import Interval
from ontology.values import Absent, AbsentReason, Bound, Coding, Comparator, Date, Quantity, Series, Value
from ontology.words.values import value_words
from server.errors import ArgumentFileError
from server.explain.prov.graph import Graph
from server.explain.prov.rdf_terms import MPM, PROV, RDFS, XSD, Iri, Literal, Node, literal
from server.explain.prov.statements import Statements, Term, describe_node, plain_decimal

_MOST_OFFSET = timedelta(hours=14)
_MINUTE = timedelta(minutes=1)


def decimal_literal(number: Decimal) -> Literal:
    """A number in the plain form of xsd:decimal: all its digits, no exponent."""
    return Literal(format(number, "f"), XSD.decimal)


def float_literal(number: float) -> Literal:
    """A floating-point number, with the fewest digits that identify it."""
    return decimal_literal(Decimal(repr(number)))


def time_literal(time: datetime) -> Literal:
    """A time with its offset; in UTC where xsd:dateTime has no such offset (local mean times of the past)."""
    offset = time.utcoffset() or timedelta(0)
    if offset % _MINUTE or abs(offset) > _MOST_OFFSET:
        time = time.astimezone(UTC)
    return Literal(time.isoformat(), XSD.dateTime)


def write_value(graph: Graph, node: Node, value: Value) -> None:
    """State the value of an entity, or why it is absent."""
    match value:
        case Absent():
            graph.add((node, MPM.absent, literal(value.reason.value)))
        case bool():
            graph.add((node, PROV.value, literal(value)))
        case Quantity():
            graph.add((node, PROV.value, decimal_literal(value.value)))
            graph.add((node, MPM.unit, literal(value.unit)))
        case Bound():
            graph.add((node, PROV.value, decimal_literal(value.value)))
            graph.add((node, MPM.unit, literal(value.unit)))
            graph.add((node, MPM.comparator, literal(value.comparator)))
        case Coding():
            graph.add((node, PROV.value, literal(value_words(value))))
            graph.add((node, MPM.system, literal(value.system)))
            graph.add((node, MPM.code, literal(value.code)))
            if value.display is not None:
                graph.add((node, MPM.display, literal(value.display)))
        case Date():
            graph.add((node, PROV.value, literal(value_words(value))))
            graph.add((node, MPM.start, Literal(value.start.isoformat(), XSD.date)))
            graph.add((node, MPM.end, Literal(value.end.isoformat(), XSD.date)))
        case Series():
            graph.add((node, PROV.value, literal(value_words(value))))
            graph.add((node, MPM.unit, literal(value.unit)))
            _write_points(graph, node, value)


def _write_points(graph: Graph, node: Node, series: Series) -> None:
    # Times order the points; where two have one time, positions do.
    times = [time for time, _ in series.points]
    ordered = all(before < after for before, after in pairwise(times))
    for place, (time, number) in enumerate(series.points):
        point = graph.new_blank()
        graph.add((node, MPM.point, point))
        graph.add((point, MPM.time, time_literal(time)))
        graph.add((point, MPM.value, decimal_literal(number)))
        if not ordered:
            graph.add((point, MPM.position, literal(place)))


def write_interval(graph: Graph, node: Node, term: Iri, interval: Interval | None) -> None:
    """State between which values something lies, and in what sense; nothing where there are no limits."""
    if interval is None:
        return
    limits = graph.new_blank()
    graph.add((node, term, limits))
    graph.add((limits, MPM.low, decimal_literal(interval.low)))
    graph.add((limits, MPM.high, decimal_literal(interval.high)))
    graph.add((limits, MPM.unit, literal(interval.unit)))
    graph.add((limits, RDFS.comment, literal(interval.text)))
    if interval.level is not None:
        graph.add((limits, MPM.level, decimal_literal(interval.level)))


_VALUE, _UNIT = PROV.value.value, MPM.unit.value
_COMPARATORS: dict[str, Comparator] = {each: each for each in get_args(Comparator)}
_REASONS = {reason.value: reason for reason in AbsentReason}


def read_value(statements: Statements, node: Term) -> Value:
    """The value of an entity, or why it is absent.  Raises ArgumentFileError."""
    if statements.values(node, MPM.absent.value):
        return _read_absent(statements, node)
    found = statements.value(node, _VALUE)
    if not isinstance(found, ox.Literal):
        raise ArgumentFileError(f"prov:value of {describe_node(node)} is not a value")
    if statements.values(node, MPM.code.value):
        display = statements.text(node, MPM.display.value) if statements.values(node, MPM.display.value) else None
        return Coding(statements.text(node, MPM.system.value), statements.text(node, MPM.code.value), display)
    if statements.values(node, MPM.start.value):
        return Date(statements.day(node, MPM.start.value), statements.day(node, MPM.end.value))
    match found.datatype.value:
        case kind if kind == XSD.boolean.value:
            return statements.flag(node, _VALUE)
        case kind if kind == XSD.decimal.value:
            return _read_number(statements, node, plain_decimal(node, _VALUE, found.value))
        case kind if kind == XSD.string.value and statements.values(node, _UNIT):
            return _read_series(statements, node)
    raise ArgumentFileError(f"the value of {describe_node(node)} has an unknown datatype")


def read_interval(statements: Statements, node: Term, term: str) -> Interval | None:
    """Between which values something lies; None where the file states no limits."""
    if not statements.values(node, term):
        return None
    limits = statements.node(node, term)
    level = MPM.level.value
    return Interval(
        low=statements.number(limits, MPM.low.value),
        high=statements.number(limits, MPM.high.value),
        unit=statements.text(limits, _UNIT),
        text=statements.text(limits, RDFS.comment.value),
        level=statements.number(limits, level) if statements.values(limits, level) else None,
    )


def _read_absent(statements: Statements, node: Term) -> Absent:
    reason = _REASONS.get(statements.text(node, MPM.absent.value))
    if reason is None or statements.values(node, _VALUE):
        raise ArgumentFileError(f"{describe_node(node)} has an unknown reason of absence, or a value beside it")
    return Absent(reason)


def _read_number(statements: Statements, node: Term, number: Decimal) -> Quantity | Bound:
    unit = statements.text(node, _UNIT)
    if not statements.values(node, MPM.comparator.value):
        return Quantity(number, unit)
    comparator = _COMPARATORS.get(statements.text(node, MPM.comparator.value))
    if comparator is None:
        raise ArgumentFileError(f"mpm:comparator of {describe_node(node)} is not one of {', '.join(_COMPARATORS)}")
    return Bound(comparator, number, unit)


def _read_series(statements: Statements, node: Term) -> Series:
    points: list[tuple[int, datetime, Decimal]] = []
    for point in statements.nodes(node, MPM.point.value):
        place = statements.integer(point, MPM.position.value) if statements.values(point, MPM.position.value) else -1
        points.append((place, statements.time(point, MPM.time.value), statements.number(point, MPM.value.value)))
    points.sort(key=lambda each: each[:2])
    for before, after in pairwise(points):
        if before[:2] == after[:2]:
            raise ArgumentFileError(
                f"{describe_node(node)} has two points of one time, and no positions that order them"
            )
    return Series(tuple((time, number) for _, time, number in points), statements.text(node, _UNIT))
