"""Manifests as versions carry them: today's bytes, read and written back as they are."""

from __future__ import annotations

import subprocess
import sys

import orjson
import pytest

from modelloop.contracts.manifest import manifest_from_json
from modelloop.errors import ArtifactRefusedError
from tests.support.manifests import recorded_manifests

SAMPLES = recorded_manifests()


@pytest.mark.parametrize("name", SAMPLES)
def test_a_manifest_is_read_and_written_back_as_it_is(name: str) -> None:
    stored = SAMPLES[name]
    assert manifest_from_json(stored).to_bytes() == orjson.dumps(stored)


def test_the_table_keeps_a_small_part() -> None:
    manifest = manifest_from_json(SAMPLES["penguins"])
    facts = manifest.registry_facts().to_json()
    assert facts["bundle"] == {"file": manifest.ref.file, "sha256": manifest.ref.sha256, "bytes": manifest.ref.bytes}
    assert facts["gate"] == {"decision": "release", "reasons": ["better than the trivial model"]}
    assert facts["metrics"] == manifest.metrics.holdout


def test_another_format_is_refused_with_what_can_be_read() -> None:
    with pytest.raises(ArtifactRefusedError, match="format version 2, and version 1 can be read"):
        manifest_from_json({"format_version": 2})


@pytest.mark.parametrize("part", ["files", "gate", "baseline", "golden", "split", "metrics"])
def test_a_damaged_manifest_is_refused(part: str) -> None:
    stored = SAMPLES["penguins"]
    with pytest.raises(ArtifactRefusedError, match="the manifest is damaged"):
        manifest_from_json({name: value for name, value in stored.items() if name != part})
    with pytest.raises(ArtifactRefusedError, match=r"damaged|format version|JSON object"):
        manifest_from_json(stored | {part: []})


def test_reading_manifests_costs_no_numpy() -> None:
    program = "import sys, modelloop.contracts.manifest; sys.exit('numpy' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", program], check=False)
    assert ran.returncode == 0
