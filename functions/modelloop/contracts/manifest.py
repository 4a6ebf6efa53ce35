"""The manifest: everything that is known of a version. A version exists exactly when its manifest does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelloop import keys
from modelloop.contracts.pointer import VersionRef
from modelloop.contracts.version_facts import VersionFacts, version_facts_from_json
from modelloop.errors import ArtifactRefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT_VERSION = 1
_TOLD = ("cause", "task", "target", "classes", "dataset", "compared_with", "best", "split")


def check(manifest: Mapping[str, Any]) -> None:
    """Raise ArtifactRefusedError when a stored document is no manifest that this release reads."""
    if manifest.get("format_version") != FORMAT_VERSION:
        raise ArtifactRefusedError(f"manifest of format {manifest.get('format_version')!r}")


def reference(manifest: Mapping[str, Any]) -> VersionRef:
    """Return what the serving pointer says of a version: its number, run, bundle, digest and size."""
    model, run_id, facts = manifest["model"], manifest["run_id"], manifest["files"][keys.BUNDLE]
    file = keys.version(model, run_id, keys.BUNDLE)
    return VersionRef(manifest["version"], run_id, file, facts["sha256"], facts["bytes"])


def registry_facts(manifest: Mapping[str, Any]) -> VersionFacts:
    """Return the small part of a manifest that the table keeps, for lists and for promotion."""
    ref = reference(manifest)
    gate = manifest["gate"]
    facts = {
        "bundle": {"file": ref.file, "sha256": ref.sha256, "bytes": ref.bytes},
        "gate": {"decision": gate["decision"], "reasons": gate["reasons"]},
        "promotion": manifest["spec"]["promotion"],
        "metrics": manifest["metrics"]["holdout"],
        "family": manifest["estimator"]["family"],
        **{name: manifest[name] for name in _TOLD},
    }
    return version_facts_from_json(facts)
