"""Prepared tables that tests write by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelloop.spec.model import Spec
from modelloop.tables import split
from modelloop.tables.split import Split
from modelloop.versions.prepared_table import TableDocument, TableFacts
from modelloop.versions.run import Dataset, Plan, PlanLimits
from trainer.table import PreparedTable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from modelloop.tables.encoding import Encoding
    from modelloop.versions.prepared_table import Label, TableFile
    from trainer.rows import Part

PLAN = Plan(0, 0, 0, 0, 0, 0, 0, PlanLimits(0, 0, 0))
BY_CONTENT = Split(split.CONTENT, None, 0.2, "s", {}, rule="r")


def table_facts(
    encoding: Encoding,
    spec: Spec | None = None,
    *,
    task: str = "classification",
    classes: Sequence[Label] = ("no", "yes"),
    **facts: Any,
) -> TableFacts:
    """Return what preparing a table would have found out; `classes` count for classification alone."""
    known: dict[str, Any] = {
        "model": "m", "target": "y", "task_reason": "", "target_kind": None, "merged_classes": [], "profile": [],
        "warnings": [], "rows": 1, "salt": "s", "split": BY_CONTENT, "slices": [],
    }  # fmt: skip
    labels = list(classes) if task == "classification" else None
    return TableFacts(spec=spec or Spec(), task=task, classes=labels, encoding=encoding, **known | facts)


def document_of(
    facts: TableFacts,
    *,
    run_id: str = "r",
    dataset: Dataset | None = None,
    files: Mapping[str, TableFile] | None = None,
) -> TableDocument:
    """Return the document of a table with these facts."""
    made_of = dataset or Dataset("s3://data/datasets/m/t.csv", "v", "d", "t.csv", 1)
    return TableDocument(facts, run_id, made_of, files or {}, PLAN)


def prepared_table(
    facts: TableFacts, rows: Part, sides: NDArray[np.uint8], slices: NDArray[np.int16] | None = None
) -> PreparedTable:
    """Return a prepared table of rows that lie in the order of their sides."""
    return PreparedTable(document_of(facts), facts.encoding, rows, sides, slices)
