"""The serving bundle: the one file that the data plane reads. Same table, spec and lock, same bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from modelloop import keys
from modelloop.contracts.pointer import LARGEST_BYTES
from modelloop.errors import ExportMismatchError
from trainer.evaluation.conformal import residual_quantiles
from trainer.release.files import File
from trainer.release.golden import cells, golden_rows
from trainer.table import Part

if TYPE_CHECKING:
    from modelloop.contracts.baseline import Baseline
    from trainer.evaluation.predictors import Predictor
    from trainer.table import PreparedTable

FORMAT_VERSION = 1


def bundle(
    table: PreparedTable,
    run_id: str,
    estimator: Predictor,
    form: dict[str, Any],
    baseline: Baseline,
) -> File:
    """Return `model.flat.json`; `form` has the engine's part of it, `baseline` gives the golden rows their values."""
    return serving_file(table, run_id, form, _golden(table, estimator, baseline), _interval(table, estimator))


def serving_file(
    table: PreparedTable,
    run_id: str,
    form: dict[str, Any],
    golden: dict[str, Any],
    interval: dict[str, Any] | None = None,
) -> File:
    """Return the document of a form with these golden rows and intervals."""
    spec = table.spec
    document = {
        "format_version": FORMAT_VERSION,
        "model": table.document["model"],
        "run_id": run_id,
        "task": table.task,
        "target": table.document["target"],
        "classes": table.classes,
        "threshold": spec.threshold,
        "encoding": table.encoding.to_json(),
        **form,
        "golden": golden,
        "interval": interval,
        "capture": {"percent": spec.monitoring.capture_percent, "mask": sorted(spec.mask)},
        "base": None,
    }
    body = orjson.dumps(document)
    if len(body) > LARGEST_BYTES:
        raise ExportMismatchError(
            f"the model has {len(body) >> 20} MiB and can serve with {LARGEST_BYTES >> 20} at most; give it fewer or "
            "smaller trees (`params`: n_estimators, max_leaf_nodes), or choose another family"
        )
    return File(keys.BUNDLE, body, "application/json")


def _golden(table: PreparedTable, estimator: Predictor, baseline: Baseline) -> dict[str, Any]:
    rows = golden_rows(table.encoding, baseline, table.spec.mask)
    read = table.encoding.read(len(rows), cells(rows, table.encoding))
    vectors = np.array(read.vectors, np.float32).reshape(len(rows), len(table.encoding.slots))
    said = estimator.outcome(Part(vectors, np.zeros(len(rows))))
    return {"rows": rows, "outputs": [_output(table, said, row) for row in range(len(rows))]}


def _output(table: PreparedTable, said: Any, row: int) -> dict[str, Any]:
    if table.classes is None:
        return {"predict": float(said.predicted[row]), "predict_proba": None}
    return {"predict": table.classes[int(said.predicted[row])], "predict_proba": said.proba[row].tolist()}


def _interval(table: PreparedTable, estimator: Predictor) -> dict[str, Any] | None:
    if table.classes is not None or not table.validation.rows:
        return None
    return {"quantiles": residual_quantiles(estimator.outcome(table.validation))}
