"""Counts annotations that say nothing: mappings from text to anything, whatever name they hide behind."""

from __future__ import annotations

import ast
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MAPPINGS = frozenset({
    "dict", "Dict", "Mapping", "MutableMapping", "defaultdict", "OrderedDict", "ChainMap", "MappingProxyType",
})  # fmt: skip
ANYTHING = frozenset({"Any", "object"})


class Use(NamedTuple):
    """Where an annotation is that says nothing."""

    module: str
    line: int
    text: str


def free_mappings(root: Path) -> list[Use]:
    """Return every use, in annotations of the Python files below a folder, of a mapping whose values may be anything.

    Aliases are followed across modules, `object` counts as Any, a bare `dict` as one of anything, and so do a
    `TypedDict` whose keys may be missing and keywords (`**options`) that may be anything.
    """
    modules = {_module(root, path): ast.parse(path.read_text()) for path in sorted(root.rglob("*.py"))}
    resolver = _Resolver(modules)
    return [use for module, tree in modules.items() for use in resolver.uses(module, tree)]


class _Resolver:
    def __init__(self, modules: dict[str, ast.Module]) -> None:
        self._imports = {module: dict(_imports(tree)) for module, tree in modules.items()}
        self._aliases = {(module, name): value for module, tree in modules.items() for name, value in _aliases(tree)}
        self._following: set[tuple[str, str]] = set()

    def uses(self, module: str, tree: ast.Module) -> Iterator[Use]:
        for annotation in _annotations(tree):
            for node in self._found(module, annotation):
                yield Use(module, node.lineno, ast.unparse(node))
        for statement in ast.walk(tree):
            if isinstance(statement, ast.arguments) and statement.kwarg and statement.kwarg.annotation:
                if self._is_anything(module, statement.kwarg.annotation):
                    yield Use(module, statement.kwarg.lineno, f"**{statement.kwarg.arg}")
            elif isinstance(statement, ast.ClassDef) and any(_is_partial(keyword) for keyword in statement.keywords):
                yield Use(module, statement.lineno, f"class {statement.name}")

    def _found(self, module: str, annotation: ast.expr) -> Iterator[ast.expr]:
        node = _parsed(annotation)
        if self._is_free(module, node):
            yield node
            return
        # A mapping says what it holds; that may hold one that does not.
        inside: ast.expr = node.slice if isinstance(node, ast.Subscript) and _name(node.value) in MAPPINGS else node
        for child in ast.iter_child_nodes(inside):
            if isinstance(child, ast.expr):
                yield from self._found(module, child)

    def _is_free(self, module: str, node: ast.expr) -> bool:
        if isinstance(node, ast.Subscript) and _name(node.value) in MAPPINGS:
            parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            return self._is_anything(module, parts[-1])
        if isinstance(node, ast.Name) and node.id in MAPPINGS:
            return True
        return self._follow(module, node, lambda where, value: any(self._found(where, value)))

    def _is_anything(self, module: str, node: ast.expr) -> bool:
        node = _parsed(node)
        if _name(node) in ANYTHING:
            return True
        if isinstance(node, ast.BinOp):
            return self._is_anything(module, node.left) or self._is_anything(module, node.right)
        return self._follow(module, node, self._is_anything)

    def _follow(self, module: str, node: ast.expr, holds: Callable[[str, ast.expr], bool]) -> bool:
        """Return whether something holds of what an alias stands for; one that names itself adds nothing by that."""
        alias = self._alias(module, node)
        key = (module, ast.unparse(node))
        if alias is None or key in self._following:
            return False
        self._following.add(key)
        try:
            return holds(*alias)
        finally:
            self._following.remove(key)

    def _alias(self, module: str, node: ast.expr) -> tuple[str, ast.expr] | None:
        name = _name(node)
        if not isinstance(node, ast.Name | ast.Attribute) or name is None:
            return None
        where = (module, name)
        if isinstance(node, ast.Attribute):
            target = self._imports[module].get(_name(node.value) or "")
            where = (".".join(target), name) if target else where
        elif name in self._imports[module]:
            where = self._imports[module][name]
        value = self._aliases.get(where)
        return None if value is None else (where[0], value)


def _module(root: Path, path: Path) -> str:
    return ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


def _imports(tree: ast.Module) -> Iterator[tuple[str, tuple[str, str]]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                yield alias.asname or alias.name, (node.module, alias.name)


def _aliases(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.TypeAlias):
            yield node.name.id, node.value
        elif isinstance(node, ast.AnnAssign) and _name(node.annotation) == "TypeAlias" and node.value is not None:
            yield _name(node.target) or "", _parsed(node.value)
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and _is_type(node.value):
            yield node.targets[0].id, node.value


def _is_type(node: ast.expr) -> bool:
    if isinstance(node, ast.BinOp):
        return _is_type(node.left) and _is_type(node.right)
    return isinstance(node, ast.Subscript) and _name(node.value) in MAPPINGS | {"list", "tuple", "Callable"}


def _annotations(tree: ast.Module) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.returns is not None:
            yield node.returns
        elif isinstance(node, ast.AnnAssign | ast.arg) and node.annotation is not None:
            yield node.annotation
        elif isinstance(node, ast.Call) and _name(node.func) == "cast" and node.args:
            yield node.args[0]
        elif isinstance(node, ast.ClassDef):
            yield from node.bases


def _parsed(node: ast.expr) -> ast.expr:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        try:
            parsed = ast.parse(node.value, mode="eval").body
        except SyntaxError:
            return node
        return ast.copy_location(parsed, node)
    return node


def _name(node: ast.expr) -> str | None:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else None


def _is_partial(keyword: ast.keyword) -> bool:
    return keyword.arg == "total" and isinstance(keyword.value, ast.Constant) and keyword.value.value is False


def by_module(uses: list[Use]) -> Counter[str]:
    """Return how many uses each module has."""
    return Counter(use.module for use in uses)
