"""Types of JSON documents that are written: every value is one that JSON has, so that nothing else slips in.

What is read from JSON becomes a frozen type at the border (see `modelloop.contracts`), not a document.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

JsonValue: TypeAlias = "bool | int | float | str | Sequence[JsonValue] | Mapping[str, JsonValue] | None"
JsonObject: TypeAlias = "Mapping[str, JsonValue]"
