"""Moves, merges and renames, performed by a mapping: ``python tools/restructure.py check|apply MAPPING.toml...``.

The mapping (``tools/renames/*.toml``) says which of today's files go into which file of tomorrow, and what definitions are
called from then on.  Names of modules and of top-level definitions are resolved by the imports of each file; members
(fields, methods, keyword arguments) by the types that mypy infers, in the tests too.  What cannot be resolved is listed.
"""

import ast
import collections
import re
import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("ontology", "collectors", "modules", "server", "fixtures", "benchmarks", "training", "tests")
LIMIT = 380


def dotted(path: str) -> str:
    return path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")


@dataclass
class Target:
    to: str
    sources: list[str]
    doc: str | None


@dataclass
class Mapping:
    targets: list[Target] = field(default_factory=list)
    top: dict[tuple[str, str], str] = field(default_factory=dict)
    members: dict[tuple[str, str], str] = field(default_factory=dict)
    parameters: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def modules(self) -> dict[str, str]:
        return {dotted(s): dotted(t.to) for t in self.targets for s in t.sources}


def read_mapping(files: list[Path]) -> Mapping:
    mapping = Mapping()
    for file in files:
        data = tomllib.loads(file.read_text())
        for entry in data.get("file", []):
            sources = entry["from"] if isinstance(entry["from"], list) else [entry["from"]]
            mapping.targets.append(Target(entry["to"], sources, entry.get("doc")))
        for key, new in data.get("names", {}).items():
            module, _, name = key.partition(":")
            if name.endswith(")"):
                owner, _, parameter = name[:-1].partition("(")
                mapping.parameters[f"{module}.{owner}", parameter] = new
            elif "." in name:
                owner, _, member = name.rpartition(".")
                mapping.members[f"{module}.{owner}", member] = new
            else:
                mapping.top[module, name] = new
    return mapping


