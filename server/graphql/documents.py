"""Query documents, parsed and validated once and cached by their text.

One that names a patient is not cached: clients that ask often send the patient as a variable.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    ArgumentNode,
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    parse,
    validate,
    visit,
)
from graphql.validation.rules import overlapping_fields_can_be_merged

from server.graphql.limits import Cost, Limits, check_numbers, cost_of

MOST_CACHED = 256
"""Queries that are cached; longer ones, and those with a patient or values written into them, are not."""
# Where a query may name a patient or hold values of one.
_PERSONAL = frozenset({"id", "at", "assume", "since", "from", "to", "search"})
_MOST_TOKENS = 2_000
# A parsed query takes about a hundred times its length in memory.
_LONGEST_CACHED = 16 * 1024
_MOST_ERRORS = 5
_NESTED_INTROSPECTION = "Maximum introspection depth exceeded"
_ABORTED = "Validation aborted."
# Whether fields of one name can be merged is found by comparing each two of them, 5 µs each: graphql-core's own limit
# allows two seconds.  The longest query of ours, attribution and all, needs 30.
overlapping_fields_can_be_merged.MAX_COMPLEXITY_BUDGET = 5_000


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
        self._cached: OrderedDict[str, Document] = OrderedDict()

    def read(self, query: str) -> Document | tuple[GraphQLError, ...]:
        """The document, or what is wrong with it."""
        found: Document | tuple[GraphQLError, ...] | None = self._cached.get(query)
        if found is None:
            found = self._read(query)
            if isinstance(found, Document) and len(query) <= _LONGEST_CACHED and not _is_personal(found.node):
                self._cached[query] = found
                if len(self._cached) > MOST_CACHED:
                    self._cached.popitem(last=False)
        else:
            self._cached.move_to_end(query)
        return found

    def _read(self, query: str) -> Document | tuple[GraphQLError, ...]:
        try:
            node = parse(query, max_lexical_tokens=_MOST_TOKENS, max_comments=_MOST_TOKENS)
            check_numbers(query, node)
            # Limits first: validation itself is slow for a query that is made to be.
            costs = cost_of(node, self.limits)
        except GraphQLError as error:
            return (error,)
        except RecursionError:
            return (GraphQLError("the query nests too deeply", extensions={"code": "query-too-deep"}),)
        errors = validate(self.schema, node, max_errors=_MOST_ERRORS)
        return tuple(map(_with_code, errors)) if errors else Document(node, costs)


def _with_code(error: GraphQLError) -> GraphQLError:
    """The error as one beyond a limit, where it is: graphql-core reports all alike."""
    if error.message == _NESTED_INTROSPECTION:
        return GraphQLError("introspection nests too many lists", error.nodes, extensions={"code": "query-too-deep"})
    if error.message == _ABORTED:
        text = "the query selects fields of one name, or spreads fragments, too often"
        return GraphQLError(text, extensions={"code": "query-too-complex"})
    return error


def _is_personal(document: DocumentNode) -> bool:
    """Whether the text itself may hold something about a patient; what variables bring is not part of it."""
    seen = _PersonalVisitor()
    visit(document, seen)
    return seen.found


class _PersonalVisitor(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.found = False

    def enter_argument(self, node: ArgumentNode, *_: Any) -> None:
        self.found |= node.name.value in _PERSONAL and not isinstance(node.value, VariableNode)

    def enter_variable_definition(self, node: VariableDefinitionNode, *_: Any) -> None:
        self.found |= node.default_value is not None
