"""Which metrics a handler's code can emit, read from its source."""

from __future__ import annotations

import ast
from functools import cache
from typing import TYPE_CHECKING

from tests.support.template.closure import modules

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PLACES = {"add_metric": 0, "emit": 1}  # which argument names the metric, or has the names as keys


@cache
def emitted(handler: str) -> frozenset[str]:
    """Every metric that a handler's code can emit."""
    return frozenset(name for file in modules(handler) for name in emitted_by(file))


def emitted_by(file: Path) -> set[str]:
    """Every metric that a module gives to an emitter: by name, or through the tables that the name is looked up in."""
    tree = ast.parse(file.read_text())
    given = list(_given(tree))
    named = {node.id for argument in given for node in ast.walk(argument) if isinstance(node, ast.Name)}
    for loop in (node for node in ast.walk(tree) if isinstance(node, ast.For)):
        if {node.id for node in ast.walk(loop.target) if isinstance(node, ast.Name)} & named:
            named |= {node.id for node in ast.walk(loop.iter) if isinstance(node, ast.Name)}
    return {word for node in [*given, *_told(tree, named)] for word in _words(node)}


def _given(tree: ast.AST) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in PLACES:
            yield node.args[PLACES[node.func.attr]]


def _told(tree: ast.AST, named: set[str]) -> Iterator[ast.AST]:
    """Yield what is assigned to the names: as a whole, or at a key."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            targets, value = node.targets, node.value
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            targets, value = [node.target], node.value
        else:
            continue
        for target in targets:
            if isinstance(target, ast.Name) and target.id in named:
                yield value
            if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name) and target.value.id in named:
                yield target.slice


def _words(node: ast.AST) -> Iterator[str]:
    for one in ast.walk(node):
        if isinstance(one, ast.Constant) and isinstance(one.value, str) and one.value[:1].isupper():
            yield one.value
