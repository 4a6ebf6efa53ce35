"""Manifests of versions: immutable, so read once a process."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import orjson

from modelloop import keys
from modelloop.contracts.manifest import Manifest, manifest_from_json
from modelloop.errors import ArtifactRefusedError, NotFoundError

if TYPE_CHECKING:
    from modelloop.aws.storage import Bucket
    from modelloop.aws.stores import Stores

MAX_KEPT = 64


@lru_cache(MAX_KEPT)
def read(artifacts: Bucket, model: str, run_id: str) -> Manifest:
    """Return the manifest of a version.

    Raises NotFoundError when there is no such version, ArtifactRefusedError for a manifest that cannot be read.
    """
    key = keys.version(model, run_id, keys.MANIFEST)
    try:
        document = orjson.loads(artifacts.get(key))
    except orjson.JSONDecodeError as error:
        raise ArtifactRefusedError(f"{key} is not JSON") from error
    if not isinstance(document, dict):
        raise ArtifactRefusedError(f"{key} is no manifest")
    return manifest_from_json(document)


class Versions:
    """The manifests of one model by version number; an unregistered number has none."""

    def __init__(self, stores: Stores, model: str) -> None:
        self._stores = stores
        self._model = model
        self._by_number: dict[int, Manifest | None] = {}

    def get(self, version: int) -> Manifest | None:
        """Return a version's manifest, or None."""
        if version not in self._by_number:
            self._by_number[version] = self._find(version)
        return self._by_number[version]

    def _find(self, version: int) -> Manifest | None:
        try:
            run_id = self._stores.registry.get_version(self._model, version).run_id
            return read(self._stores.artifacts, self._model, run_id)
        except NotFoundError:
            return None
