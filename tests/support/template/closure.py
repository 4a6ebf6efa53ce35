"""What a handler's code can reach, by following its imports inside the functions' import root."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

from modelloop_stack.build.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

FUNCTIONS = ROOT / "functions"


def modules(handler: str) -> set[Path]:
    """Files of every module that the handler imports, at once or later, directly or through others."""
    seen: set[Path] = set()
    todo = [_file(handler.rpartition(".")[0])]
    while todo:
        path = todo.pop()
        if path is None or path in seen:
            continue
        seen.add(path)
        todo.extend(_file(name) for name in _imports(path))
    return seen


def settings_read(handler: str, names: set[str]) -> set[str]:
    """Settings that the handler's code reads, as variable names without their prefix."""
    read = {name for path in modules(handler) for name in _read_of_settings(ast.parse(path.read_text()))}
    return {name.upper() for name in read} & names


def _read_of_settings(tree: ast.Module) -> Iterator[str]:
    """Yield the attributes of what is called settings, or comes from a call of that name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner = node.value.func if isinstance(node.value, ast.Call) else node.value
            if isinstance(owner, ast.Name) and owner.id in {"settings", "config"}:
                yield node.attr


def _imports(path: Path) -> set[str]:
    """Return what the code imports when it runs; what only annotations need is not reached."""
    names: set[str] = set()
    for node in _executed(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def _executed(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING":
            continue
        yield child
        yield from _executed(child)


def _file(module: str) -> Path | None:
    path = FUNCTIONS / module.replace(".", "/")
    candidates = (path.with_suffix(".py"), path / "__init__.py")
    return next((candidate for candidate in candidates if candidate.exists()), None)
