"""A file of a version, before it is stored."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Any


@dataclass(frozen=True, slots=True)
class File:
    """Its name inside the version's folder, its bytes and content type."""

    name: str
    body: bytes
    content_type: str = "application/octet-stream"

    def facts(self) -> dict[str, Any]:
        """Return digest and size, as manifests carry them."""
        return {"sha256": sha256(self.body).hexdigest(), "bytes": len(self.body)}
