"""What mypy knows of expressions: the classes that a member belongs to, and who is called."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import mypy.nodes as nodes
import mypy.types as types
from mypy import build
from mypy.modulefinder import BuildSource
from mypy.options import Options

_DENIED = {
    "node", "info", "type", "analyzed", "names", "imports", "original_def", "expanded", "unanalyzed_type", "line", "column", "fullname",
    "name", "end_line", "end_column", "method_type", "method_types", "type_args", "local_definitions", "explicit_override_decorators",
}  # fmt: skip
_attributes: dict[type, list[str]] = {}


def walk(root: Any) -> Iterator[Any]:
    seen: set[int] = set()
    stack = [root]
    while stack:
        node = stack.pop()
        if isinstance(node, list | tuple):
            stack.extend(node)
            continue
        if not isinstance(node, nodes.Node) or id(node) in seen or isinstance(node, nodes.TypeInfo | nodes.Var):
            continue
        seen.add(id(node))
        yield node
        kind = type(node)
        if kind not in _attributes:
            _attributes[kind] = [
                a
                for a in dir(kind)
                if not a.startswith("_") and a not in _DENIED and not callable(getattr(kind, a, None))
            ]
        for name in _attributes[kind]:
            try:
                value = getattr(node, name)
            except Exception:  # noqa: BLE001, S112
                continue
            if isinstance(value, nodes.Node | list | tuple):
                stack.append(value)


@dataclass
class Callee:
    classes: list[str] = field(default_factory=list)
    functions: list[str] = field(default_factory=list)
    known: bool = False


class Types:
    def __init__(self, code: dict[str, Any]) -> None:
        options = Options()
        options.export_types = options.preserve_asts = True
        options.incremental = False
        options.check_untyped_defs = True
        options.ignore_missing_imports = True
        options.python_version = (3, 11)
        options.namespace_packages = options.explicit_package_bases = True
        options.mypy_path = ["."]
        sources = [BuildSource(c.name, m) for m, c in code.items()]
        self.result = build.build(sources, options)
        self.member: dict[tuple[str, int, int, str], Any] = {}
        self.call: dict[tuple[str, int, int], Any] = {}
        for module in code:
            tree = self.result.files.get(module)
            if tree is None:
                print("mypy does not know", module)
                continue
            for node in walk(tree):
                if isinstance(node, nodes.MemberExpr) and node.end_line is not None:
                    self.member[module, node.end_line, node.end_column or 0, node.name] = node
                elif isinstance(node, nodes.CallExpr) and node.end_line is not None:
                    self.call[module, node.end_line, node.end_column or 0] = node

    def owners(self, module: str, node: ast.Attribute) -> list[str] | None:
        """The classes, most derived first, of what a member is asked of; None where nothing is known."""
        found = self.member.get((module, node.end_lineno or 0, node.end_col_offset or 0, node.attr))
        if found is None:
            return None
        kind = self.result.types.get(found.expr)
        if kind is None:
            if isinstance(found.expr, nodes.RefExpr) and isinstance(found.expr.node, nodes.TypeInfo):
                return [base.fullname for base in found.expr.node.mro]
            if isinstance(found.expr, nodes.RefExpr) and isinstance(found.expr.node, nodes.MypyFile):
                return []
            return None
        return self.classes(kind)

    def classes(self, kind: Any) -> list[str] | None:
        kind = types.get_proper_type(kind)
        if isinstance(kind, types.Instance):
            return [base.fullname for base in kind.type.mro]
        if isinstance(kind, types.UnionType):
            every = [self.classes(item) for item in kind.items]
            return [name for names in every if names for name in names] or None
        if isinstance(kind, types.TypeVarType):
            return self.classes(kind.upper_bound)
        if isinstance(kind, types.TypeType):
            return self.classes(kind.item)
        if isinstance(kind, types.TupleType):
            return self.classes(kind.partial_fallback)
        if isinstance(kind, types.CallableType):
            if kind.is_type_obj():
                return [base.fullname for base in kind.type_object().mro]
            return []
        if isinstance(kind, types.Overloaded):
            return self.classes(kind.items[0])
        if isinstance(kind, types.LiteralType):
            return self.classes(kind.fallback)
        if isinstance(kind, types.NoneType):
            return []
        return None

    def callee(self, module: str, node: ast.Call) -> Callee:
        """Who is called; of ``replace`` the class of what is changed, whose fields its keywords are."""
        callee = self._callee(module, node)
        found = self.call.get((module, node.end_lineno or 0, node.end_col_offset or 0))
        if found is not None and {"dataclasses.replace", "msgspec.structs.replace", "copy.replace"} & set(
            callee.functions
        ):
            kind = self.result.types.get(found.args[0])
            callee.classes = (self.classes(kind) if kind is not None else None) or []
        return callee

    def _callee(self, module: str, node: ast.Call) -> Callee:
        found = self.call.get((module, node.end_lineno or 0, node.end_col_offset or 0))
        callee = Callee()
        if found is None:
            return callee
        called = found.callee
        if isinstance(called, nodes.RefExpr) and getattr(called.node, "fullname", "") in {
            "dataclasses.replace",
            "msgspec.structs.replace",
            "copy.replace",
        }:
            kind = self.result.types.get(found.args[0])
            names = self.classes(kind) if kind is not None else None
            callee.known = names is not None
            callee.classes = names or []
            return callee
        if isinstance(called, nodes.RefExpr) and called.node is not None:
            node_ = called.node
            if isinstance(node_, nodes.TypeInfo):
                callee.known, callee.classes = True, [b.fullname for b in node_.mro]
                return callee
            if isinstance(node_, nodes.FuncDef | nodes.OverloadedFuncDef | nodes.Decorator):
                callee.known, callee.functions = True, [node_.fullname]
                return callee
        kind = self.result.types.get(called)
        if kind is None:
            return callee
        kind = types.get_proper_type(kind)
        if isinstance(kind, types.Overloaded):
            kind = kind.items[0]
        if isinstance(kind, types.CallableType):
            if kind.is_type_obj():
                callee.known, callee.classes = True, [b.fullname for b in kind.type_object().mro]
            elif kind.definition is not None:
                callee.known, callee.functions = True, [kind.definition.fullname]
                if isinstance(called, nodes.MemberExpr):
                    base = self.result.types.get(called.expr)
                    names = self.classes(base) if base is not None else None
                    callee.functions += [f"{n}.{called.name}" for n in names or []]
        elif isinstance(kind, types.Instance | types.AnyType):
            callee.known = isinstance(kind, types.Instance)
        return callee

    def class_owners(self, code: Any, node: ast.expr, performer: Any) -> list[str]:
        name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
        where = performer.definer(code.module, name)
        if where is None:
            return []
        tree = self.result.files.get(where[0])
        symbol = tree.names.get(where[1]) if tree is not None else None
        info = symbol.node if symbol is not None else None
        return [b.fullname for b in info.mro] if isinstance(info, nodes.TypeInfo) else [f"{where[0]}.{where[1]}"]
