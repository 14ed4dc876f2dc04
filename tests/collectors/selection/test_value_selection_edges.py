"""Edges of what is reported of a value: its validated range, the same in another unit, and times that touch."""

from decimal import Decimal
from typing import Any

import pytest

from ontology.slots import Select
from ontology.values import Quantity
from tests.support.collector_inputs import fill_slot, issue_codes, observation, quantity, slot


def on(day: str, value: object = "1.1", **changes: Any) -> dict[str, Any]:
    """A creatinine of this day, at eight o'clock; its id is the day's."""
    return observation(value, **{"id": day, "effectiveDateTime": f"{day}T08:00:00Z", **changes})


@pytest.mark.parametrize(
    ("minimum", "maximum", "words"),
    [("1", None, "from 1 mg/dL"), (None, "2", "up to 2 mg/dL"), ("1", "2", "1 to 2 mg/dL")],
)
@pytest.mark.parametrize("select", [Select.LATEST, Select.SERIES])
def test_the_validated_range_ends_included(
    minimum: str | None, maximum: str | None, words: str, select: Select
) -> None:
    low, high = (None if end is None else Decimal(end) for end in (minimum, maximum))
    of = slot(minimum=low, maximum=high, select=select)
    for value, outside in (
        ("0.99", minimum),
        ("1", None),
        ("1.01", None),
        ("1.99", None),
        ("2", None),
        ("2.01", maximum),
    ):
        issues = fill_slot(on("2024-05-01", value), of=of).issues
        assert [issue.code for issue in issues] == (["outside-validated-range"] if outside else [])
        assert all(words in issue.text for issue in issues)


# In mg/dL 1.2 is known to ± 0.05; of µmol/L there are 88.4017 (10,000/113.12) in one mg/dL.
@pytest.mark.parametrize(
    ("micromoles", "same"),
    [
        ("101", False),  # 1.1425, 0.0575 less
        ("102", True),  # 1.1538, 0.0462 less
        ("110", True),  # 1.2443, 0.0443 more
        ("111", False),  # 1.2556, 0.0556 more
    ],
)
def test_the_same_in_another_unit_to_half_a_step(micromoles: str, same: bool) -> None:
    other = on("2024-05-01", id="x", valueQuantity=quantity(micromoles, "umol/L"))
    assert issue_codes(fill_slot(on("2024-05-01", "1.2"), other)) == ([] if same else ["conflicting"])


# The latest is a period from 08:00 to 10:00; what touches it may have come later.
@pytest.mark.parametrize(
    ("other", "uncertain"),
    [("07:59:59", False), ("08:00:00", True), ("08:00:01", True), ("10:00:00", True), ("10:00:01", False)],
)
def test_what_touches_an_imprecise_time_may_have_come_later(other: str, uncertain: bool) -> None:
    period = {"start": "2024-05-01T08:00:00Z", "end": "2024-05-01T10:00:00Z"}
    lasting = on("2024-05-01", "5", id="x", effectiveDateTime=None, effectivePeriod=period)
    instant = on("2024-05-01", "1.1", effectiveDateTime=f"2024-05-01T{other}Z")
    for order in ([lasting, instant], [instant, lasting]):
        assert issue_codes(fill_slot(*order)) == (["order-uncertain"] if uncertain else [])


# The earliest is a period from 08:00 to 10:00; what begins within it may have come earlier.
@pytest.mark.parametrize(
    ("begins", "uncertain"), [("09:59:59", True), ("10:00:00", True), ("10:00:01", False), ("11:00:00", False)]
)
def test_what_touches_an_imprecise_time_may_have_come_earlier(begins: str, uncertain: bool) -> None:
    first, second = (
        {"start": f"2024-05-01T{start}Z", "end": f"2024-05-01T{end}Z"}
        for start, end in (("08:00:00", "10:00:00"), (begins, "12:00:00"))
    )
    records = [
        on("2024-05-01", "5", id="x", effectiveDateTime=None, effectivePeriod=first),
        on("2024-05-01", "1.1", effectiveDateTime=None, effectivePeriod=second),
    ]
    for order in (records, records[::-1]):
        selected = fill_slot(*order, of=slot(select=Select.EARLIEST))
        assert selected.value == Quantity(Decimal(5), "mg/dL")
        assert issue_codes(selected) == (["order-uncertain"] if uncertain else [])
