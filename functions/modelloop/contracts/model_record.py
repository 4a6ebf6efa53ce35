"""What the table holds of a model: a copy of what serves, and its newest verdicts in short, for the list of models."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from modelloop.contracts.pointer import FORMAT_VERSION, Pointer, pointer_from_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelloop.json_types import JsonValue

_COPIED = tuple(name for name in Pointer.__slots__ if name not in {"model", "format_version"})


@dataclass(frozen=True, slots=True)
class VerdictInShort:
    """A verdict as the list of models shows it.

    `drifted` counts the columns, and the pairs of columns, that can raise an alarm (of quality: 0).
    """

    status: str
    version: int
    rows: int
    drifted: int
    updated_at: str

    def to_json(self) -> dict[str, JsonValue]:
        """Return the document that is stored and that the API answers."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """A model. `serving` is a copy of its pointer, None before anything served; the pointer itself decides."""

    name: str
    created_at: str
    updated_at: str | None = None
    serving: Pointer | None = None
    drift: VerdictInShort | None = None
    quality: VerdictInShort | None = None


def pointer_copy(pointer: Pointer) -> dict[str, JsonValue]:
    """Return the attributes that a model's item copies from its pointer."""
    document = pointer.to_json()
    return {name: document[name] for name in _COPIED}


def model_record_from_json(item: Mapping[str, Any]) -> ModelRecord:
    """Return a model from its stored item."""
    serving = None
    if "revision" in item:
        copied = {name: item[name] for name in _COPIED if name in item}
        serving = pointer_from_json({**copied, "model": item["name"], "format_version": FORMAT_VERSION})
    drift, quality = (VerdictInShort(**item[kind]) if item.get(kind) else None for kind in ("drift", "quality"))
    return ModelRecord(item["name"], item["created_at"], item.get("updated_at"), serving, drift, quality)
