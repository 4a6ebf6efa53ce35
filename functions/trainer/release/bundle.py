"""The serving bundle: the one file that the data plane reads. Same table, spec and lock, same bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from modelloop import keys
from modelloop.contracts.bundle import Bundle, GoldenOutput, GoldenRows
from modelloop.contracts.pointer import MAX_MODEL_BYTES
from modelloop.errors import ExportMismatchError
from trainer.evaluation.interval_calibration import calibrate
from trainer.release.golden import cells, golden_rows
from trainer.release.sources import File
from trainer.rows import Part

if TYPE_CHECKING:
    from modelloop.contracts.baseline import Baseline
    from modelloop.contracts.bundle import EngineForm
    from modelloop.flat.intervals import IntervalRule
    from trainer.evaluation.interval_calibration import CalibratedIntervals
    from trainer.release.sources import Source
    from trainer.rows import Predictions, Predictor
    from trainer.table import PreparedTable

NO_GOLDEN_ROWS = GoldenRows((), ())


def serving_file(
    table: PreparedTable,
    run_id: str,
    form: EngineForm,
    golden: GoldenRows,
    intervals: IntervalRule | None = None,
) -> File:
    """Return `model.flat.json`: `form` is the engine's part of it, `intervals` how prediction intervals are made."""
    spec = table.spec
    bundle = Bundle(
        model=table.facts.model,
        run_id=run_id,
        task=table.task,
        target=table.target,
        classes=table.classes,
        threshold=spec.threshold,
        encoding=table.encoding,
        form=form,
        golden=golden,
        intervals=intervals,
        capture_percent=spec.monitoring.capture_percent,
        mask=sorted(spec.mask),
    )
    body = bundle.to_bytes()
    if len(body) > MAX_MODEL_BYTES:
        raise ExportMismatchError(
            f"the model has {len(body) >> 20} MiB and can serve with {MAX_MODEL_BYTES >> 20} at most; give it fewer or "
            "smaller trees (`params`: n_estimators, max_leaf_nodes), or choose another family"
        )
    return File(keys.BUNDLE, body, "application/json")


def make_golden(table: PreparedTable, predictor: Predictor, baseline: Baseline) -> GoldenRows:
    """Return made-up rows, with values from the bins of the baseline, and what the model predicts of them."""
    rows = golden_rows(table.encoding, baseline, table.spec.mask)
    encoded = table.encoding.read(len(rows), cells(rows, table.encoding))
    vectors = np.array(encoded.vectors, np.float32).reshape(len(rows), len(table.encoding.slots))
    predictions = predictor.predict(Part(vectors, np.zeros(len(rows))))
    return GoldenRows(tuple(rows), tuple(_output(table, predictions, row) for row in range(len(rows))))


def _output(table: PreparedTable, predictions: Predictions, row: int) -> GoldenOutput:
    if table.classes is None or predictions.proba is None:
        return GoldenOutput(float(predictions.predicted[row]), None)
    label = table.classes[int(predictions.predicted[row])]
    return GoldenOutput(label, tuple(predictions.proba[row].tolist()))


def calibrated_intervals(table: PreparedTable, source: Source) -> CalibratedIntervals | None:
    """Return intervals calibrated on rows that were not fitted on; None for classes and where there are none.

    Those are the validation part's, or the answers that stand for unseen ones where the model has learned from it.
    """
    if table.classes is not None or not table.validation.rows:
        return None
    unseen = source.unseen
    if unseen is None:
        part = table.validation
        return calibrate(table, part, source.predictor.predict(part), source.gate_metric)
    return calibrate(table, table.fitting_rows.take(unseen.rows), unseen.predictions, source.gate_metric)
