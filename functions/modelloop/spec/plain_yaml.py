"""YAML without what makes a short text large: aliases, merge keys, deep nesting and very many nodes are refused."""

from __future__ import annotations

from typing import Any

import yaml

MAX_NODES = 20_000
MAX_DEPTH = 20


class PlainYamlError(yaml.MarkedYAMLError):
    """The `problem` is a whole sentence, and `problem_mark` its place."""

    problem_mark: yaml.Mark


def plain_loader(text: str) -> Any:
    """Return a loader of one document; composing it raises PlainYamlError for what is refused."""
    return _PlainLoader(text)


class _PlainLoader(yaml.SafeLoader):
    """A spec repeats nothing, and every alias that is followed makes the document larger than its text."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._nodes, self._depth = 0, 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Return the next node; called for each one, so everything is counted and checked here."""
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise _refusal("aliases (*name) or anchors (&name), which are not read: write the value out", event)
        self._nodes += 1
        self._depth += 1
        if self._nodes > MAX_NODES:
            raise _refusal(f"more than {MAX_NODES:,} values", event)
        if self._depth > MAX_DEPTH:
            raise _refusal(f"more than {MAX_DEPTH} levels: it is nested too deeply", event)
        node: Any = super().compose_node(parent, index)
        if node.tag == "tag:yaml.org,2002:merge":
            raise _refusal("merge keys (<<), which are not read: write the keys out", event)
        self._depth -= 1
        return node


def _refusal(what: str, event: Any) -> PlainYamlError:
    return PlainYamlError(problem=f"model.yaml has {what}", problem_mark=event.start_mark)
