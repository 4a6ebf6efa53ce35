"""The document of a prepared table: read and written back as it is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from modelloop.errors import ArtifactRefusedError
from modelloop.spec.model import parse_spec
from modelloop.tables.encoding import Column, Encoding
from modelloop.tables.split import hash_rule, salt, time_rule
from modelloop.versions.prepared_table import table_document_from_bytes

SPEC = parse_spec("target: y\nmonitoring: {label_delay_hours: 0}\n")
TABLE: dict[str, Any] = {
    "format_version": 1, "model": "m", "spec": SPEC.to_json(), "spec_lines": SPEC.lines, "task": "classification",
    "task_reason": "classification, because y is text", "target": "y", "target_kind": "text", "classes": ["no", "yes"],
    "merged_classes": [], "encoding": Encoding([Column("kind", "text", ("a", "b"))]).to_json(),
    "profile": [
        {"name": "kind", "kind": "text", "role": "feature", "reason": None, "missing": 0, "distinct": 2, "min": None,
         "max": None, "mean": None, "first": None, "last": None, "top": [["a", 30], ["b", 30]], "constant": False,
         "identifier_like": False, "masked": False},
    ],
    "warnings": ["a warning"], "rows": 60, "salt": salt("m"),
    "split": {
        "kind": "content", "column": None, "holdout": 0.2, "salt": salt("m"), "columns": {"kind": "text"},
        "rule": hash_rule("content", None, 0.2, salt("m"), {"kind": "text"}, ("NA", "")),
    },
    "slices": [{"name": "sex", "labels": ["f", "m", "rare"]}], "run_id": "0193",
    "dataset": {
        "uri": "s3://data/t.csv", "version_id": "v", "digest": "d", "file": "t.csv", "bytes": 9, "rows": 60,
        "columns": 2,
    },
    "files": {"matrix.npy": {"sha256": "s", "bytes": 368}},
    "plan": {
        "rows": 60, "columns": 1, "slots": 1, "bytes": 9, "classes": 2, "memory_mb": 332, "seconds": 4,
        "limits": {"memory_mb": 3008, "most_memory_mb": 10240, "seconds": 900},
    },
}  # fmt: skip
TIME = {
    "kind": "time", "column": "day", "time_kind": "date", "holdout": 0.2, "train_until": 1.5, "last": 2.0,
    "rule": time_rule("day", "date"),
}  # fmt: skip


def imported() -> dict[str, Any]:
    """Return the document of an imported model: it has a mark instead of the lines of its spec."""
    document: dict[str, Any] = {}
    for name, value in TABLE.items():
        if name == "spec":
            document["brought"] = True
        if name != "spec_lines":
            document[name] = value
    return document | {"split": {"kind": "reference"}, "profile": [], "target_kind": None}


@pytest.mark.parametrize(
    "stored", [TABLE, TABLE | {"split": TIME, "salt": None, "classes": None, "task": "regression"}, imported()]
)
def test_a_document_is_read_and_written_back_as_it_is(stored: dict[str, Any]) -> None:
    body = json.dumps(stored).encode()
    document = table_document_from_bytes(body)
    assert document.to_bytes() == body
    assert document.facts.spec == SPEC
    assert document.facts.imported is ("brought" in stored)


def test_a_document_of_another_format_is_refused() -> None:
    with pytest.raises(ArtifactRefusedError, match="format version 2, and version 1 can be read"):
        table_document_from_bytes(json.dumps(TABLE | {"format_version": 2}).encode())
