"""Any value of a slot, drawn: each kind, from the numbers, texts and times that a test allows."""

from datetime import datetime
from decimal import Decimal

from hypothesis import strategies as st

from ontology.values import Absent, AbsentReason, Bound, Coding, Date, Quantity, Series, Value


def any_value(
    number: st.SearchStrategy[Decimal],
    text: st.SearchStrategy[str],
    instant: st.SearchStrategy[datetime],
    unit: st.SearchStrategy[str] | None = None,
) -> st.SearchStrategy[Value]:
    """Values of all kinds; ``unit``: of quantities, bounds and series, any text unless given."""
    unit = text if unit is None else unit
    return st.one_of(
        st.builds(Quantity, number, unit),
        st.builds(Bound, st.sampled_from(["<", "<=", ">", ">="]), number, unit),
        st.builds(Coding, text, text, st.none() | text),
        st.booleans(),
        st.builds(Date, st.dates(), st.dates()),
        st.builds(Series, st.lists(st.tuples(instant, number), max_size=3).map(tuple), unit),
        st.sampled_from(AbsentReason).map(Absent),
    )
