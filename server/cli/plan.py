"""``plan``: what a question would call and fetch.  Nothing is fetched."""

from server.catalog.configured import configured_catalog
from server.compiler.compile import compile_plan
from server.explain.planned import needs, searches
from server.settings import Settings


def run(settings: Settings, concepts: tuple[str, ...]) -> int:
    """Print calls with what fills their slots, and searches.  Raises CompileError."""
    plan = compile_plan(configured_catalog(settings), concepts)
    print("Calls, inputs first:")
    for call in plan.calls:
        module = call.description
        print(f"  {module.id} {module.version}: {module.title} -> {module.produces.id}")
        for need in needs(plan, call):
            print(f"      {need}")
    if not plan.calls:
        print("  none: what is asked for is read from records")
    print("Searches, one for each source and resource type:")
    for search in searches(plan) or ("none",):
        print(f"  {search}")
    return 0
