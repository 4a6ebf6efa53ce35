"""Make a version of a candidate: its files, proven by replay, and last its manifest."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from modelloop import clock, keys
from modelloop.aws.registry import manifests
from modelloop.contracts.evaluation import Diagnostics
from modelloop.contracts.manifest import Manifest
from modelloop.contracts.replay_request import ReplayVerdict
from modelloop.errors import NotFoundError
from modelloop.monitoring.drift import baseline, pairs
from trainer.evaluation.calibration import absolute_errors
from trainer.evaluation.diagnostics import diagnose
from trainer.release.bundle import NO_GOLDEN_ROWS, calibrated_intervals, make_golden, serving_file
from trainer.release.lineage import best_version, environment, split_facts
from trainer.release.replaying import prove
from trainer.release.sources import File
from trainer.report.page import render
from trainer.rows import pack_anchor

if TYPE_CHECKING:
    from modelloop.aws.storage import Bucket
    from modelloop.contracts.baseline import Baseline
    from modelloop.contracts.evaluation import LearningCurve
    from modelloop.contracts.manifest_parts import CrossValidation
    from modelloop.versions.prepared_table import TableFacts
    from modelloop.versions.run import Run
    from trainer.comparison.examination import Examination
    from trainer.comparison.incumbents import Champion
    from trainer.evaluation.interval_calibration import CalibratedIntervals
    from trainer.progress import Progress
    from trainer.release.sources import Source
    from trainer.rows import Part, Predictor
    from trainer.search.crossing import OutOfFold
    from trainer.services import Services
    from trainer.table import PreparedTable

UNREGISTERED = 0
DIFFERENT = 0.5  # of the holdout's answers: with fewer different ones they repeat


@dataclass(frozen=True)
class ExaminedCandidate:
    """A candidate with everything known of it, whatever the gate decided."""

    table: PreparedTable
    source: Source
    examination: Examination
    champion: Champion | None
    cross_validation: CrossValidation | None = None
    learning_curve: LearningCurve | None = None


class Profile(NamedTuple):
    """The baseline of a candidate, and the answered rows that it was made of: the training part, and unseen ones."""

    baseline: Baseline
    own: pairs.AnsweredRows
    unseen: pairs.AnsweredRows


def find_manifest(artifacts: Bucket, model: str, run_id: str) -> Manifest | None:
    """Return the manifest that an earlier attempt of the run wrote, or None."""
    try:
        return manifests.read(artifacts, model, run_id)
    except NotFoundError:
        return None


def make_version(services: Services, run: Run, candidate: ExaminedCandidate, progress: Progress) -> Manifest:
    """Export, upload, replay and describe a candidate; return its manifest, which is written last."""
    progress.reach("exporting")
    table, source = candidate.table, candidate.source
    profile, exported = _profile(candidate), source.export(table.encoding)
    golden = make_golden(table, source.predictor, profile.baseline)
    intervals = calibrated_intervals(table, source)
    rule = None if intervals is None else intervals.rule
    bundle = serving_file(table, run.run_id, exported.form, golden, rule)
    files = [*exported.files, bundle, *_anchor(candidate)]
    for file in files:
        _put(services.artifacts, run, file)
    progress.reach("replaying")
    verdict = prove(services, table, run, source.proof, bundle, exported.form)
    progress.reach("registering")
    number = services.registry.reserve_version(run.model, run.run_id)
    described = _describe(run, number, candidate, profile, verdict, intervals)
    files.append(_report(services.artifacts, run, described))
    manifest = replace(described, golden=golden, files={file.name: file.facts() for file in files})
    key = keys.version(run.model, run.run_id, keys.MANIFEST)
    services.artifacts.put_once(key, manifest.to_bytes(), content_type="application/json")
    return manifest


def report_refusal(artifacts: Bucket, run: Run, candidate: ExaminedCandidate) -> None:
    """Write the report of a candidate that the gate refused; without a manifest there is no version."""
    _report(artifacts, run, _describe(run, UNREGISTERED, candidate, _profile(candidate), ReplayVerdict()))


def _report(artifacts: Bucket, run: Run, described: Manifest) -> File:
    page = File(keys.REPORT, render(described), "text/html; charset=utf-8")
    _put(artifacts, run, page)
    return page


def _profile(candidate: ExaminedCandidate) -> Profile:
    table, predictor = candidate.table, candidate.source.predictor
    own, known_answers = _answered(predictor, table.reference_rows), candidate.source.unseen
    unseen = unseen_answers(table, predictor, known_answers) if table.train.rows and table.unseen.rows else None
    known = baseline.build(
        table.encoding, own.matrix, own.predictions, table.classes, table.spec.mask, times=own.times,
        unseen=None if unseen is None else baseline.Answers(unseen.predictions, unseen.times),
    )  # fmt: skip
    return Profile(baseline.with_novelty(known, table.facts.novelty), own, unseen or own)


def unseen_answers(table: PreparedTable, predictor: Predictor, known: OutOfFold | None) -> pairs.AnsweredRows:
    """Return answers to rows that were not fitted on: after a refit, those `known` of folds, and those to the holdout.

    Where answers repeat, as those of one tree do, other models of the folds give other numbers, which would all be
    drift: there the holdout stands alone.
    """
    if known is None:
        return _answered(predictor, table.unseen)
    held, rows = _answered(predictor, table.holdout), table.rows.take(known.rows)
    if table.classes is None and len(np.unique(held.predictions)) < len(held.predictions) * DIFFERENT:
        return held
    return pairs.AnsweredRows(
        np.concatenate([rows.matrix, held.matrix]),
        np.concatenate([known.predictions.predicted, held.predictions]),
        None if rows.times is None or held.times is None else np.concatenate([rows.times, held.times]),
    )


def _completed(profile: Profile, table: PreparedTable, diagnostics: Diagnostics) -> Baseline:
    """Return the baseline with what depends on which columns are important: alarms, and pairs of columns."""
    known = baseline.without_alarms(profile.baseline, _growing(table.facts, diagnostics))
    important = [column.column for column in diagnostics.importance]
    return pairs.with_pairs(known, table.encoding, important, profile.own, profile.unseen)


def _answered(predictor: Predictor, part: Part) -> pairs.AnsweredRows:
    predicted = predictor.predict(part).predicted if part.rows else np.zeros(0)
    return pairs.AnsweredRows(part.matrix, predicted, part.times)


def _anchor(candidate: ExaminedCandidate) -> list[File]:
    """Return the holdout rows that successors are compared on; rows without labels compare nothing."""
    if candidate.examination.labels is None:
        return []
    return [File(keys.ANCHOR, pack_anchor(candidate.table.holdout, candidate.table.seed))]


def _put(artifacts: Bucket, run: Run, file: File) -> None:
    key = keys.version(run.model, run.run_id, file.name)
    artifacts.put(key, file.body, content_type=file.content_type)


def _describe(
    run: Run,
    number: int,
    candidate: ExaminedCandidate,
    profile: Profile,
    verdict: ReplayVerdict,
    intervals: CalibratedIntervals | None = None,
) -> Manifest:
    """Return the manifest but for its golden rows and files."""
    table, source, examination = candidate.table, candidate.source, candidate.examination
    facts, champion = table.facts, candidate.champion
    diagnostics = _with_errors(candidate, _diagnostics(candidate, intervals), profile.baseline)
    return Manifest(
        model=run.model,
        version=number,
        run_id=run.run_id,
        created_at=clock.now(),
        cause=run.cause,
        request_id=run.request_id,
        task=table.task,
        target=table.target,
        classes=table.classes,
        dataset=table.document.dataset,
        profile=tuple(facts.profile),
        warnings=tuple(facts.warnings),
        spec=table.spec,
        encoding=table.encoding,
        estimator=source.describe(),
        trials=tuple(source.trials),
        started_from=source.started_from,
        environment=environment(),
        split=split_facts(table),
        metrics=examination.metrics,
        cross_validation=candidate.cross_validation,
        labels=examination.labels,
        gate=examination.decision,
        compared_with=None if champion is None else champion.incumbent.manifest.run_id,
        best=best_version(run.run_id, number, examination, champion),
        baseline=_completed(profile, table, diagnostics),
        diagnostics=diagnostics,
        replay=verdict,
        golden=NO_GOLDEN_ROWS,
        files={},
        selection=source.selection,
        learning_curve=candidate.learning_curve,
    )


def _with_errors(candidate: ExaminedCandidate, diagnostics: Diagnostics, profile: Baseline) -> Diagnostics:
    """Return the diagnostics of a regression with its errors by bin of the prediction, where the holdout has labels."""
    if candidate.table.classes is not None or candidate.examination.labels is None:
        return diagnostics
    errors = absolute_errors(candidate.examination.predictions, profile.prediction.bins)
    return replace(diagnostics, errors=errors)


def _growing(facts: TableFacts, diagnostics: Diagnostics) -> set[str]:
    """Return the columns that grow with the rows, without the most important one: what it does must not be missed."""
    return set(facts.growing) - {column.column for column in diagnostics.importance[:1]}


def _diagnostics(candidate: ExaminedCandidate, intervals: CalibratedIntervals | None) -> Diagnostics:
    """Return what labelled holdout rows show; nothing of rows without labels."""
    if candidate.examination.labels is None:
        return Diagnostics()
    source = candidate.source
    predictions = candidate.examination.predictions
    return diagnose(candidate.table, source.predictor, source.gate_metric, predictions, intervals)
