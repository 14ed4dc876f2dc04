"""What a query may cost: how deep, how many fields, how many aliases.  Checked before it runs.

Fields are a unit of processor time, that of one plain field: what takes longer counts as many, and what stands under a
list as often as the list is long.

Introspection has a limit of its own, so that the tools of app developers can read the schema: below ``__schema`` and
``__type`` neither depth nor fields count, but an operation may ask for few of them, and graphql-core bounds how often
lists nest in them (``MaxIntrospectionDepthRule``).  Aliases count everywhere.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FloatValueNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    Visitor,
    visit,
)

DEFAULT_POINTS, MOST_POINTS = 100, 1_000
"""Points of a timeline: by default, and at most."""
DEFAULT_CONCEPTS, MOST_CONCEPTS = 50, 500
"""Concepts that a search lists: by default, and at most."""
_RESULTS_FIELD = "results"
"""The field whose selections are answered once for each concept that it names (``of``)."""
_LISTS = {
    "timeline": ("atMost", DEFAULT_POINTS, MOST_POINTS),
    "concepts": ("first", DEFAULT_CONCEPTS, MOST_CONCEPTS),
}
"""Fields whose selections are answered up to as often as an argument says: its name, default and maximum."""
_LONGEST_LENGTH = 9
"""Digits of such a number that are read; one with more is beyond the maximum anyway."""
_INTROSPECTION = {"__schema": 1, "__type": 10}
"""How many of each introspection field an operation may ask for."""
_INTROSPECTION_DEPTH = 30
"""Nesting below such a field; the tools of app developers need 15."""
_INTROSPECTION_ALIAS = 15
"""As how many aliases one counts there: no tool needs any, and each repeats a large part of the schema."""
_LONGEST_NUMBER = 100
"""Digits of a number that is written into a query: no value needs as many, and Python refuses to read 5,000."""
_MANY_DIGITS = re.compile(rf"\d{{{_LONGEST_NUMBER},}}")
_WEIGHTS = {
    "argument": 100,
    "attribution": 1_000,
    "chain": 100,
    "fhir": 300,
    "issues": 100,
    "plan": 200,
    "provenance": 1_600,
    "rdf": 20,
    "resource": 20,
}
"""How many fields a field counts as that is a document, or has to be computed; every other counts once.

Measured over all computed concepts of the synthetic patients: a plain field takes 5 µs of processor time, a provenance
4 ms, a FHIR Bundle 0.8 ms, a chain or the issues 0.5 ms.  Documents count as twice the mean: the longest take eight
times as long.  Records are few (``MOST_RECORDS``), and each is rendered once.
"""
_RUN_WEIGHTS = {_RESULTS_FIELD: 100, "timeline": 50}
"""As how many fields each concept, or each point, counts in itself: it is computed, or found in the cache."""
_LENGTHS = {"calls": 5, "chain": 4, "grounds": 6, "issues": 6, "items": 6, "modules": 30, "slots": 3, "stayed": 3}
"""How long a list is taken to be whose length nobody knows before; measured likewise, the means.  Others: 1."""


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
    ``defaults`` the length of the default list of each variable of the operation;
    ``introspections`` has the names of its introspection fields.
    """

    depth: int = 0
    fields: int = 0
    aliases: int = 0
    per_variable: tuple[tuple[str, int], ...] = ()
    defaults: Mapping[str, int] = field(default_factory=dict)
    introspections: tuple[str, ...] = ()


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


def check_numbers(query: str, document: DocumentNode) -> None:
    """Raises GraphQLError where a number is written with more digits than any value needs."""
    if _MANY_DIGITS.search(query):
        visit(document, _NumberVisitor())


class _NumberVisitor(Visitor):
    def enter_int_value(self, node: IntValueNode, *_: Any) -> None:
        self._check(node.value)

    def enter_float_value(self, node: FloatValueNode, *_: Any) -> None:
        self._check(node.value)

    def _check(self, number: str) -> None:
        if len(number) >= _LONGEST_NUMBER:
            raise _query_refused("query-too-large", f"a number may have at most {_LONGEST_NUMBER - 1} digits")


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


