"""The whole need of a plan as prefetch templates: what a CDS Hooks client may hand in with its question."""

from collections.abc import Mapping

from collectors.fetching.templates import beside_templates, template_of, templates
from server.compiler.plan import Plan


def prefetch_templates(plan: Plan) -> Mapping[str, str]:
    """Templates by key, of every search that any source is sent; ``collectors.handed.from_prefetch`` reads the answers.

    Collectors that a source uses on request only are left out: they are fetched where they are wanted.
    """
    made: dict[str, str] = {}
    for search in plan.searches:
        if not search.description.on_request:
            made.update(templates(search))
            made.update({key: template_of(kind) for key, kind in beside_templates(search).items()})
    return made
