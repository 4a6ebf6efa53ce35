"""Makes moto's answers quicker to write, on which the functional tests spend much of their processor time.

Its serializer tries several spellings of every member that a shape may have, for every value of a DynamoDB item. Items
are dicts that spell their members as the shape does, so going through what they hold gives the same answer. And what a
traverser of expressions looks for is the same for every node.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.core.serialize import BaseJSONSerializer, ResponseSerializer
from moto.dynamodb.parsing.ast_nodes import DepthFirstTraverser  # type: ignore[attr-defined]  # its module is untyped

if TYPE_CHECKING:
    from collections.abc import Callable

SLOW_STRUCTURE: Callable[..., None] = BaseJSONSerializer._serialize_type_structure
SLOW_NODES: Callable[[Any], tuple[type, ...]] = DepthFirstTraverser.nodes_to_be_processed


def install() -> None:
    """Put the quicker ways in their places, for the whole process."""
    setattr(BaseJSONSerializer, "_serialize_type_structure", _serialize_structure)  # noqa: B010  no method is assigned to
    DepthFirstTraverser.nodes_to_be_processed = _nodes_to_be_processed


def _serialize_structure(self: Any, serialized: dict[str, Any], value: Any, shape: Any, key: str) -> None:
    if not _is_spelled_out(self, value, shape):
        SLOW_STRUCTURE(self, serialized, value, shape, key)
        return
    wrapper = self.MAP_TYPE() if key else serialized
    for name, found in value.items():
        if found is not None:
            member = shape.members[name]
            member.parent = shape
            self._serialize(wrapper, found, member, name)
    if key:
        self._default_serialize(serialized, wrapper, shape, key)


def _is_spelled_out(self: Any, value: Any, shape: Any) -> bool:
    """Return whether a value holds members alone, under their own names, and nothing treats members in another way."""
    if type(value) is not dict or shape.is_document_type or getattr(self._value_picker, "response_transformers", None):
        return False
    plain = type(self)._serialize_structure_member is ResponseSerializer._serialize_structure_member
    return plain and value.keys() <= shape.members.keys()


_nodes: dict[type, tuple[type, ...]] = {}


def _nodes_to_be_processed(self: Any) -> tuple[type, ...]:
    kind = type(self)
    if kind not in _nodes:
        _nodes[kind] = SLOW_NODES(self)
    return _nodes[kind]
