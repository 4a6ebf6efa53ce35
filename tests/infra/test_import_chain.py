"""How deep the trainer's modules are stacked: whoever follows its imports reads a dozen files at most."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache

MAX_FILES = 12
WATCH = """
import builtins, json, sys
plain, edges = builtins.__import__, []

def watch(name, scope=None, locals=None, names=(), level=0):
    module = plain(name, scope, locals, names, level)
    importer = (scope or {}).get("__name__", "")
    edges.extend([importer, imported] for imported in (name, *(f"{name}.{part}" for part in names or ())))
    return module

builtins.__import__ = watch
import trainer.handler
print(json.dumps([edge for edge in edges if edge[1] in sys.modules]))
"""


def imports() -> dict[str, set[str]]:
    """Return which modules of ours each one imports when the trainer's handler is imported."""
    ran = subprocess.run([sys.executable, "-c", WATCH], capture_output=True, check=True)
    graph: dict[str, set[str]] = {}
    for importer, imported in json.loads(ran.stdout):
        inside = f"{importer}.".startswith(f"{imported}.")  # its own package, which is imported before it
        if imported.startswith(("trainer.", "modelloop.")) and not inside:
            graph.setdefault(importer, set()).add(imported)
    return graph


def longest_chain(graph: dict[str, set[str]], start: str) -> list[str]:
    """Return the longest chain of imports from a module; there are no circles, or importing would have failed."""

    @cache
    def chain(module: str) -> tuple[str, ...]:
        return (module, *max((chain(one) for one in sorted(graph.get(module, ()))), key=len, default=()))

    return list(chain(start))


def test_the_trainers_longest_import_chain_is_at_most_a_dozen_files() -> None:
    graph = imports()
    assert "trainer.pipeline" in graph["trainer.handler"]
    chain = longest_chain(graph, "trainer.handler")
    assert len(chain) <= MAX_FILES, f"{len(chain)} files:\n" + "\n".join(chain)


def test_a_longer_chain_is_found() -> None:
    assert longest_chain({"a": {"b", "c"}, "b": {"c"}, "c": {"d"}}, "a") == ["a", "b", "c", "d"]
