"""An imported model: checked, asked through the runtime that serves, held to a second implementation, examined."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from modelloop import keys
from modelloop.contracts.bundle import ONNX, EngineForm, OnnxFile
from modelloop.spec import deviance
from modelloop.spec.deviance import RMSE
from modelloop.tables.split import HOLDOUT
from modelloop.versions.evidence import Check
from modelloop.versions.gate import APPROVE, GateDecision
from modelloop.versions.run import Metrics
from trainer import table as tables
from trainer.comparison.examination import Examination, examine
from trainer.comparison.schema_compatibility import keep_old_callers
from trainer.comparison.served import Served, ServedBundle
from trainer.evaluation.losses import check_domain
from trainer.onnx_import import checks
from trainer.onnx_import.reference import OnnxReference
from trainer.release.bundle import NO_GOLDEN_ROWS, serving_file
from trainer.release.sources import Export, File
from trainer.rows import Part

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelloop.contracts.manifest_parts import EstimatorFacts, TrialRecord
    from modelloop.tables.encoding import Encoding
    from modelloop.versions.prepared_table import TableDocument
    from modelloop.versions.run import Run
    from trainer.comparison.incumbents import Champion
    from trainer.onnx_import.checks import CheckedModel
    from trainer.services import Services
    from trainer.table import Arrays, PreparedTable

LOG_LOSS = "log_loss"
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
    "provenance", "approval", "the rows that the imported model was fitted on are unknown; a comparison may flatter it"
)


@dataclass(frozen=True)
class ImportedModel:
    """A model that was fitted elsewhere: `predictor` is what serves, `proof` the implementation that it is held to."""

    model: CheckedModel
    predictor: Served
    proof: OnnxReference
    gate_metric: str
    trials: list[TrialRecord] = field(default_factory=list)
    started_from: None = None
    selection: None = None
    unseen: None = None

    def describe(self) -> EstimatorFacts:
        """Return what the file says of its making."""
        return checks.estimator_facts(self.model)

    def export(self, _encoding: Encoding) -> Export:
        """Return the file itself."""
        file = File(keys.ONNX, self.model.content)
        return Export(_form(self.model, file), [file])


def import_model(
    services: Services, run: Run, document: TableDocument, champion: Champion | None, deadline: float
) -> tuple[PreparedTable, ImportedModel, Examination]:
    """Check and examine an imported model; raise DatasetRejectedError, saying why, when it cannot serve.

    Reference rows are asked about until two fifths of the time to the deadline are over.
    """
    until = time.monotonic() + EXAMINING_SHARE * (deadline - time.monotonic())
    files = tables.read_files(services.artifacts, document, skip=(keys.ONNX,))
    champions = None if champion is None else champion.incumbent.encoding
    table = _table(document, files)
    table = replace(table, encoding=keep_old_callers(table.encoding, champions))
    content = tables.read_file(services.artifacts, document, keys.ONNX)
    source = _source(services, run, table, checks.check(
        content, encoding=table.encoding, classes=table.classes or (),
        output=table.spec.outputs.get("predict" if table.classes is None else "predict_proba"),
    ))  # fmt: skip
    _try_out(table, source)
    table = _answered(table, source.predictor, until)
    if tables.TARGET not in files:
        return table, source, _unexamined(table, source.predictor)
    check_domain(source.gate_metric, table.rows.target, str(table.target))
    examination = examine(table, source.predictor, source.gate_metric, champion)
    review_checks = [UNKNOWN_ROWS] if champion is not None else []
    decision = examination.decision.with_review_checks(review_checks)
    return table, source, replace(examination, decision=decision)


def _table(document: TableDocument, files: Arrays) -> PreparedTable:
    """Return the labelled reference rows, all rows when none has a label, or made-up ones."""
    if tables.MATRIX not in files:
        empty = Part(np.zeros((0, 0), np.float32), np.zeros(0))
        table = tables.order_rows(document, empty, np.zeros(0, np.uint8))
        rows = Part(made_up(table), np.zeros(MADE_UP_ROWS))
        return replace(table, rows=rows, membership=np.full(rows.rows, HOLDOUT, np.uint8))
    matrix = files[tables.MATRIX]
    target = files.get(tables.TARGET, np.zeros(len(matrix))).astype(np.float64)
    whole = tables.order_rows(document, Part(matrix, target), files[tables.MEMBERSHIP], files.get(tables.SLICES))
    return _only(whole, np.flatnonzero(~np.isnan(target)))


def _only(table: PreparedTable, places: NDArray[np.intp]) -> PreparedTable:
    slices = None if table.slices is None else table.slices[places]
    return replace(table, rows=table.rows.take(places), membership=table.membership[places], slices=slices)


def made_up(table: PreparedTable) -> NDArray[np.float32]:
    """Return vectors [rows, slots] that the encoding can make: no real rows, to see whether two runtimes agree."""
    generator = np.random.default_rng(table.seed)
    slots = [
        generator.integers(0, slot.codes, MADE_UP_ROWS)
        if slot.kind == "category"
        else generator.normal(size=MADE_UP_ROWS)
        for slot in table.encoding.slots
    ]
    return np.column_stack(slots).astype(np.float32)


def _source(services: Services, run: Run, table: PreparedTable, model: CheckedModel) -> ImportedModel:
    """Upload the model, so that the serving runtime can be asked, and return it."""
    classes, threshold = len(table.classes or ()), table.spec.threshold
    file = File(keys.ONNX, model.content)
    probe = serving_file(table, run.run_id, _form(model, file), NO_GOLDEN_ROWS)
    key = keys.prepared(run.model, run.run_id, probe.name)
    services.artifacts.put(keys.version(run.model, run.run_id, file.name), file.body)
    services.artifacts.put(key, probe.body)
    bundle = ServedBundle(
        run.model, run.run_id, key, probe.facts(), slots=len(table.encoding.slots), classes=classes,
        threshold=threshold, request_id=run.request_id,
    )  # fmt: skip
    reference = OnnxReference(model.content, output=model.output, classes=classes, threshold=threshold)
    metric = LOG_LOSS if classes else deviance.canonical(table.spec.metric or "") or RMSE
    return ImportedModel(model, Served(services, bundle, run.run_id), reference, metric)


def _form(model: CheckedModel, file: File) -> EngineForm:
    facts = file.facts()
    return EngineForm(ONNX, onnx=OnnxFile(file.name, facts.sha256, facts.bytes, model.input, [model.output]))


def _try_out(table: PreparedTable, source: ImportedModel) -> None:
    """Ask both implementations about made-up rows, then the serving one about rows with missing cells."""
    rows = made_up(table)
    count = min(len(rows), source.proof.max_rows)
    few = Part(rows[:count], np.zeros(count))
    source.proof.predict(few)
    source.predictor.predict(few)
    generator = np.random.default_rng(table.seed)
    rows[generator.random(rows.shape) < MISSING_SHARE] = np.nan
    rows[0] = np.nan
    source.predictor.predict(Part(rows, np.zeros(len(rows))))


def _answered(table: PreparedTable, served: Served, until: float) -> PreparedTable:
    """Return the table with the rows that the model answers in time, an even sample when these are not all."""
    order = np.random.default_rng(table.seed).permutation(table.rows.rows)
    done = served.remember(table.rows.matrix[order], until)
    if done == len(order):
        return table
    warning = (
        f"{done:,} of {len(order):,} reference rows were examined: the model takes {served.seconds_a_row:.2g} s a row"
    )
    facts = replace(table.facts, warnings=[*table.facts.warnings, warning])
    return _only(replace(table, document=replace(table.document, facts=facts)), np.sort(order[:done]))


def _unexamined(table: PreparedTable, predictor: Served) -> Examination:
    predictions = predictor.predict(table.holdout)
    decision = GateDecision(APPROVE, (UNPROVEN,), (), (UNPROVEN.detail,))
    return Examination(predictions, Metrics({}, {}, None), decision, None, candidate_is_best=True)
