"""What is said of an input that a model has no number for: "not recorded" only where the record shows that."""

import pytest

from ontology.concepts import Origin
from ontology.values import Absent, AbsentReason, Coding
from server.kinds.wording import unknown
from tests.support.descriptions import make_concept, make_slot

SAID = {
    Origin.OBSERVATION: {AbsentReason.NOT_FOUND: "not measured", AbsentReason.STALE: "not measured"},
    Origin.CONDITION: {AbsentReason.NOT_FOUND: "not recorded"},
    Origin.MEDICATION: {AbsentReason.NOT_FOUND: "not recorded"},
}


@pytest.mark.parametrize("reason", AbsentReason)
@pytest.mark.parametrize("origin", SAID)
def test_of_what_could_not_be_had_nothing_is_known(origin: Origin, reason: AbsentReason) -> None:
    given = make_slot("given", concept=make_concept("given", origin=origin))
    assert unknown(given, Absent(reason)) == SAID[origin].get(reason, "not known")


def test_a_value_that_cannot_be_used_is_as_one_that_is_not_there() -> None:
    given = make_slot("given", concept=make_concept("given", origin=Origin.OBSERVATION))
    assert unknown(given, Coding("urn:s", "odd", "Odd")) == "not measured"
