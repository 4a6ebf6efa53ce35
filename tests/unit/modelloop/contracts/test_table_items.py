"""Items of the table: what today's code stores is read by the types and written back the same."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from modelloop.aws.registry.table import _decode
from modelloop.contracts.audit import audit_entry_from_json
from modelloop.contracts.loop_state import ActivityTotals, AlertsSent, RetrainState, RolloutIntent, TrafficTotals
from modelloop.contracts.manifest_parts import BestVersion
from modelloop.contracts.model_record import model_record_from_json, pointer_copy
from modelloop.contracts.quality_verdict import QualityVerdict
from modelloop.contracts.verdicts import DriftVerdict, RolloutVerdict
from modelloop.contracts.version_facts import version_record_from_json
from modelloop.errors import ArtifactRefusedError

ITEMS = Path(__file__).parents[3] / "comparison/golden/items"
VERDICTS = (DriftVerdict, QualityVerdict, RolloutVerdict)
ADDED = frozenset({"new_class", "unreadable", "unreadable_labels", "other_model", "labels_until", "cannot_see"})
STATES = (TrafficTotals, ActivityTotals, AlertsSent, RetrainState, RolloutIntent)


def document(name: str) -> bytes:
    """Return the stored bytes of a verdict or of loop state."""
    item = orjson.loads((ITEMS / f"{name}.json").read_bytes())
    return str(item["document"]["M"]["json"]["S"]).encode()


def item(name: str) -> dict[str, Any]:
    stored = _decode(orjson.loads((ITEMS / f"{name}.json").read_bytes()))
    return {key: value for key, value in stored.items() if key not in {"pk", "sk"}}


@pytest.mark.parametrize("kind", [*VERDICTS, *STATES], ids=lambda kind: kind.KIND)
def test_a_verdict_or_state_of_today_is_written_back_byte_for_byte(kind: Any) -> None:
    body = document(f"latest-{kind.KIND}")
    assert orjson.dumps(without(kind.from_json(orjson.loads(body)).to_json(), ADDED)) == body


def without(value: Any, names: frozenset[str]) -> Any:
    """Return a document without the fields of these names, at any depth."""
    if isinstance(value, dict):
        return {name: without(part, names) for name, part in value.items() if name not in names}
    return [without(part, names) for part in value] if isinstance(value, list) else value


@pytest.mark.parametrize("kind", [*VERDICTS, *STATES], ids=lambda kind: kind.KIND)
def test_what_cannot_be_read_is_refused_with_what_can(kind: Any) -> None:
    stored = orjson.loads(document(f"latest-{kind.KIND}"))
    refused = {
        "has format version 2, and version 1 can be read": stored | {"format_version": 2},
        "is damaged": {name: value for name, value in stored.items() if name != "updated_at"},
        "is damaged: it is no JSON object": [stored],
    }
    for reason, other in refused.items():
        with pytest.raises(ArtifactRefusedError, match=re.escape(reason)):
            kind.from_json(other)


def test_a_version_is_read_whole() -> None:
    stored = item("version")
    touched = stored.pop("touched")
    record = version_record_from_json(item("version"))
    del stored["split"]["fitted_until"]  # an older release stored it, and nothing reads it
    assert (record.to_json(), record.touched) == (stored, touched)
    assert record.facts.split is not None
    assert record.facts.split.kind == "reference"
    assert record.facts.best == BestVersion(record.run_id, record.version)
    assert record.facts.dataset is not None
    assert record.facts.dataset.to_json() == stored["dataset"]


def test_an_audit_entry_is_read_whole() -> None:
    assert audit_entry_from_json(item("audit")).to_json() == item("audit")


def test_a_model_is_read_with_what_serves_and_its_verdicts_in_short() -> None:
    stored = item("model")
    model = model_record_from_json(stored)
    assert model.serving is not None
    assert model.drift is not None
    assert model.quality is not None
    written = {
        "name": model.name, "created_at": model.created_at, "drift": model.drift.to_json(),
        "quality": model.quality.to_json(), "drift_at": model.drift.updated_at, "quality_at": model.quality.updated_at,
        **pointer_copy(model.serving), "pins": list(model.serving.pins),
    }  # fmt: skip
    assert written == stored
