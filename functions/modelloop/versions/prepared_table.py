"""The document of a prepared table: all that intake tells the trainer beside the arrays.

The arrays are files beside the document, which has their digests: `matrix.npy` (float32 [rows, slots]), `target.npy`,
`membership.npy` (uint8 [rows]), `times.npy` (float64 [rows], with a time column), `contents.npy` (int32 [rows], equal
for rows of one content, where most rows repeat another one), `groups.npy` (int32 [rows], equal for rows of one group,
with a group column) and `slices.npy` (int16 [rows, columns of `slices`]). An imported model has its ONNX file among
them, and arrays only of its reference table.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from modelloop.errors import ArtifactRefusedError
from modelloop.spec.model import Spec, spec_from_json
from modelloop.tables.encoding import Encoding, encoding_from_json
from modelloop.tables.split import Split, split_from_json
from modelloop.versions.novelty import Novelty
from modelloop.versions.run import Dataset, Plan, dataset_from_json, plan_from_json

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT_VERSION = 1

Label = str | int | float | bool


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """What a column holds, as runs, manifests and reports show it.

    `role` is target, feature or dropped, for the `reason`. `top` are the commonest values with their counts; nothing of
    a `masked` column's values is shown.
    """

    name: str
    kind: str
    role: str
    reason: str | None
    missing: int
    distinct: int
    min: float | None
    max: float | None
    mean: float | None
    first: str | None
    last: str | None
    top: list[list[str | int]]
    constant: bool
    identifier_like: bool
    masked: bool


@dataclass(frozen=True, slots=True)
class SliceLabels:
    """The labels of the slices of one protected column; `slices.npy` has their places."""

    name: str
    labels: list[str]


@dataclass(frozen=True, slots=True)
class TableFile:
    """What a file beside the document must be: its hex SHA-256 and its size in bytes."""

    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class TableFacts:
    """What preparing a table established. `classes` (None for regression) are in the order of their codes.

    `first_line` shows the line that names the columns if it looks like data. `growing` are the feature columns that
    grow with the rows, `novelty` how often text columns brought new values (those that did, of tables in time's order).
    """

    model: str
    spec: Spec
    task: str
    task_reason: str
    target: str | None
    target_kind: str | None
    classes: list[Label] | None
    merged_classes: list[str]
    encoding: Encoding
    profile: list[ColumnProfile]
    warnings: list[str]
    rows: int
    salt: str | None
    split: Split
    slices: list[SliceLabels]
    imported: bool = False
    first_line: str | None = None
    growing: tuple[str, ...] = ()
    novelty: Mapping[str, Novelty] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TableDocument:
    """The facts of a prepared table, the run that it is for, and the files beside it by name."""

    facts: TableFacts
    run_id: str
    dataset: Dataset
    files: Mapping[str, TableFile]
    plan: Plan

    def to_bytes(self) -> bytes:
        """Return the stored bytes: JSON."""
        facts, spec = self.facts, self.facts.spec
        brought = {"brought": True} if facts.imported else {}
        lines = {} if facts.imported else {"spec_lines": spec.lines}
        doubts = {} if facts.first_line is None else {"first_line": facts.first_line}
        grown = {"growing": list(facts.growing)} if facts.growing else {}
        new = {"novelty": {name: asdict(one) for name, one in facts.novelty.items()}} if facts.novelty else {}
        document = {
            "format_version": FORMAT_VERSION, "model": facts.model, **brought, "spec": spec.to_json(), **lines,
            "task": facts.task, "task_reason": facts.task_reason, "target": facts.target,
            "target_kind": facts.target_kind, "classes": facts.classes, "merged_classes": facts.merged_classes,
            "encoding": facts.encoding.to_json(), "profile": [asdict(column) for column in facts.profile],
            "warnings": facts.warnings, "rows": facts.rows, "salt": facts.salt, "split": facts.split.to_json(),
            "slices": [asdict(column) for column in facts.slices], "run_id": self.run_id,
            "dataset": self.dataset.to_json(), "files": {name: asdict(file) for name, file in self.files.items()},
            "plan": asdict(self.plan), **doubts, **grown, **new,
        }  # fmt: skip
        return json.dumps(document, allow_nan=False).encode()


def table_document_from_bytes(body: bytes) -> TableDocument:
    """Return a stored document; raise ArtifactRefusedError for a format that this release does not read."""
    document: dict[str, Any] = json.loads(body)
    version = document.get("format_version")
    if version != FORMAT_VERSION:
        raise ArtifactRefusedError(
            f"the prepared table has format version {version!r}, and version {FORMAT_VERSION} can be read"
        )
    named = ("model", "task", "task_reason", "target", "target_kind", "classes", "merged_classes", "warnings", "rows")
    facts = TableFacts(
        **{name: document[name] for name in (*named, "salt")},
        spec=replace(spec_from_json(document["spec"]), lines=document.get("spec_lines", {})),
        encoding=encoding_from_json(document["encoding"]),
        profile=[ColumnProfile(**column) for column in document["profile"]],
        split=split_from_json(document["split"]),
        slices=[SliceLabels(**column) for column in document["slices"]],
        imported=document.get("brought", False),
        first_line=document.get("first_line"),
        growing=tuple(document.get("growing", ())),
        novelty={name: Novelty(**one) for name, one in document.get("novelty", {}).items()},
    )
    return TableDocument(
        facts,
        run_id=document["run_id"],
        dataset=dataset_from_json(document["dataset"]),
        files={name: TableFile(**file) for name, file in document["files"].items()},
        plan=plan_from_json(document["plan"]),
    )
