"""The template's functions and routes: which handler answers which method and path."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import yaml

ROOT = Path(__file__).parents[2]
FUNCTION = "AWS::Serverless::Function"


@dataclass(frozen=True, slots=True)
class Route:
    """One route of the API and the dotted name of the handler that answers it."""

    method: str
    path: str
    handler: str

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """Return the path's parameters, or None when the request is another route's."""
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(self.path))
        match = re.fullmatch(pattern, path) if method == self.method else None
        return None if match is None else {name: unquote(value) for name, value in match.groupdict().items()}


@cache
def functions() -> dict[str, Any]:
    """Return the properties of every function of the template by its logical name."""
    resources: dict[str, Any] = yaml.load((ROOT / "template.yaml").read_text(), _Loader)["Resources"]
    return {name: made["Properties"] for name, made in resources.items() if made["Type"] == FUNCTION}


@cache
def routes() -> tuple[Route, ...]:
    """Return every route of the API; those without parameters first, as API Gateway prefers them."""
    events = [
        Route(event["Properties"]["Method"], event["Properties"]["Path"], function["Handler"])
        for function in functions().values()
        for event in (function.get("Events") or {}).values()
        if event["Type"] == "Api"
    ]
    return tuple(sorted(events, key=lambda route: (route.path.count("{"), route.path, route.method)))


def find(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """Return the route of a request and its path parameters."""
    matches = ((route, route.match(method, path)) for route in routes())
    return next(((route, parameters) for route, parameters in matches if parameters is not None), None)


class _Loader(yaml.SafeLoader):
    """Reads a template, whose tags (!Ref and so on) are of no interest here."""


def _plain(loader: yaml.Loader, _suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return node.value


_Loader.add_multi_constructor("!", _plain)
