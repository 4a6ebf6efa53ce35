"""Manifests of versions: immutable, so read once a process."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import orjson

from modelloop import keys
from modelloop.aws import storage
from modelloop.errors import ArtifactRefusedError
from modelloop.settings import settings

MOST_KEPT = 64


@lru_cache(MOST_KEPT)
def read(model: str, run_id: str) -> dict[str, Any]:
    """Return the manifest of a version; raise NotFoundError when there is no such version."""
    key = keys.version(model, run_id, keys.MANIFEST)
    try:
        manifest = orjson.loads(storage.get(settings().artifacts_bucket, key))
    except orjson.JSONDecodeError as error:
        raise ArtifactRefusedError(f"{key} is not JSON") from error
    if not isinstance(manifest, dict):
        raise ArtifactRefusedError(f"{key} is no manifest")
    return manifest
