"""Which resource of a template is created after which, as CloudFormation orders them."""

from __future__ import annotations

import re
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.template.resources import Resources

VARIABLE = re.compile(r"\$\{([A-Za-z0-9]+)(?:\.[\w.]+)?\}")


def dependencies(resources: Resources) -> dict[str, set[str]]:
    """For each resource, the others that it refers to, or names in `DependsOn`: those are created before it.

    Resources whose condition is false count too, so a cycle is found whatever the parameters are.
    """
    return {name: {other for other in _named(body) if other in resources} for name, body in resources.items()}


def cycle(resources: Resources) -> list[str]:
    """Return the resources of one circular dependency, the first again at the end, or nothing when there is none."""
    try:
        TopologicalSorter(dependencies(resources)).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def _named(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for part in value:
            yield from _named(part)
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from _referred(key, part)


def _referred(key: str, value: Any) -> Iterator[str]:
    """Yield what a key of a resource names: itself when it is a reference, else what lies below it."""
    if key == "Ref":
        yield value
    elif key == "Fn::GetAtt":
        yield value[0] if isinstance(value, list) else value.partition(".")[0]
    elif key == "DependsOn":
        yield from [value] if isinstance(value, str) else value
    elif key == "Fn::Sub":
        text, given = value if isinstance(value, list) else (value, {})
        yield from (name for name in VARIABLE.findall(text) if name not in given)
        yield from _named(given)
    else:
        yield from _named(value)
