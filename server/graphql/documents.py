"""Queries, parsed and validated once: the same text is looked up the next time."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from graphql import DocumentNode, GraphQLError, GraphQLSchema, parse, validate

from server.graphql.limits import Cost, Limits, cost_of

KEPT = 256
"""Queries that are remembered; each is at most as long as a request's body may be."""
_MOST_TOKENS = 8_000
_MOST_ERRORS = 5


@dataclass(frozen=True, slots=True)
class Document:
    """A query that may run, with the cost of each of its operations by name."""

    node: DocumentNode
    costs: Mapping[str | None, Cost]

    def cost(self, operation: str | None) -> Cost:
        """The cost of the operation that would run."""
        if operation in self.costs:
            return self.costs[operation]
        return next(iter(self.costs.values()), Cost())


class Documents:
    """Parses, limits and validates queries against one schema."""

    def __init__(self, schema: GraphQLSchema, limits: Limits) -> None:
        self.schema = schema
        self.limits = limits
        self._known: OrderedDict[str, Document | tuple[GraphQLError, ...]] = OrderedDict()

    def read(self, query: str) -> Document | tuple[GraphQLError, ...]:
        """The document, or what is wrong with it."""
        known = self._known.get(query)
        if known is None:
            known = self._known[query] = self._read(query)
            if len(self._known) > KEPT:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(query)
        return known

    def _read(self, query: str) -> Document | tuple[GraphQLError, ...]:
        try:
            node = parse(query, max_lexical_tokens=_MOST_TOKENS, max_comments=_MOST_TOKENS)
            # Limits first: validation itself is slow for a query that is made to be.
            costs = cost_of(node, self.limits)
        except GraphQLError as error:
            return (error,)
        except RecursionError:
            return (GraphQLError("the query nests too deeply", extensions={"code": "query-too-deep"}),)
        errors = validate(self.schema, node, max_errors=_MOST_ERRORS)
        return tuple(errors) if errors else Document(node, costs)
