import pytest

from server.catalog.catalog import did_you_mean

IDS = ("egfr", "egfr-slope", "serum-creatinine", "sodium", "urine-creatinine", "news2")


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ("egrf", "; did you mean egfr?"),
        ("eGFR", "; did you mean egfr?"),
        ("NEWS-2", "; did you mean news2?"),
        ("creatinine", "; did you mean serum-creatinine or urine-creatinine?"),
        ("natrium", ""),
        ("", ""),
        ("x" * 1_000_000, ""),
    ],
)
def test_what_is_meant_is_told_where_something_is_near(wanted: str, told: str) -> None:
    assert did_you_mean(wanted, IDS) == told


def test_no_more_than_three_are_told() -> None:
    assert did_you_mean("abc", ("abc1", "abc2", "abc3", "abc4")).count("abc") == 3