def _longest_list(node: FieldNode, name: str, default: int, most: int) -> int:
    """How many elements at most; the value of a variable is not known yet, and counts as the maximum."""
    for argument in node.arguments or ():
        if argument.name.value == name:
            literal = argument.value.value if isinstance(argument.value, IntValueNode) else ""
            readable = literal.isdecimal() and len(literal) <= _LONGEST_LENGTH
            return min(max(1, int(literal)), most) if readable else most
    return default


def _query_refused(code: str, text: str) -> GraphQLError:
    return GraphQLError(text, extensions={"code": code})


class _CostVisitor:
    """Adds up selections; the cost of a fragment is computed once, however often it is spread."""

    def __init__(self, document: DocumentNode, limits: Limits) -> None:
        self.limits = limits
        self.fragments = {n.name.value: n for n in document.definitions if isinstance(n, FragmentDefinitionNode)}
        self.fragment_costs: dict[tuple[str, bool], Cost] = {}
        self.open_fragments: set[str] = set()

    def selections_cost(self, selections: SelectionSetNode | None, introspecting: bool = False) -> Cost:
        total = Cost()
        for node in selections.selections if selections is not None else ():
            if isinstance(node, FieldNode):
                found = self._introspection_cost(node) if introspecting else self._field_cost(node)
            elif isinstance(node, FragmentSpreadNode):
                found = self._fragment_cost(node.name.value, introspecting)
            else:
                found = self.selections_cost(getattr(node, "selection_set", None), introspecting)
            total = self._within_limits(
                introspecting,
                Cost(
                    max(total.depth, found.depth),
                    total.fields + found.fields,
                    total.aliases + found.aliases,
                    total.per_variable + found.per_variable,
                    introspections=total.introspections + found.introspections,
                ),
            )
        return total

    def _introspection_cost(self, node: FieldNode) -> Cost:
        """Of a field below an introspection field."""
        below = self.selections_cost(node.selection_set, introspecting=True)
        return Cost(below.depth + 1, aliases=below.aliases + _INTROSPECTION_ALIAS * (node.alias is not None))

    def _field_cost(self, node: FieldNode) -> Cost:
        name = node.name.value
        if name in _INTROSPECTION:
            inside = self.selections_cost(node.selection_set, introspecting=True)
            return Cost(1, 1, inside.aliases + (node.alias is not None), introspections=(name,))
        below = self.selections_cost(node.selection_set)
        length = _LENGTHS.get(name, 1)
        fields = below.fields * length + _RUN_WEIGHTS.get(name, 0)
        times = tuple((variable, each * length) for variable, each in below.per_variable)
        if name == _RESULTS_FIELD:
            for argument in node.arguments or ():
                if argument.name.value == "of" and isinstance(argument.value, ListValueNode):
                    fields *= max(1, len(argument.value.values))
                elif argument.name.value == "of" and isinstance(argument.value, VariableNode):
                    times = (*times, (argument.value.name.value, fields))
        if name in _LISTS:
            fields *= _longest_list(node, *_LISTS[name])
        fields += _WEIGHTS.get(name, 1)
        aliases = below.aliases + (node.alias is not None)
        return Cost(below.depth + 1, fields, aliases, times, introspections=below.introspections)

    def _fragment_cost(self, name: str, introspecting: bool) -> Cost:
        cost = self.fragment_costs.get((name, introspecting))
        if cost is None:
            if name in self.open_fragments:
                raise _query_refused("invalid-query", "fragments must not spread themselves")
            fragment: FragmentDefinitionNode | None = self.fragments.get(name)
            self.open_fragments.add(name)
            cost = self.fragment_costs[name, introspecting] = self.selections_cost(
                fragment.selection_set if fragment is not None else None, introspecting
            )
            self.open_fragments.discard(name)
        return cost

    def _within_limits(self, introspecting: bool, cost: Cost) -> Cost:
        depth = _INTROSPECTION_DEPTH if introspecting else self.limits.depth
        if cost.depth > depth:
            raise _query_refused("query-too-deep", f"a query may nest at most {depth} fields deep")
        if cost.aliases > self.limits.aliases:
            raise _query_refused("too-many-aliases", f"a query may use at most {self.limits.aliases} aliases")
        if cost.fields > self.limits.complexity:
            raise too_complex(self.limits)
        for name, most in _INTROSPECTION.items():
            if cost.introspections.count(name) > most:
                raise _query_refused("query-too-complex", f"an operation may ask for {name} at most {most} times")
        return cost
