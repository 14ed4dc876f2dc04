"""``plan``: the modules and searches of a question.  ``card``: a model card.  ``concepts``: what can be asked.
``schema``: the GraphQL schema.  Nothing is retrieved."""

import sys
from collections.abc import Iterator

from ontology.concepts import Concept, Origin, ValueType
from ontology.words.quantities import number_words
from server.catalog.catalog import configured_catalog
from server.catalog.concept_search import find_concepts
from server.compiler.compilation import compile_plan
from server.explain.card import card_of, render_markdown
from server.explain.plan_text import describe_needs, describe_searches
from server.settings import Settings


def run_plan(settings: Settings, concepts: tuple[str, ...]) -> int:
    """Print the calls with what fills their slots, and the searches.  Returns 0; raises CompileError."""
    plan = compile_plan(configured_catalog(settings), concepts)
    print("Calls, inputs first:")
    for call in plan.calls:
        module = call.description
        print(f"  {module.id} {module.version}: {module.title} -> {module.produces.id}")
        for need in describe_needs(plan, call):
            print(f"      {need}")
    if not plan.calls:
        print("  none: these concepts are read from records")
    print("Searches, one for each source and resource type:")
    for search in describe_searches(plan) or ("none",):
        print(f"  {search}")
    return 0


def run_card(settings: Settings, module_id: str) -> int:
    """Print the card of a module.  Returns 0; raises QuestionError if there is no such module, or it has no card."""
    print(render_markdown(*card_of(configured_catalog(settings), module_id)), end="")
    return 0


def run_concepts(settings: Settings, search: str) -> int:
    """Print the concepts with these words, the best found first: id, label, synonyms, units and plausible limits.

    Returns 0, or 1 where there is none.
    """
    catalog = configured_catalog(settings)
    found = find_concepts(catalog.concepts.values(), search)
    for concept in found:
        print(f"{concept.id}  {concept.display}")
        for line in _describe_concept(concept):
            print(f"    {line}")
    if not found:
        print("medtwin: no concept has these words in its id, label, synonyms or codes", file=sys.stderr)
    return 0 if found else 1


def _describe_concept(concept: Concept) -> Iterator[str]:
    if concept.synonyms:
        yield f"also: {', '.join(concept.synonyms)}"
    if concept.value_type is ValueType.QUANTITY and concept.unit is not None:
        others = [unit for unit in concept.units if unit != concept.unit]
        yield f"unit: {concept.unit}" + (f"; read too: {', '.join(others)}" if others else "")
    else:
        yield {ValueType.FLAG: "yes or no", ValueType.DATE: "a date"}.get(concept.value_type, "a code")
    low, high = concept.plausible_low, concept.plausible_high
    if low is not None and high is not None:
        yield f"plausible: {number_words(low)} to {number_words(high)}"
    yield "computed" if concept.origin is Origin.COMPUTED else "read from records or settings"


def run_schema() -> int:
    """Print the GraphQL schema, as it is served, in SDL.  Returns 0."""
    # Only this command needs GraphQL, which takes a third of a second to import.
    from server.graphql.schema import schema_text

    print(schema_text(), end="")
    return 0
