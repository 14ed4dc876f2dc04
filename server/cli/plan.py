"""``plan``: the modules and searches of a question.  ``card``: a model card.  Nothing is retrieved."""

from server.catalog.catalog import configured_catalog
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
