"""What is known of models and versions, from the artifacts bucket."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from metrics_aggregation.watched import Watched
from modelloop import keys
from modelloop.aws.registry import manifests
from modelloop.errors import NotFoundError

if TYPE_CHECKING:
    from modelloop.aws.storage import Bucket

MOST_VERSIONS = 64
_RUN_ID = re.compile(r"[0-9a-f-]{36}")


class StoredKnowledge:
    """Versions by their manifests, models by their serving pointers; only what exists is remembered."""

    def __init__(self, artifacts: Bucket) -> None:
        self._artifacts = artifacts
        self._versions: dict[tuple[str, str], Watched] = {}
        self._models: set[str] = set()

    def version(self, model: str, run_id: str) -> Watched | None:
        """Return a version, or None when there is no such one."""
        if not _RUN_ID.fullmatch(run_id):
            return None
        if (model, run_id) not in self._versions:
            try:
                watched = Watched(manifests.read(self._artifacts, model, run_id))
            except NotFoundError:
                return None
            if len(self._versions) >= MOST_VERSIONS:
                self._versions.clear()
            self._versions[model, run_id] = watched
        return self._versions[model, run_id]

    def model(self, model: str) -> bool:
        """Say whether anything was ever published under that name."""
        if model not in self._models and self._artifacts.head(keys.pointer(model)):
            self._models.add(model)
        return model in self._models
