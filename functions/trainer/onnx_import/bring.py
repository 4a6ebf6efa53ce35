"""A brought model: checked, asked through the runtime that serves, held to a second implementation, examined."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from modelloop import keys
from modelloop.spec import deviance
from modelloop.spec.deviance import RMSE
from modelloop.tables.split import HOLDOUT
from modelloop.versions.evidence import Check
from modelloop.versions.gate import APPROVE, GateDecision
from trainer import table as tables
from trainer.comparison.examination import Examination, examine
from trainer.comparison.schema_compatibility import keep_old_callers
from trainer.comparison.served import Served
from trainer.evaluation.losses import check_domain
from trainer.onnx_import import checks
from trainer.onnx_import.reference import OnnxReference
from trainer.release import bundle
from trainer.release.files import File
from trainer.release.sources import Export
from trainer.search.objective import LOG_LOSS
from trainer.table import Part, PreparedTable

if TYPE_CHECKING:
    from modelloop.tables.encoding import Encoding
    from modelloop.versions.run import Run
    from trainer.comparison.incumbents import Champion
    from trainer.onnx_import.checks import CheckedModel
    from trainer.search.candidates import Trial
    from trainer.services import Services

MADE_UP_ROWS = 200
MISSING_SHARE = 0.1
EXAMINING_SHARE = 0.4
UNPROVEN = Check(
    "reference",
    "approval",
    "no labelled reference.csv came with the model, so nothing shows that it is of use: put one beside it, with the "
    "model's columns and the label that `target` in model.yaml names, and upload the model again",
)
UNKNOWN_ROWS = Check(
    "provenance", "approval", "the rows that the brought model was fitted on are unknown; a comparison may flatter it"
)


@dataclass(frozen=True)
class Brought:
    """A model that was fitted elsewhere: `predictor` is what serves, `proof` the implementation that it is held to."""

    model: CheckedModel
    predictor: Served
    proof: OnnxReference
    gate_metric: str
    trials: list[Trial] = field(default_factory=list)
    started_from: None = None

    def describe(self) -> dict[str, Any]:
        """Return what the file says of its making."""
        return checks.facts(self.model)

    def export(self, _encoding: Encoding) -> Export:
        """Return the file itself."""
        file = File(keys.ONNX, self.model.content)
        return Export(_form(self.model, file), [file])


def bring(
    services: Services, run: Run, document: dict[str, Any], champion: Champion | None, deadline: float
) -> tuple[PreparedTable, Brought, Examination]:
    """Check and examine a brought model; raise DatasetRejectedError, saying why, when it cannot serve.

    Reference rows are asked about until two fifths of the time to the deadline are over.
    """
    until = time.monotonic() + EXAMINING_SHARE * (deadline - time.monotonic())
    files = tables.read_files(services.artifacts, run.model, run.run_id, document, skip=(keys.ONNX,))
    table = keep_old_callers(_table(document, files), champion)
    content = tables.read_file(services.artifacts, run.model, run.run_id, document, keys.ONNX)
    source = _source(services, run, table, checks.check(
        content, encoding=table.encoding, classes=table.classes or (),
        output=table.spec.outputs.get("predict" if table.classes is None else "predict_proba"),
    ))  # fmt: skip
    _try_out(table, source)
    table = _answered(table, source.predictor, until)
    if "target.npy" not in files:
        return table, source, _unexamined(table, source.predictor)
    check_domain(source.gate_metric, table.rows.target, str(table.document["target"]))
    examination = examine(table, source.predictor, source.gate_metric, champion)
    doubts = [UNKNOWN_ROWS] if champion is not None else []
    return table, source, replace(examination, decision=examination.decision.doubted(doubts))


def _table(document: dict[str, Any], files: dict[str, Any]) -> PreparedTable:
    """Return the labelled reference rows, all rows when none has a label, or made-up ones."""
    empty = tables.prepared(document, Part(np.zeros((0, 0), np.float32), np.zeros(0)), np.zeros(0, np.uint8))
    if "matrix.npy" not in files:
        rows = Part(made_up(empty), np.zeros(MADE_UP_ROWS))
        return replace(empty, rows=rows, membership=np.full(rows.rows, HOLDOUT, np.uint8))
    target = files.get("target.npy", np.zeros(len(files["matrix.npy"]))).astype(np.float64)
    rows = Part(files["matrix.npy"], target)
    whole = tables.prepared(document, rows, files["membership.npy"], files.get(tables.SLICES))
    return _only(whole, np.flatnonzero(~np.isnan(target)))


def _only(table: PreparedTable, places: Any) -> PreparedTable:
    slices = None if table.slices is None else table.slices[places]
    return replace(table, rows=table.rows.take(places), membership=table.membership[places], slices=slices)


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


def _source(services: Services, run: Run, table: PreparedTable, model: CheckedModel) -> Brought:
    """Upload the model, so that the serving runtime can be asked, and return it."""
    classes, threshold = len(table.classes or ()), table.spec.threshold
    file = File(keys.ONNX, model.content)
    probe = bundle.serving_file(table, run.run_id, _form(model, file), golden={"rows": [], "outputs": []})
    key = keys.prepared(run.model, run.run_id, probe.name)
    services.artifacts.put(keys.version(run.model, run.run_id, file.name), file.body)
    services.artifacts.put(key, probe.body)
    served = Served(
        services,
        {"model": run.model, "run_id": run.run_id, "request_id": run.request_id, "file": key, **probe.facts()},
        slots=len(table.encoding.slots), classes=classes, threshold=threshold, run_id=run.run_id,
    )  # fmt: skip
    reference = OnnxReference(model.content, output=model.output, classes=classes, threshold=threshold)
    metric = LOG_LOSS if classes else deviance.canonical(table.spec.metric or "") or RMSE
    return Brought(model, served, reference, metric)


def _form(model: CheckedModel, file: File) -> dict[str, Any]:
    onnx = {"file": file.name, **file.facts(), "input": model.input, "outputs": [model.output]}
    return {"engine": "onnx", "flat": None, "onnx": onnx}


def _try_out(table: PreparedTable, source: Brought) -> None:
    """Ask both implementations about made-up rows, then the serving one about rows with missing cells."""
    rows = made_up(table)
    few = Part(rows[: source.proof.most_rows], np.zeros(min(len(rows), source.proof.most_rows)))
    source.proof.outcome(few)
    source.predictor.outcome(few)
    generator = np.random.default_rng(table.seed)
    rows[generator.random(rows.shape) < MISSING_SHARE] = np.nan
    rows[0] = np.nan
    source.predictor.outcome(Part(rows, np.zeros(len(rows))))


def _answered(table: PreparedTable, served: Served, until: float) -> PreparedTable:
    """Return the table with the rows that the model answers in time, an even sample when these are not all."""
    order = np.random.default_rng(table.seed).permutation(table.rows.rows)
    done = served.remember(table.rows.matrix[order], until)
    if done == len(order):
        return table
    told = (
        f"{done:,} of {len(order):,} reference rows were examined: the model takes {served.seconds_a_row:.2g} s a row"
    )
    document = table.document | {"warnings": [*table.document["warnings"], told]}
    return _only(replace(table, document=document), np.sort(order[:done]))


def _unexamined(table: PreparedTable, predictor: Served) -> Examination:
    outcome = predictor.outcome(table.holdout)
    decision = GateDecision(APPROVE, (UNPROVEN,), (), (UNPROVEN.detail,))
    metrics: dict[str, Any] = {"holdout": {}, "trivial": {}, "champion": None}
    return Examination(outcome, metrics, decision, None, candidate_is_best=True)
