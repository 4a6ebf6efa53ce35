"""What a handler's code can reach, by following its imports inside the functions' import root."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from modelloop_stack.build.paths import ROOT

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
    pattern = re.compile(r"\b(?:settings\(\)|config)\.([a-z_]+)")
    found = {name for path in modules(handler) for name in pattern.findall(path.read_text())}
    return {name.upper() for name in found} & names


def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _file(module: str) -> Path | None:
    path = FUNCTIONS / module.replace(".", "/")
    candidates = (path.with_suffix(".py"), path / "__init__.py")
    return next((candidate for candidate in candidates if candidate.exists()), None)
