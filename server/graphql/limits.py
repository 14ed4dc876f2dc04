"""What a query may cost: how deep, how many fields, how many aliases.  Checked before it runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
)

DEFAULT_POINTS, MOST_POINTS = 100, 1_000
"""Points of a timeline: by default, and at most."""
_RESULTS_FIELD = "results"
"""The field whose selections are answered once for each concept that it names (``of``)."""
_TIMELINE_FIELD = "timeline"
"""The field whose selections are answered once for each point (``atMost``)."""
_WEIGHTS = {"attribution": 100, "provenance": 20, "fhir": 20, "argument": 20}
"""How many fields a field counts as that is a document itself, or takes as long; every other counts once."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Nesting of fields, fields in all, and aliases; each at most."""

    depth: int
    complexity: int
    aliases: int


@dataclass(frozen=True, slots=True)
class Cost:
    """What selections cost: their depth, fields and aliases as written in the query.

    ``per_variable`` has the fields that are answered once for each concept of a variable (its name, and how many);
    ``defaults`` the length of the default list of each variable of the operation.
    """

    depth: int = 0
    fields: int = 0
    aliases: int = 0
    per_variable: tuple[tuple[str, int], ...] = ()
    defaults: Mapping[str, int] = field(default_factory=dict)


def cost_of(document: DocumentNode, limits: Limits) -> dict[str | None, Cost]:
    """The cost of each operation, by name.  Raises GraphQLError as soon as a limit is passed, and for a cycle."""
    walk = _CostVisitor(document, limits)
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    return {
        node.name.value if node.name else None: replace(
            walk.selections_cost(node.selection_set), defaults=_default_lengths(node)
        )
        for node in operations
    }


def _default_lengths(operation: OperationDefinitionNode) -> dict[str, int]:
    """How many elements each default value has that is a list."""
    return {
        each.variable.name.value: len(each.default_value.values)
        for each in operation.variable_definitions or ()
        if isinstance(each.default_value, ListValueNode)
    }


def check_variables(cost: Cost, variables: Mapping[str, Any], limits: Limits) -> None:
    """Whether the query stays within its limits with these variables.  Raises GraphQLError."""
    fields = cost.fields
    for name, each in cost.per_variable:
        given = variables.get(name)
        length = len(given) if isinstance(given, list) else 0 if name in variables else cost.defaults.get(name, 0)
        fields += each * max(0, length - 1)
    if fields > limits.complexity:
        raise too_complex(limits)


def too_complex(limits: Limits) -> GraphQLError:
    """The error of a query that asks for too many fields."""
    return _query_refused("query-too-complex", f"a query may ask for at most {limits.complexity} fields")


def _timeline_points(node: FieldNode) -> int:
    """How many points at most; the value of a variable is not known yet, and counts as the maximum."""
    for argument in node.arguments or ():
        if argument.name.value == "atMost":
            literal = argument.value.value if isinstance(argument.value, IntValueNode) else ""
            return min(max(1, int(literal)), MOST_POINTS) if literal.isdecimal() else MOST_POINTS
    return DEFAULT_POINTS


def _query_refused(code: str, text: str) -> GraphQLError:
    return GraphQLError(text, extensions={"code": code})


class _CostVisitor:
    """Adds up selections; the cost of a fragment is computed once, however often it is spread."""

    def __init__(self, document: DocumentNode, limits: Limits) -> None:
        self.limits = limits
        self.fragments = {n.name.value: n for n in document.definitions if isinstance(n, FragmentDefinitionNode)}
        self.fragment_costs: dict[str, Cost] = {}
        self.open_fragments: set[str] = set()

    def selections_cost(self, selections: SelectionSetNode | None) -> Cost:
        total = Cost()
        for node in selections.selections if selections is not None else ():
            if isinstance(node, FieldNode):
                found = self._field_cost(node)
            elif isinstance(node, FragmentSpreadNode):
                found = self._fragment_cost(node.name.value)
            else:
                found = self.selections_cost(getattr(node, "selection_set", None))
            total = self._within_limits(
                Cost(
                    max(total.depth, found.depth),
                    total.fields + found.fields,
                    total.aliases + found.aliases,
                    total.per_variable + found.per_variable,
                )
            )
        return total

    def _field_cost(self, node: FieldNode) -> Cost:
        below = self.selections_cost(node.selection_set)
        fields, times = below.fields, below.per_variable
        if node.name.value == _RESULTS_FIELD:
            for argument in node.arguments or ():
                if argument.name.value == "of" and isinstance(argument.value, ListValueNode):
                    fields *= max(1, len(argument.value.values))
                elif argument.name.value == "of" and isinstance(argument.value, VariableNode):
                    times = (*times, (argument.value.name.value, fields))
        if node.name.value == _TIMELINE_FIELD:
            fields *= _timeline_points(node)
        fields += _WEIGHTS.get(node.name.value, 1)
        return Cost(below.depth + 1, fields, below.aliases + (node.alias is not None), times)

    def _fragment_cost(self, name: str) -> Cost:
        cost = self.fragment_costs.get(name)
        if cost is None:
            if name in self.open_fragments:
                raise _query_refused("invalid-query", "fragments must not spread themselves")
            fragment: FragmentDefinitionNode | None = self.fragments.get(name)
            self.open_fragments.add(name)
            cost = self.fragment_costs[name] = self.selections_cost(
                fragment.selection_set if fragment is not None else None
            )
            self.open_fragments.discard(name)
        return cost

    def _within_limits(self, cost: Cost) -> Cost:
        if cost.depth > self.limits.depth:
            raise _query_refused("query-too-deep", f"a query may nest at most {self.limits.depth} fields deep")
        if cost.aliases > self.limits.aliases:
            raise _query_refused("too-many-aliases", f"a query may use at most {self.limits.aliases} aliases")
        if cost.fields > self.limits.complexity:
            raise too_complex(self.limits)
        return cost
