"""A brought model: checked, run by two independent implementations, examined on its reference table, registered."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from modelloop import deviance, keys
from modelloop.deviance import RMSE
from modelloop.evidence import Check
from modelloop.gate import APPROVE, Decision
from modelloop.split import HOLDOUT
from trainer import onnx_checks
from trainer import table as tables
from trainer.callers import keep_old_callers
from trainer.evaluation.losses import check_domain
from trainer.evaluation.outcome import capped
from trainer.examination import Examination, examine
from trainer.files import File
from trainer.objective import LOG_LOSS
from trainer.onnx_reference import MOST_ROWS, OnnxReference
from trainer.sources import Export
from trainer.table import Part, PreparedTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelloop.encoding import Encoding
    from modelloop.run import Run
    from trainer.incumbents import Champion
    from trainer.onnx_checks import CheckedModel
    from trainer.search import Trial

MADE_UP_ROWS = 200
UNPROVEN = Check(
    "reference", "approval", "no labelled reference.csv came with the model, so nothing shows that it is of use"
)
UNKNOWN_ROWS = Check(
    "provenance", "approval", "the rows that the brought model was fitted on are unknown; a comparison may flatter it"
)


@dataclass(frozen=True)
class Brought:
    """A model that was fitted elsewhere."""

    model: CheckedModel
    predictor: OnnxReference
    gate_metric: str
    trials: list[Trial] = field(default_factory=list)
    warm_start: None = None

    def describe(self) -> dict[str, Any]:
        """Return what the file says of its making."""
        return onnx_checks.facts(self.model)

    def export(self, _encoding: Encoding) -> Export:
        """Return the file itself."""
        file = File(keys.ONNX, self.model.content)
        onnx = {"file": keys.ONNX, **file.facts(), "input": self.model.input, "outputs": [self.model.output]}
        return Export({"engine": "onnx", "flat": None, "onnx": onnx}, [file])


def bring(run: Run, document: dict[str, Any], champion: Champion | None) -> tuple[PreparedTable, Brought, Examination]:
    """Check and examine a brought model; raise DatasetRejectedError, saying why, when it cannot serve."""
    files = tables.read_files(run.model, run.run_id, document, skip=(keys.ONNX,))
    table = keep_old_callers(_table(document, files), champion)
    content = tables.read_file(run.model, run.run_id, document, keys.ONNX)
    classes = len(table.classes or ())
    named = table.spec.outputs.get("predict_proba" if classes else "predict")
    model = onnx_checks.check(content, slots=len(table.encoding.slots), classes=classes, output=named)
    predictor = OnnxReference(model.content, output=model.output, classes=classes, threshold=table.spec.threshold)
    source = Brought(model, predictor, LOG_LOSS if classes else deviance.canonical(table.spec.metric or "") or RMSE)
    if "target.npy" in files:
        check_domain(source.gate_metric, table.rows.target, str(table.document["target"]))
        examination = examine(table, predictor, source.gate_metric, champion)
        return table, source, _doubted(examination, [UNKNOWN_ROWS] if champion is not None else [])
    return table, source, _unexamined(table, predictor)


def _table(document: dict[str, Any], files: dict[str, Any]) -> PreparedTable:
    """Return the reference rows, or made-up ones, all held out; rows without a label are left out."""
    empty = tables.prepared(document, Part(np.zeros((0, 0), np.float32), np.zeros(0)), np.zeros(0, np.uint8))
    matrix = files.get("matrix.npy", made_up(empty))
    target = files.get("target.npy", np.zeros(len(matrix))).astype(np.float64)
    part = Part(matrix, target).take(~np.isnan(target))
    part = part.take(capped(part.rows, MOST_ROWS, empty.seed))
    return replace(empty, rows=part, membership=np.full(part.rows, HOLDOUT, np.uint8))


def made_up(table: PreparedTable) -> Any:
    """Return vectors that the encoding can make, float32: no one's rows, to see whether two runtimes agree."""
    generator = np.random.default_rng(table.seed)
    slots = [
        generator.integers(0, slot.codes, MADE_UP_ROWS)
        if slot.kind == "category"
        else generator.normal(size=MADE_UP_ROWS)
        for slot in table.encoding.slots
    ]
    return np.column_stack(slots).astype(np.float32)


def _unexamined(table: PreparedTable, predictor: OnnxReference) -> Examination:
    outcome = predictor.outcome(table.holdout)
    decision = Decision(APPROVE, (UNPROVEN,), (), (UNPROVEN.detail,))
    metrics: dict[str, Any] = {"holdout": {}, "trivial": {}, "champion": None}
    return Examination(outcome, metrics, decision, None, candidate_is_best=True)


def _doubted(examination: Examination, doubts: Sequence[Check]) -> Examination:
    return replace(examination, decision=examination.decision.doubted(doubts))
