"""The manifest: everything that is known of a version. A version exists exactly when its manifest does."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import orjson

from modelloop import keys
from modelloop.contracts.baseline import Baseline, baseline_from_json
from modelloop.contracts.bundle import GoldenOutput, GoldenRows
from modelloop.contracts.evaluation import (
    Diagnostics,
    LearningCurve,
    diagnostics_from_json,
    learning_curve_from_json,
)
from modelloop.contracts.manifest_parts import (
    BestVersion,
    CrossValidation,
    Environment,
    EstimatorFacts,
    FileFacts,
    Predecessor,
    Selection,
    SplitFacts,
    TrialRecord,
    best_version_from_json,
    estimator_facts_from_json,
    selection_from_json,
    split_facts_from_json,
    trial_from_json,
)
from modelloop.contracts.pointer import VersionRef
from modelloop.contracts.quality_verdict import figures
from modelloop.contracts.replay_request import ReplayVerdict, replay_verdict_from_json
from modelloop.contracts.version_facts import GateFacts, ServingFile, VersionFacts
from modelloop.errors import ArtifactRefusedError
from modelloop.spec.model import Spec, spec_from_json
from modelloop.spec.sections import section_to_json
from modelloop.tables.encoding import Encoding, encoding_from_json
from modelloop.versions.evidence import LabelDistribution
from modelloop.versions.gate import GateDecision, decision_from_json
from modelloop.versions.prepared_table import ColumnProfile
from modelloop.versions.run import Dataset, Metrics, dataset_from_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelloop.versions.prepared_table import Label

FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class Manifest:
    """All of a version. `compared_with` is the run of the champion that the gate compared it with.

    `classes` are in the order of their indices, None for regression. `labels` is None for a version without labelled
    rows. `files` has every stored file of the version by name. `selection` is None for imported models and for versions
    from before it was kept, and so is `learning_curve`, also where time or rows did not suffice.
    """

    model: str
    version: int
    run_id: str
    created_at: str
    cause: str
    request_id: str | None
    task: str
    target: str | None
    classes: tuple[Label, ...] | None
    dataset: Dataset
    profile: tuple[ColumnProfile, ...]
    warnings: tuple[str, ...]
    spec: Spec
    encoding: Encoding
    estimator: EstimatorFacts
    trials: tuple[TrialRecord, ...]
    started_from: Predecessor | None
    environment: Environment
    split: SplitFacts
    metrics: Metrics
    cross_validation: CrossValidation | None
    labels: LabelDistribution | None
    gate: GateDecision
    compared_with: str | None
    best: BestVersion
    baseline: Baseline
    diagnostics: Diagnostics
    replay: ReplayVerdict
    golden: GoldenRows
    files: dict[str, FileFacts]
    selection: Selection | None = None
    learning_curve: LearningCurve | None = None

    @property
    def ref(self) -> VersionRef:
        """Return what the serving pointer says of the version: its number, run, bundle, digest and size."""
        bundle = self.files[keys.BUNDLE]
        file = keys.version(self.model, self.run_id, keys.BUNDLE)
        return VersionRef(self.version, self.run_id, file, bundle.sha256, bundle.bytes)

    def to_json(self) -> dict[str, Any]:
        """Return the document that is stored and that the control plane answers."""
        return {
            "format_version": FORMAT_VERSION,
            "model": self.model,
            "version": self.version,
            "run_id": self.run_id,
            "created_at": self.created_at,
            "cause": self.cause,
            "request_id": self.request_id,
            "task": self.task,
            "target": self.target,
            "classes": self.classes,
            "dataset": self.dataset.to_json(),
            "profile": [asdict(column) for column in self.profile],
            "warnings": self.warnings,
            "threshold": self.spec.threshold,
            "spec": self.spec.to_json(),
            "encoding": self.encoding.to_json(),
            "estimator": self.estimator.to_json(),
            "trials": [trial.to_json() for trial in self.trials],
            "started_from": None if self.started_from is None else asdict(self.started_from),
            **({} if self.selection is None else {"selection": self.selection.to_json()}),
            **({} if self.learning_curve is None else {"learning_curve": asdict(self.learning_curve)}),
            "environment": asdict(self.environment),
            "split": self.split.to_json(),
            "metrics": asdict(self.metrics),
            "cross_validation": None if self.cross_validation is None else asdict(self.cross_validation),
            "labels": None if self.labels is None else asdict(self.labels),
            "gate": self.gate.to_json(),
            "compared_with": self.compared_with,
            "best": asdict(self.best),
            "baseline": self.baseline.to_json(),
            **self.diagnostics.to_json(),
            "replay": self.replay.to_json(),
            "monitoring": {**section_to_json(self.spec.monitoring), "mask": self.spec.mask},
            "golden": {"rows": self.golden.rows, "outputs": [output._asdict() for output in self.golden.outputs]},
            "files": {name: asdict(facts) for name, facts in self.files.items()},
        }

    def to_bytes(self) -> bytes:
        """Return the file that is stored."""
        return orjson.dumps(self.to_json(), option=orjson.OPT_SERIALIZE_NUMPY)

    def registry_facts(self) -> VersionFacts:
        """Return the small part that the table keeps, for lists and for promotion."""
        return VersionFacts(
            bundle=ServingFile(self.ref.file, self.ref.sha256, self.ref.bytes),
            gate=_gate_facts(self.gate),
            promotion=self.spec.promotion,
            metrics=figures(self.metrics.holdout),
            family=self.estimator.family,
            members=self.estimator.shares or None,
            cause=self.cause,
            task=self.task,
            target=self.target,
            classes=self.classes,
            dataset=self.dataset,
            compared_with=self.compared_with,
            best=self.best,
            split=self.split,
        )


def _gate_facts(gate: GateDecision) -> GateFacts:
    if not gate.unsure:
        return GateFacts(gate.decision, gate.reasons)
    metric = gate.comparisons[0].metric if gate.comparisons else None
    return GateFacts(gate.decision, gate.reasons, True, gate.margin, gate.rows_to_decide, metric)


def manifest_from_json(document: Mapping[str, Any]) -> Manifest:
    """Return a stored manifest; raise ArtifactRefusedError when it is none that this release reads."""
    version = document.get("format_version")
    if version != FORMAT_VERSION:
        raise ArtifactRefusedError(
            f"the manifest has format version {version!r}, and version {FORMAT_VERSION} can be read"
        )
    try:
        return _read(document)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ArtifactRefusedError(f"the manifest is damaged: {error!r}") from error


def _read(document: Any) -> Manifest:
    classes, labels, start = document["classes"], document["labels"], document.get("started_from")
    crossed, golden = document["cross_validation"], document["golden"]
    return Manifest(
        model=document["model"],
        version=document["version"],
        run_id=document["run_id"],
        created_at=document["created_at"],
        cause=document["cause"],
        request_id=document["request_id"],
        task=document["task"],
        target=document["target"],
        classes=None if classes is None else tuple(classes),
        dataset=dataset_from_json(document["dataset"]),
        profile=tuple(ColumnProfile(**column) for column in document["profile"]),
        warnings=tuple(document["warnings"]),
        spec=spec_from_json(document["spec"]),
        encoding=encoding_from_json(document["encoding"]),
        estimator=estimator_facts_from_json(document["estimator"]),
        trials=tuple(map(trial_from_json, document["trials"])),
        started_from=None if start is None else Predecessor(start["version"], start["run_id"]),
        environment=Environment(**{name: document["environment"][name] for name in Environment.__slots__}),
        split=split_facts_from_json(document["split"]),
        metrics=Metrics(**document["metrics"]),
        cross_validation=None if crossed is None else CrossValidation(**crossed),
        labels=None if labels is None else LabelDistribution(**labels),
        gate=decision_from_json(document["gate"]),
        compared_with=document["compared_with"],
        best=best_version_from_json(document["best"]),
        baseline=baseline_from_json(document["baseline"]),
        diagnostics=diagnostics_from_json(document),
        replay=replay_verdict_from_json(document["replay"]),
        golden=GoldenRows(golden["rows"], [GoldenOutput(**output) for output in golden["outputs"]]),
        files={name: FileFacts(facts["sha256"], facts["bytes"]) for name, facts in document["files"].items()},
        selection=selection_from_json(document.get("selection")),
        learning_curve=learning_curve_from_json(document.get("learning_curve")),
    )
