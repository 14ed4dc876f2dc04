"""The prefetch templates of whatever can be asked: few, plain, and never for what comes with the call."""

import re

import pytest

from ontology.concepts import Origin
from server.compiler.compilation import compile_plan
from server.compiler.searches import prefetch_templates
from tests.support.order_concepts import with_orders

GOALS = sorted(
    each.id for each in with_orders().concepts.values() if each.origin in (Origin.COMPUTED, Origin.DRAFT_ORDER)
)
TOKEN = re.compile(r"\{\{([^}]*)\}\}")
SEARCH = re.compile(r"([A-Z][A-Za-z]+)\?patient=\{\{context\.patientId\}\}(?:&code=([^&]+))?&_count=1000")


@pytest.mark.parametrize("goal", GOALS)
def test_templates_are_plain_and_one_a_type(goal: str) -> None:
    """CDS-36, CDS-55, CDS-56, CDS-57, CDS-59: a key for each, and of tokens only the patient's id."""
    plan = compile_plan(with_orders(), (goal,))
    made = dict(prefetch_templates(plan))
    assert made.pop("patient") == "Patient/{{context.patientId}}"
    assert {token for each in made.values() for token in TOKEN.findall(each)} <= {"context.patientId"}
    found = [SEARCH.fullmatch(each) for each in made.values()]
    assert all(found), made
    types = [match[1] for match in found if match is not None]
    assert len(types) == len(set(types))
    # All codes of the plan are in the one search.
    for search in plan.searches:
        asked = made.get(search.description.id, "")
        assert "code=" not in asked or all(f"{each.system}|{each.code}" in asked for each in search.codes)


def test_all_concepts_at_once_have_templates_of_their_own() -> None:
    """HOOK-16, HOOK-89, HOOK-93: neither draft orders nor selections are ever a token, nor asked for in another way."""
    made = prefetch_templates(compile_plan(with_orders(), tuple(GOALS)))
    assert not any("draft" in key or "draft" in each or "selections" in each for key, each in made.items())
    alone = prefetch_templates(compile_plan(with_orders(), ("draft-metformin",)))
    assert list(alone) == ["patient"]
