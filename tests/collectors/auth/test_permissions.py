"""Which types scopes let us search: SMART App Launch 1.0.0 and 2.2.0, "Scopes for requesting FHIR resources"."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.auth.permissions import EVERYTHING, Permissions

LEVELS = ("patient", "user", "system")
IN_ORDER = ["".join(each) for size in range(1, 6) for each in combinations("cruds", size)]


@pytest.mark.parametrize(
    ("scope", "search", "read"),
    [
        ("patient/Observation.rs", True, True),
        ("user/Observation.rs", True, True),
        ("system/Observation.rs", True, True),
        ("patient/*.rs", True, True),
        ("patient/Observation.cruds", True, True),
        ("patient/Observation.rus", True, True),
        ("patient/Observation.read", True, True),
        ("patient/*.read", True, True),
        ("patient/Observation.*", True, True),
        ("patient/*.*", True, True),
        ("openid fhirUser launch/patient patient/Observation.rs offline_access", True, True),
        # Not both rights.
        ("patient/Observation.r", False, True),
        ("patient/Observation.s", False, False),
        ("patient/Observation.cud", False, False),
        ("patient/Observation.write", False, False),
        ("patient/*.r", False, True),
        # They add up on one level ("multiple scopes compounded or expanded are equivalent"), on two they do not.
        ("patient/Observation.r patient/Observation.s", True, True),
        ("patient/Observation.r patient/*.s", True, True),
        ("patient/Observation.r user/Observation.s", False, True),
        # A query narrows.
        ("patient/Observation.rs?category=laboratory", False, False),
        ("patient/Observation.rs?", False, False),
        ("patient/*.rs?_security=N", False, False),
        ("patient/Observation.rs?category=laboratory patient/Observation.rs", True, True),
        # Another type, or no scope at all.
        ("patient/Condition.rs", False, False),
        ("patient/ObservationDefinition.rs", False, False),
        ("patient/observation.rs", False, False),
        ("", False, False),
        ("openid launch/patient", False, False),
        ("patient/Observation", False, False),
        ("patient/Observation.", False, False),
        ("patient/Observation.sr", False, False),
        ("patient/Observation.rrs", False, False),
        ("patient/Observation.RS", False, False),
        ("patient/Observation.readwrite", False, False),
        ("patient/Observation.rs.rs", False, False),
        ("patient/.rs", False, False),
        ("patient/Obs*.rs", False, False),
        ("Patient/Observation.rs", False, False),
        ("group/Observation.rs", False, False),
        ("/Observation.rs", False, False),
        ("patient//Observation.rs", False, False),
        ("xpatient/Observation.rs", False, False),
        ("patient/Observation.rs\n", False, False),
        ("patient/Condition.rs\tpatient/Observation.rs", False, False),
        ("patient/Condition.rs\u00a0patient/Observation.rs", False, False),
        ("patient/Condition.rs,patient/Observation.rs", False, False),
        ("patient/\u041ebservation.rs", False, False),
    ],
)
def test_scopes(scope: str, search: bool, read: bool) -> None:
    permissions = Permissions.from_scopes(scope)
    assert (permissions.may_search("Observation"), permissions.may_read("Observation")) == (search, read)


@given(st.sampled_from(LEVELS), st.sampled_from(IN_ORDER))
def test_letters_in_their_order_search_if_they_hold_r_and_s(level: str, letters: str) -> None:
    permissions = Permissions.from_scopes(f"{level}/Observation.{letters}")
    assert permissions.may_search("Observation") is ({"r", "s"} <= set(letters))
    assert permissions.may_read("Observation") is ("r" in letters)
    assert not permissions.may_read("Condition")


@given(st.text("crudsx*", max_size=7).filter(lambda text: text not in (*IN_ORDER, "*")))
def test_other_rights_permit_nothing(letters: str) -> None:
    assert Permissions.from_scopes(f"patient/Observation.{letters}") == Permissions()


@given(st.text())
def test_no_text_is_an_error_and_only_a_scope_permits(text: str) -> None:
    permissions = Permissions.from_scopes(text)
    assert not permissions.unlimited
    assert bool(permissions.rights) <= any(f"{level}/" in text for level in LEVELS)


SCOPES = st.builds(
    "{}/{}.{}".format,
    st.sampled_from(LEVELS),
    st.sampled_from(("*", "Observation", "Condition")),
    st.sampled_from((*IN_ORDER, "read", "write", "*")),
)


@given(st.lists(SCOPES), st.lists(SCOPES))
def test_a_scope_more_never_permits_less_and_order_does_not_count(some: list[str], more: list[str]) -> None:
    few, many = Permissions.from_scopes(" ".join(some)), Permissions.from_scopes(" ".join([*more, *some]))
    for name in ("Observation", "Condition", "Patient"):
        assert few.may_search(name) <= many.may_search(name)
        assert few.may_search(name) <= few.may_read(name)
    assert Permissions.from_scopes(" ".join(reversed(some))) == few
    assert (few.canonical == many.canonical) is (few == many)


def test_without_limits_everything_is_permitted_and_the_name_says_so() -> None:
    assert EVERYTHING.may_search("Observation") and EVERYTHING.may_read("Provenance")
    assert EVERYTHING.canonical not in {Permissions().canonical, Permissions.from_scopes("system/*.rs").canonical}
