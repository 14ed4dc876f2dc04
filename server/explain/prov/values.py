"""Values as RDF, so that they are read back exactly: digits as they are, times with their offsets."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from rdflib import PROV, RDFS, XSD, BNode, Graph, Literal, URIRef
from rdflib.term import Node

from ontology.evaluation import Interval
from ontology.values import Absent, Bound, Coding, Date, Quantity, Series, Value
from server.explain.prov.terms import MPM
from server.explain.wording import value_words

_MOST_OFFSET = timedelta(hours=14)
_MINUTE = timedelta(minutes=1)


class _Exact(Literal):
    """A decimal without a point, which Turtle would abbreviate only by adding one: another text, another digest."""

    def _literal_n3(self, use_plain: bool = False, qname_callback: Any = None) -> str:
        return super()._literal_n3(use_plain=False, qname_callback=qname_callback)


def decimal(number: Decimal) -> Literal:
    """A number in the plain form of xsd:decimal: all its digits, no exponent."""
    text = format(number, "f")
    kind = Literal if "." in text else _Exact
    return kind(text, datatype=XSD.decimal, normalize=False)


def measured(number: float) -> Literal:
    """A reckoned number, with as many digits as tell it from its neighbours."""
    return decimal(Decimal(repr(number)))


def moment(time: datetime) -> Literal:
    """A time with its offset; in UTC where xsd:dateTime has no such offset (local mean times of the past)."""
    offset = time.utcoffset() or timedelta(0)
    if offset % _MINUTE or abs(offset) > _MOST_OFFSET:
        time = time.astimezone(UTC)
    return Literal(time.isoformat(), datatype=XSD.dateTime, normalize=False)


def write_value(made: Graph, node: Node, value: Value) -> None:
    """State what an entity's value is, or why there is none."""
    match value:
        case Absent():
            made.add((node, MPM.absent, Literal(value.reason.value)))
        case bool():
            made.add((node, PROV.value, Literal(value)))
        case Quantity():
            made.add((node, PROV.value, decimal(value.value)))
            made.add((node, MPM.unit, Literal(value.unit)))
        case Bound():
            made.add((node, PROV.value, decimal(value.value)))
            made.add((node, MPM.unit, Literal(value.unit)))
            made.add((node, MPM.comparator, Literal(value.comparator)))
        case Coding():
            made.add((node, PROV.value, Literal(value_words(value))))
            made.add((node, MPM.system, Literal(value.system)))
            made.add((node, MPM.code, Literal(value.code)))
            if value.display is not None:
                made.add((node, MPM.display, Literal(value.display)))
        case Date():
            made.add((node, PROV.value, Literal(value_words(value))))
            made.add((node, MPM.start, Literal(value.start.isoformat(), datatype=XSD.date, normalize=False)))
            made.add((node, MPM.end, Literal(value.end.isoformat(), datatype=XSD.date, normalize=False)))
        case Series():
            made.add((node, PROV.value, Literal(value_words(value))))
            made.add((node, MPM.unit, Literal(value.unit)))
            _write_points(made, node, value)


def _write_points(made: Graph, node: Node, series: Series) -> None:
    # Times order the points; where they do not (two at one time), their places do.
    times = [time for time, _ in series.points]
    ordered = all(before < after for before, after in pairwise(times))
    for place, (time, number) in enumerate(series.points):
        point = _unnamed(made)
        made.add((node, MPM.point, point))
        made.add((point, MPM.time, moment(time)))
        made.add((point, MPM.value, decimal(number)))
        if not ordered:
            made.add((point, MPM.position, Literal(place)))


def _unnamed(made: Graph) -> BNode:
    # Numbered, not random: the same argument is written the same each time, and its points in their order.
    return BNode(f"b{len(made):09}")


def write_interval(made: Graph, node: Node, term: URIRef, interval: Interval | None) -> None:
    """State between which values something lies, and in what sense; nothing where there are no limits."""
    if interval is None:
        return
    limits = _unnamed(made)
    made.add((node, term, limits))
    made.add((limits, MPM.low, decimal(interval.low)))
    made.add((limits, MPM.high, decimal(interval.high)))
    made.add((limits, MPM.unit, Literal(interval.unit)))
    made.add((limits, RDFS.comment, Literal(interval.text)))
    if interval.level is not None:
        made.add((limits, MPM.level, decimal(interval.level)))