class Code:
    """One file of today, with the edits that are due."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.relative_to(ROOT).as_posix()
        self.module = dotted(self.name)
        self.source = path.read_bytes()
        self.lines = self.source.splitlines(keepends=True)
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line))
        self.tree = ast.parse(self.source)
        self.edits: dict[tuple[int, int], str] = {}
        self.body = list(self.tree.body)

    def at(self, line: int, column: int) -> int:
        return self.starts[line - 1] + column

    def edit(self, start: int, end: int, text: str) -> None:
        self.edits[start, end] = text

    def text_of(self, start: int, end: int) -> str:
        done, at = [], start
        for (begin, stop), new in sorted(self.edits.items()):
            if begin < start or stop > end:
                continue
            if begin < at:
                raise SystemExit(f"{self.name}: edits overlap at byte {begin}: {new}")
            done.append(self.source[at:begin].decode())
            done.append(new)
            at = stop
        done.append(self.source[at:end].decode())
        return "".join(done)


def all_code() -> dict[str, Code]:
    files = [p for room in ROOMS for p in sorted((ROOT / room).rglob("*.py"))]
    return {c.module: c for c in (Code(p) for p in files)}


def definitions(tree: ast.Module) -> dict[str, ast.AST]:
    found: dict[str, ast.AST] = {}

    def take(body: list[ast.stmt]) -> None:
        for node in body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                found[node.name] = node
            elif isinstance(node, ast.Assign):
                for target in node.targets:
                    for each in ast.walk(target):
                        if isinstance(each, ast.Name):
                            found[each.id] = node
            elif isinstance(node, ast.AnnAssign | ast.AugAssign) and isinstance(node.target, ast.Name):
                found.setdefault(node.target.id, node)
            elif isinstance(node, ast.If | ast.Try):
                take(node.body)
                take(node.orelse)
            elif isinstance(node, ast.TypeAlias if hasattr(ast, "TypeAlias") else ()):
                found[node.name.id] = node

    take(tree.body)
    return found


class Performer:
    def __init__(self, mapping: Mapping) -> None:
        self.mapping = mapping
        self.code = all_code()
        self.defined = {m: definitions(c.tree) for m, c in self.code.items()}
        self.modules = {m: m for m in self.code} | mapping.modules
        self.problems: list[str] = []
        self.notes: list[str] = []
        self.bindings: dict[str, dict[str, tuple[str, str | None]]] = {}

    # -- resolving ---------------------------------------------------------------------------------------------

    def resolve_module(self, code: Code, name: str) -> str | None:
        if name in self.code:
            return name
        if code.name.startswith("tests/"):
            beside = f"{dotted(code.path.parent.relative_to(ROOT).as_posix())}.{name}"
            if beside in self.code:
                return beside
            for room in self.code:
                if room.startswith("tests.") and room.endswith(f".{name}") and "." not in name:
                    return room
        return None

    def definer(self, module: str, name: str) -> tuple[str, str] | None:
        """Where a name that ``module`` offers is defined, by way of re-exports."""
        seen: set[tuple[str, str]] = set()
        while (module, name) not in seen:
            seen.add((module, name))
            if name in self.defined[module]:
                return module, name
            found = None
            for node in ast.walk(self.code[module].tree):
                if isinstance(node, ast.ImportFrom) and node.module:
                    source = self.resolve_module(self.code[module], node.module)
                    for alias in node.names:
                        if (alias.asname or alias.name) == name and source is not None:
                            found = (source, alias.name)
            if found is None:
                return None
            module, name = found
        return None

    def new_name(self, module: str, name: str) -> str:
        where = self.definer(module, name)
        return self.mapping.top.get(where, name) if where else name

    # -- top-level names and imports -----------------------------------------------------------------------------

    def rewrite(self) -> None:
        for code in self.code.values():
            self.rewrite_file(code)

    def rewrite_file(self, code: Code) -> None:
        mine = self.modules[code.module]
        renamed: dict[str, str] = {
            n: self.mapping.top[code.module, n]
            for n in self.defined[code.module]
            if (code.module, n) in self.mapping.top
        }
        aliases: dict[
            str, tuple[str, str]
        ] = {}  # local name of a module -> (today's module, new local name or "" if it is this very file)
        toplevel = {id(n) for n in code.tree.body}
        for node in ast.walk(code.tree):
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                self.rewrite_import(code, node, mine, renamed, aliases, id(node) in toplevel)
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    if alias.name in self.code and self.modules[alias.name] != alias.name:
                        new = self.modules[alias.name]
                        start = code.at(alias.lineno, alias.col_offset)
                        code.edit(start, start + len(alias.name.encode()), new)
                        if alias.asname is None:
                            self.problems.append(f"{code.name}:{node.lineno}: import {alias.name} without a name")
                    if alias.asname and alias.name in self.code:
                        aliases[alias.asname] = (alias.name, alias.asname)
        self.rename_names(code, renamed, aliases)
        self.strings(code, renamed)

    def rewrite_import(
        self,
        code: Code,
        node: ast.ImportFrom,
        mine: str,
        renamed: dict[str, str],
        aliases: dict[str, tuple[str, str]],
        top: bool,
    ) -> None:
        source = self.resolve_module(code, node.module or "")
        if source is None:
            return
        groups: dict[str, list[str]] = collections.defaultdict(list)
        assigned: list[str] = []
        for alias in node.names:
            local = alias.asname or alias.name
            whole = f"{source}.{alias.name}"
            if whole in self.code and self.definer(source, alias.name) is None:
                new = self.modules[whole]
                package, _, last = new.rpartition(".")
                if new == mine:
                    aliases[local] = (whole, "")
                    continue
                fresh = alias.asname or last
                aliases[local] = (whole, fresh)
                groups[package].append(last if fresh == last else f"{last} as {fresh}")
                continue
            name = self.new_name(source, alias.name)
            where = self.modules[source]
            if where == mine:
                if alias.asname and alias.asname != name:
                    renamed[alias.asname] = name
                elif name != alias.name:
                    renamed[alias.name] = name
                continue
            if alias.asname and alias.asname != name:
                groups[where].append(f"{name} as {alias.asname}")
            else:
                groups[where].append(name)
                if local != name:
                    renamed[local] = name
        indent = " " * node.col_offset
        lines = [f"from {where} import {', '.join(sorted(set(names)))}" for where, names in sorted(groups.items())]
        start = code.at(node.lineno, node.col_offset)
        end = code.at(node.end_lineno or 0, node.end_col_offset or 0)
        today = {a.name if a.asname in (None, a.name) else f"{a.name} as {a.asname}" for a in node.names}
        if len(groups) == 1 and groups.get(node.module or "") is not None and set(groups[node.module or ""]) == today:
            return
        if not lines:
            if top:
                lines = [""]
            else:
                # The whole line goes, with its end.
                start = code.starts[node.lineno - 1]
                end = code.starts[node.end_lineno or 0]
                code.edit(start, end, "")
                return
        code.edit(start, end, f"\n{indent}".join(lines + assigned))

    def rename_names(self, code: Code, renamed: dict[str, str], aliases: dict[str, tuple[str, str]]) -> None:
        performer = self

        def bound(function: ast.AST) -> set[str]:
            names: set[str] = set()
            args = function.args  # type: ignore[attr-defined]
            for each in [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]:
                if each is not None:
                    names.add(each.arg)
            declared: set[str] = set()
            body = function.body if isinstance(function.body, list) else [function.body]  # type: ignore[attr-defined]
            stack: list[ast.AST] = list(body)
            while stack:
                node = stack.pop()
                if isinstance(node, ast.Global | ast.Nonlocal):
                    declared.update(node.names)
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                    names.add(node.name)
                    continue
                if isinstance(node, ast.Lambda):
                    continue
                if isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
                    # Their own variables are not the function's, but what is assigned inside by := is.
                    for each in ast.walk(node):
                        if isinstance(each, ast.NamedExpr):
                            names.add(each.target.id)
                    continue
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del):
                    names.add(node.id)
                if isinstance(node, ast.ExceptHandler) and node.name:
                    names.add(node.name)
                if isinstance(node, ast.MatchAs | ast.MatchStar) and node.name:
                    names.add(node.name)
                stack.extend(ast.iter_child_nodes(node))
            return names - declared

        def visit(node: ast.AST, hidden: frozenset[str]) -> None:
            inner = hidden
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                # Decorators, defaults and annotations are read outside.
                outside: list[ast.AST] = []
                if not isinstance(node, ast.Lambda):
                    outside += node.decorator_list
                    if node.returns:
                        outside.append(node.returns)
                for each in [
                    *node.args.posonlyargs,
                    *node.args.args,
                    *node.args.kwonlyargs,
                    node.args.vararg,
                    node.args.kwarg,
                ]:
                    if each is not None and each.annotation:
                        outside.append(each.annotation)
                outside += [*node.args.defaults, *[d for d in node.args.kw_defaults if d is not None]]
                for each in outside:
                    visit(each, hidden)
                inner = hidden | bound(node)
                for each in node.body if isinstance(node.body, list) else [node.body]:
                    visit(each, inner)
                if not isinstance(node, ast.Lambda):
                    define(node, hidden)
                return
            if isinstance(node, ast.ClassDef):
                define(node, hidden)
                for each in node.body:
                    # What a class body assigns is a member, and has nothing to do with a name outside.
                    for target in (
                        [each.target]
                        if isinstance(each, ast.AnnAssign)
                        else each.targets
                        if isinstance(each, ast.Assign)
                        else []
                    ):
                        members.update(id(n) for n in ast.walk(target))
            if isinstance(node, ast.Call):
                patched(node, hidden)
            if id(node) in members:
                return
            if isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
                own = {n.id for g in node.generators for n in ast.walk(g.target) if isinstance(n, ast.Name)}
                inner = hidden | own
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id in aliases
                and node.value.id not in hidden
            ):
                alias(node)
                return
            if isinstance(node, ast.Name) and node.id not in hidden:
                if node.id in renamed:
                    put(node, node.id, renamed[node.id])
                elif node.id in aliases:
                    new = aliases[node.id][1]
                    if new != node.id:
                        if new == "":
                            performer.problems.append(
                                f"{code.name}:{node.lineno}: {node.id} is this very file now, and used as a value"
                            )
                        else:
                            put(node, node.id, new)
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                pass
            for each in ast.iter_child_nodes(node):
                visit(each, inner)

        members: set[int] = set()

        def patched(node: ast.Call, hidden: frozenset[str]) -> None:
            """``monkeypatch.setattr(module, "name", …)`` and its like."""
            name = (
                node.func.attr
                if isinstance(node.func, ast.Attribute)
                else node.func.id
                if isinstance(node.func, ast.Name)
                else ""
            )
            if name not in {"setattr", "getattr", "delattr", "object"} or len(node.args) < 2:
                return
            subject, text = node.args[0], node.args[1]
            if not isinstance(text, ast.Constant) or not isinstance(text.value, str):
                return
            new = None
            if isinstance(subject, ast.Name) and subject.id in aliases:
                new = performer.new_name(aliases[subject.id][0], text.value)
            elif isinstance(subject, ast.Name):
                where = performer.definer(code.module, subject.id)
                if where is not None:
                    new = performer.mapping.members.get((f"{where[0]}.{where[1]}", text.value))
            if new is None and any(member == text.value for _, member in performer.mapping.members):
                performer.notes.append(f"{code.name}:{node.lineno}: {name} of {text.value}: left")
            if new is not None and new != text.value:
                start = code.at(text.lineno, text.col_offset) + 1
                code.edit(start, start + len(text.value.encode()), new)

        def put(node: ast.AST, old: str, new: str) -> None:
            start = code.at(node.lineno, node.col_offset)  # type: ignore[attr-defined]
            code.edit(start, start + len(old.encode()), new)

        def define(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, hidden: frozenset[str]) -> None:
            if node in code.tree.body or any(
                node in getattr(n, "body", []) for n in code.tree.body if isinstance(n, ast.If | ast.Try)
            ):
                if node.name in renamed:
                    self.edit_definition(code, node, renamed[node.name])

        def alias(node: ast.Attribute) -> None:
            assert isinstance(node.value, ast.Name)
            module, new = aliases[node.value.id]
            name = performer.new_name(module, node.attr)
            start = code.at(node.lineno, node.col_offset)
            end = code.at(node.end_lineno or 0, node.end_col_offset or 0)
            text = f"{new}.{name}" if new else name
            if code.source[start:end].decode() != text:
                code.edit(start, end, text)

        for each in code.tree.body:
            visit(each, frozenset())
        self.quoted_annotations(code, renamed)

    def quoted_annotations(self, code: Code, renamed: dict[str, str]) -> None:
        for node in ast.walk(code.tree):
            if isinstance(node, ast.Global):
                start = code.at(node.lineno, node.col_offset)
                end = code.at(node.end_lineno or 0, node.end_col_offset or 0)
                names = ", ".join(renamed.get(name, name) for name in node.names)
                if code.source[start:end].decode() != f"global {names}":
                    code.edit(start, end, f"global {names}")
            annotations: list[ast.AST | None] = []
            if isinstance(node, ast.arg | ast.AnnAssign):
                annotations.append(node.annotation)
            if isinstance(node, ast.AnnAssign) and ast.unparse(node.annotation).endswith("TypeAlias"):
                annotations.append(node.value)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                annotations.append(node.returns)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"cast", "TypeVar"}:
                annotations += node.args
            for annotation in annotations:
                for each in ast.walk(annotation) if annotation is not None else ():
                    if isinstance(each, ast.Constant) and isinstance(each.value, str):
                        start = code.at(each.lineno, each.col_offset)
                        end = code.at(each.end_lineno or 0, each.end_col_offset or 0)
                        old = code.source[start:end].decode()
                        new = re.sub(r"\b[A-Za-z_]\w*\b", lambda m: renamed.get(m[0], m[0]), old)
                        if new != old:
                            code.edit(start, end, new)

    def edit_definition(self, code: Code, node: ast.AST, new: str) -> None:
        line = node.lineno  # type: ignore[attr-defined]
        old = node.name  # type: ignore[attr-defined]
        text = code.lines[line - 1].decode()
        found = re.search(rf"(?:def|class)\s+({re.escape(old)})\b", text)
        if found is None:
            self.problems.append(f"{code.name}:{line}: no definition of {old}")
            return
        start = code.starts[line - 1] + len(text[: found.start(1)].encode())
        code.edit(start, start + len(old.encode()), new)

    def strings(self, code: Code, renamed: dict[str, str]) -> None:
        """Paths and dotted names in strings and comments, and names in double backticks, and ``__all__``."""
        for node in ast.walk(code.tree):
            if isinstance(node, ast.Assign) and any(
                isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets
            ):
                for each in ast.walk(node.value):
                    if (isinstance(each, ast.Constant) and each.value in renamed) or (
                        isinstance(each, ast.Constant) and self.new_name(code.module, str(each.value)) != each.value
                    ):
                        start = code.at(each.lineno, each.col_offset) + 1
                        code.edit(
                            start,
                            start + len(each.value.encode()),
                            renamed.get(each.value) or self.new_name(code.module, each.value),
                        )
        import io
        import tokenize

        text = code.source.decode()
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type not in (tokenize.STRING, tokenize.COMMENT):
                continue
            if re.fullmatch(r'"[a-z_]+(\.[a-z_]+)+\.[A-Za-z_]+"', token.string):
                new = f'"{self.dotted_name(token.string[1:-1])}"'
                if new == token.string:
                    new = self.in_text(token.string, renamed)
            else:
                new = self.in_text(token.string, renamed)
            # ``name`` of this file's own bindings
            if new != token.string:
                (l1, c1), (l2, c2) = token.start, token.end
                start = code.starts[l1 - 1] + len(code.lines[l1 - 1].decode()[:c1].encode())
                end = code.starts[l2 - 1] + len(code.lines[l2 - 1].decode()[:c2].encode())
                if not any(a < end and b > start for (a, b) in code.edits):
                    code.edit(start, end, new)

    def patterns(self) -> list[tuple[re.Pattern[str], dict[str, str]]]:
        if not hasattr(self, "_patterns"):
            moved = {m: n for m, n in self.mapping.modules.items() if m != n}
            paths = {s: t.to for t in self.mapping.targets for s in t.sources if s != t.to}
            dots: dict[str, str] = {}
            for (module, name), new in self.mapping.top.items():
                dots[f"{module}.{name}"] = f"{self.modules.get(module, module)}.{new}"
            dots |= moved
            classes = collections.defaultdict(set)
            for (module, name), new in self.mapping.top.items():
                if re.fullmatch(r"[A-Z][a-z]+([A-Z][A-Za-z]*)+", name):
                    classes[name].add(new)
            made: list[tuple[re.Pattern[str], dict[str, str]]] = []
            for table in (paths, dots):
                if table:
                    keys = sorted(table, key=len, reverse=True)
                    made.append((re.compile(r"(?<![\w./])(?:" + "|".join(map(re.escape, keys)) + r")(?!\w)"), table))
            single = {n: next(iter(v)) for n, v in classes.items() if len(v) == 1}
            if single:
                made.append((re.compile(r"\b(?:" + "|".join(map(re.escape, single)) + r")\b"), single))
            self._patterns = made
        return self._patterns

    def dotted_name(self, text: str) -> str:
        """``"server.executor.engine.Clients"``: a name where it is imported."""
        module, _, name = text.rpartition(".")
        if module in self.code:
            return f"{self.modules[module]}.{self.new_name(module, name)}"
        return text

    def in_text(self, text: str, renamed: dict[str, str] | None = None) -> str:
        for pattern, table in self.patterns():
            text = pattern.sub(lambda m, table=table: table[m.group()], text)
        if renamed:
            text = re.sub(
                r"``(\w+)``",
                lambda m: f"``{renamed.get(m[1], m[1]) if re.search('[A-Z]|[a-z]_', m[1]) else m[1]}``",
                text,
            )
        return text

    # -- members -------------------------------------------------------------------------------------------------

    def members(self) -> None:
        if not self.mapping.members and not self.mapping.parameters:
            return
        from tools_types import Types

        types = Types(self.code)
        by_name = collections.defaultdict(set)
        for (_, member), new in self.mapping.members.items():
            by_name[member].add(new)
        used: set[tuple[str, str]] = set()
        keywords = collections.defaultdict(set)
        for (_, parameter), new in self.mapping.parameters.items():
            keywords[parameter].add(new)
        for code in self.code.values():
            # definitions in classes
            for qualified, node in classes_of(code):
                self.member_definitions(code, qualified, node, used)
            for node in ast.walk(code.tree):
                if isinstance(node, ast.Attribute) and node.attr in by_name:
                    end = code.at(node.end_lineno or 0, node.end_col_offset or 0)
                    start = end - len(node.attr.encode())
                    owners = types.owners(code.module, node)
                    new = None
                    if owners is None:
                        # No type is known here: only where every class with such a member calls it the same, and no other has it.
                        if self.only_so(node.attr):
                            new = next(iter(by_name[node.attr]))
                            self.notes.append(f"{code.name}:{node.lineno}: .{node.attr} -> .{new} by its name alone")
                        else:
                            self.notes.append(f"{code.name}:{node.lineno}: .{node.attr} of unknown type: left")
                    else:
                        for owner in owners:
                            if (owner, node.attr) in self.mapping.members:
                                new = self.mapping.members[owner, node.attr]
                                used.add((owner, node.attr))
                                break
                    if new is not None and new != node.attr:
                        code.edit(start, end, new)
                elif isinstance(node, ast.Call):
                    self.keywords(code, node, types, by_name, keywords)
                elif isinstance(node, ast.MatchClass):
                    owners = types.class_owners(code, node.cls, self)
                    for attr, pattern in zip(node.kwd_attrs, node.kwd_patterns, strict=True):
                        new = next(
                            (self.mapping.members[o, attr] for o in owners if (o, attr) in self.mapping.members), None
                        )
                        if new:
                            stop = code.at(pattern.lineno, pattern.col_offset)
                            head = code.source[:stop]
                            found = re.search(rb"(" + attr.encode() + rb")\s*=\s*$", head)
                            if found:
                                code.edit(found.start(1), found.end(1), new)
                            else:
                                self.problems.append(f"{code.name}:{node.lineno}: pattern {attr}")
        self.parameter_definitions()
        for key in self.mapping.members:
            if key not in used and f"{key[0]}|{key[1]}" not in self.defined_members:
                self.problems.append(f"no member {key[0]}.{key[1]}")

    defined_members: set[str]

    def only_so(self, name: str) -> bool:
        """Whether a member of this name is renamed in every class of ours that has it, always to the same, and known names only."""
        news = {new for (_, member), new in self.mapping.members.items() if member == name}
        if len(news) != 1 or name == "all" or name in dir(str) or name in dir(dict) or name in dir(list):
            return False
        for code in self.code.values():
            for qualified, node in classes_of(code):
                if name in members_of(node) and (qualified, name) not in self.mapping.members:
                    return False
        return True

    def member_definitions(self, code: Code, qualified: str, node: ast.ClassDef, used: set[tuple[str, str]]) -> None:
        for each in node.body:
            if isinstance(each, ast.Assign) and any(
                isinstance(t, ast.Name) and t.id == "__slots__" for t in each.targets
            ):
                for constant in ast.walk(each.value):
                    if isinstance(constant, ast.Constant) and (qualified, constant.value) in self.mapping.members:
                        start = code.at(constant.lineno, constant.col_offset) + 1
                        code.edit(
                            start, start + len(constant.value.encode()), self.mapping.members[qualified, constant.value]
                        )
        for member, places in members_of(node).items():
            new = self.mapping.members.get((qualified, member))
            if new is None:
                continue
            self.defined_members.add(f"{qualified}|{member}")
            for place in places:
                if isinstance(place, ast.FunctionDef | ast.AsyncFunctionDef):
                    self.edit_definition(code, place, new)
                elif isinstance(place, ast.Name):
                    start = code.at(place.lineno, place.col_offset)
                    code.edit(start, start + len(member.encode()), new)
                    # A string beside it (__slots__) is not looked for.

    def keywords(
        self, code: Code, node: ast.Call, types: Any, members: dict[str, set[str]], parameters: dict[str, set[str]]
    ) -> None:
        names = {k.arg for k in node.keywords if k.arg}
        if not names & (set(members) | set(parameters)):
            return
        callee = types.callee(code.module, node)
        for keyword in node.keywords:
            if keyword.arg is None or (keyword.arg not in members and keyword.arg not in parameters):
                continue
            new = None
            for owner in callee.classes:
                new = (
                    new
                    or self.mapping.members.get((owner, keyword.arg))
                    or self.mapping.parameters.get((f"{owner}.__init__", keyword.arg))
                )
            for function in callee.functions:
                new = new or self.mapping.parameters.get((function, keyword.arg))
            if new is None and not callee.known and (keyword.arg in members or keyword.arg in parameters):
                self.notes.append(f"{code.name}:{node.lineno}: {keyword.arg}= of an unknown callee: left")
            if new:
                start = code.at(keyword.lineno, keyword.col_offset)
                code.edit(start, start + len(keyword.arg.encode()), new)

    def parameter_definitions(self) -> None:
        for (owner, parameter), new in self.mapping.parameters.items():
            done = False
            for code in self.code.values():
                if not owner.startswith(f"{code.module}."):
                    continue
                for qualified, node in functions_of(code):
                    if qualified != owner:
                        continue
                    for each in ast.walk(node):
                        if (isinstance(each, ast.arg) and each.arg == parameter) or (
                            isinstance(each, ast.Name) and each.id == parameter
                        ):
                            start = code.at(each.lineno, each.col_offset)
                            code.edit(start, start + len(parameter.encode()), new)
                            done = True
            if not done:
                self.problems.append(f"no parameter {parameter} of {owner}")

    # -- writing -------------------------------------------------------------------------------------------------

    def check(self) -> None:
        counted = collections.Counter(s for t in self.mapping.targets for s in t.sources)
        for name, times in counted.items():
            if times > 1:
                self.problems.append(f"{name} goes into {times} files")
            if not (ROOT / name).is_file():
                self.problems.append(f"there is no {name}")
        targets = collections.Counter(t.to for t in self.mapping.targets)
        self.problems += [f"two entries make {t}" for t, times in targets.items() if times > 1]
        for target in self.mapping.targets:
            if (ROOT / target.to).is_file() and target.to not in counted:
                self.problems.append(f"{target.to} stands already, and goes nowhere")
            if len(target.sources) > 1 and not target.doc:
                self.problems.append(f"{target.to} has no docstring of its own")
        for module, name in self.mapping.top:
            if module not in self.defined or name not in self.defined[module]:
                self.problems.append(f"no definition {module}:{name}")
        known = {q: members_of(n) for c in self.code.values() for q, n in classes_of(c)}
        for owner, member in self.mapping.members:
            if member not in known.get(owner, {}):
                self.problems.append(f"no member {owner}.{member}")
        for owner, parameter in self.mapping.parameters:
            if not any(
                q == owner for c in self.code.values() if owner.startswith(c.module + ".") for q, _ in functions_of(c)
            ):
                self.problems.append(f"no function {owner} with {parameter}")
        # collisions
        tops: dict[str, dict[str, str]] = collections.defaultdict(dict)
        for module, names in self.defined.items():
            new = self.modules[module]
            for name in names:
                if name == "__all__":
                    continue
                fresh = self.mapping.top.get((module, name), name)
                if fresh in tops[new] and not re.fullmatch("[A-Z]|log|_log", fresh):
                    self.problems.append(f"{new}: {fresh} is defined by {tops[new][fresh]} and by {module}:{name}")
                tops[new][fresh] = f"{module}:{name}"
        owners: dict[tuple[str, str], str] = {}
        for (owner, member), new in self.mapping.members.items():
            if new in known.get(owner, {}) and (owner, new) not in self.mapping.members:
                self.problems.append(f"{owner} has a member {new} already")
            if (owner, new) in owners:
                self.problems.append(f"{owner}: {member} and {owners[owner, new]} both become {new}")
            owners[owner, new] = member
        # sizes
        lines = {
            s: len(self.code[dotted(s)].lines)
            for t in self.mapping.targets
            for s in t.sources
            if dotted(s) in self.code
        }
        for target in self.mapping.targets:
            size = sum(lines.get(s, 0) for s in target.sources) - 12 * (len(target.sources) - 1)
            if size > LIMIT:
                self.problems.append(f"{target.to} has about {size} lines")
            if size < 40 and not target.to.startswith("tests/") and not target.to.endswith("__init__.py"):
                self.notes.append(f"{target.to} has about {size} lines")
        self.cycles()

    def cycles(self) -> None:
        edges: dict[str, set[str]] = collections.defaultdict(set)
        for code in self.code.values():
            for node in ast.walk(code.tree):
                if isinstance(node, ast.ImportFrom) and node.module:
                    source = self.resolve_module(code, node.module)
                    if source is None:
                        continue
                    for alias in node.names:
                        whole = f"{source}.{alias.name}"
                        goal = whole if whole in self.code and self.definer(source, alias.name) is None else source
                        if self.modules[goal] != self.modules[code.module]:
                            edges[self.modules[code.module]].add(self.modules[goal])
        done: set[str] = set()
        reported: set[frozenset[str]] = set()

        def visit(node: str, path: list[str]) -> None:
            if node in path:
                circle = path[path.index(node) :]
                if frozenset(circle) not in reported:
                    reported.add(frozenset(circle))
                    self.problems.append("cycle: " + " → ".join([*circle, node]))
                return
            if node in done:
                return
            for each in sorted(edges[node]):
                if not each.startswith(f"{node}.") and not node.startswith(f"{each}."):
                    visit(each, [*path, node])
            done.add(node)

        for each in sorted(edges):
            visit(each, [])

    def apply(self) -> None:
        self.defined_members = set()
        self.rewrite()
        self.members()
        if self.problems:
            return
        written: dict[str, str] = {}
        for target in self.mapping.targets:
            written[target.to] = self.merged(target)
        going = {s for t in self.mapping.targets for s in t.sources}
        for code in self.code.values():
            if code.name not in going and code.edits:
                written[code.name] = code.text_of(0, len(code.source))
        for target in self.mapping.targets:
            for source in target.sources:
                if source not in written:
                    (ROOT / source).unlink()
        for name, text in written.items():
            path = ROOT / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.prose()

    def merged(self, target: Target) -> str:
        codes = [self.code[dotted(s)] for s in target.sources]
        if len(codes) == 1 and target.doc is None:
            return codes[0].text_of(0, len(codes[0].source))
        doc, imports, exports, bodies = None, [], [], []
        future = False
        for code in codes:
            parts = list(code.tree.body)
            if (
                parts
                and isinstance(parts[0], ast.Expr)
                and isinstance(parts[0].value, ast.Constant)
                and isinstance(parts[0].value.value, str)
            ):
                node = parts.pop(0)
                if doc is None:
                    doc = code.text_of(code.at(node.lineno, 0), code.at(node.end_lineno or 0, node.end_col_offset or 0))
                begin = code.at(node.end_lineno or 0, node.end_col_offset or 0)
            else:
                begin = 0
            cut: list[tuple[int, int]] = []
            for node in parts:
                start = code.at(node.lineno, node.col_offset)
                end = code.at(node.end_lineno or 0, node.end_col_offset or 0)
                line_end = code.starts[node.end_lineno or 0]
                if isinstance(node, ast.ImportFrom) and node.module == "__future__":
                    future = True
                    cut.append((start, line_end))
                elif isinstance(node, ast.Import | ast.ImportFrom):
                    text = code.text_of(start, line_end).strip("\n")
                    if text.strip():
                        imports.append(text)
                    cut.append((start, line_end))
                elif isinstance(node, ast.Assign) and any(
                    isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets
                ):
                    exports += [
                        n.value for n in ast.walk(ast.parse(code.text_of(start, end))) if isinstance(n, ast.Constant)
                    ]
                    cut.append((start, line_end))
            pieces, at = [], begin
            for start, end in cut:
                pieces.append(code.text_of(at, start))
                at = end
            pieces.append(code.text_of(at, len(code.source)))
            body = "".join(pieces).strip("\n")
            bodies.append(body)
        if target.doc is not None:
            words = target.doc.strip("\n")
            doc = f'"""{words}"""' if "\n" not in words.strip() else f'"""{words.strip()}\n"""'
        head = [doc or ""]
        if future:
            head.append("from __future__ import annotations")
        seen: list[str] = []
        for each in imports:
            if each not in seen:
                seen.append(each)
        if seen:
            head.append("\n".join(seen))
        if exports:
            head.append("__all__ = [" + ", ".join(f'"{e}"' for e in dict.fromkeys(exports)) + "]")
        return "\n\n".join(head) + "\n\n" + "\n\n\n".join(b for b in bodies if b) + "\n"

    def prose(self) -> None:
        """Paths and dotted names in documents, settings and Turtle."""
        for path in sorted(ROOT.rglob("*")):
            relative = path.relative_to(ROOT).as_posix()
            if path.suffix not in {".md", ".toml", ".ttl", ".json", ".sh", ".cfg"} and path.name not in {
                "Makefile",
                "Dockerfile",
                "run",
            }:
                continue
            if any(
                part in {".venv", ".git", "node_modules", "var", "patients"} for part in path.parts
            ) or relative.startswith(("tools/", "CHANGELOG")):
                continue
            if path.stat().st_size > 1_000_000:
                continue
            text = path.read_text()
            new = self.in_text(text)
            if new != text:
                path.write_text(new)


def classes_of(code: Code) -> list[tuple[str, ast.ClassDef]]:
    found: list[tuple[str, ast.ClassDef]] = []

    def visit(body: list[Any], prefix: str) -> None:
        for node in body:
            if isinstance(node, ast.ClassDef):
                found.append((f"{prefix}.{node.name}", node))
                visit(node.body, f"{prefix}.{node.name}")
            elif isinstance(node, ast.If):
                visit(node.body, prefix)

    visit(code.tree.body, code.module)
    return found


def functions_of(code: Code) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []

    def visit(body: list[Any], prefix: str) -> None:
        for node in body:
            if isinstance(node, ast.ClassDef):
                visit(node.body, f"{prefix}.{node.name}")
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found.append((f"{prefix}.{node.name}", node))

    visit(code.tree.body, code.module)
    return found


def members_of(node: ast.ClassDef) -> dict[str, list[ast.AST]]:
    found: dict[str, list[ast.AST]] = collections.defaultdict(list)
    for each in node.body:
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef):
            found[each.name].append(each)
            for inner in ast.walk(each):
                if (
                    isinstance(inner, ast.Attribute)
                    and isinstance(inner.ctx, ast.Store)
                    and isinstance(inner.value, ast.Name)
                    and inner.value.id == "self"
                ):
                    found[inner.attr] += []
        elif isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name):
            found[each.target.id].append(each.target)
        elif isinstance(each, ast.Assign):
            for target in each.targets:
                for inner in ast.walk(target):
                    if isinstance(inner, ast.Name):
                        found[inner.id].append(inner)
        # names used inside the class body by later lines (defaults, decorators such as @x.setter)
    return found


def main() -> int:
    how, files = sys.argv[1], [Path(f) for f in sys.argv[2:]]
    sys.path.insert(0, str(Path(__file__).parent))
    performer = Performer(read_mapping(files))
    performer.check()
    if how == "apply" and not performer.problems:
        performer.apply()
    for note in performer.notes:
        print("note:", note)
    for problem in performer.problems:
        print("PROBLEM:", problem)
    print(
        f"{len(performer.mapping.targets)} files, {len(performer.mapping.top)} definitions, {len(performer.mapping.members)} members, {len(performer.mapping.parameters)} parameters"
    )
    return 1 if performer.problems else 0


if __name__ == "__main__":
    sys.exit(main())
