"""Manifests that tests write by hand: a recorded one, with the parts changed that a test is about."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from modelloop.contracts.manifest import manifest_from_json

if TYPE_CHECKING:
    from modelloop.contracts.manifest import Manifest

FOLDER = Path(__file__).parents[1] / "comparison" / "golden" / "versions"


def recorded_manifests() -> dict[str, dict[str, Any]]:
    """Return the documents of recorded manifests by model, as this release writes them.

    They are of a release that could start fits warm: `started_from` stands where `warm_start` named a version, and
    what else that had added is left out.
    """
    return {path.parent.name: _document(path) for path in sorted(FOLDER.glob("*/manifest.json"))}


def _document(path: Path) -> dict[str, Any]:
    stored: dict[str, Any] = orjson.loads(path.read_bytes())
    names = {"warm_start": "started_from"}
    document = {names.get(name, name): value for name, value in stored.items()}
    document["started_from"] = (stored["warm_start"] or {}).get("from")
    document["spec"].pop("warm_start", None)
    document["split"].pop("fitted_until", None)
    document["environment"].pop("families", None)
    return document


@cache
def _penguins() -> Manifest:
    return manifest_from_json(recorded_manifests()["penguins"])


def manifest_of(**changes: Any) -> Manifest:
    """Return the manifest of a version that tells three species apart, with some of its parts changed."""
    return replace(_penguins(), **changes)
