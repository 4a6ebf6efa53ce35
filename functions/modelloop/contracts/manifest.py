"""The manifest: everything that is known of a version. A version exists exactly when its manifest does."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import isnan, nan
from typing import TYPE_CHECKING, Any

import orjson

from modelloop import keys
from modelloop.contracts.baseline import Baseline, baseline_from_json
from modelloop.contracts.evaluation import Diagnostics, diagnostics_from_json
from modelloop.contracts.pointer import VersionRef
from modelloop.contracts.verdicts import figures
from modelloop.contracts.version_facts import GateFacts, ServingFile, VersionFacts
from modelloop.errors import ArtifactRefusedError
from modelloop.spec.model import Spec, spec_from_json
from modelloop.spec.sections import section_to_json
from modelloop.tables.encoding import Encoding, encoding_from_json
from modelloop.versions.evidence import Labels
from modelloop.versions.gate import GateDecision, decision_from_json
from modelloop.versions.run import Dataset, Metrics, dataset_from_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelloop.contracts.evaluation import Label
    from modelloop.spec.fields import Parameter

    Cell = str | float | bool | None
    EstimatorParams = dict[str, Parameter | list[Parameter]]

FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """What intake saw of a column of the uploaded table.

    `role` is feature, target or dropped, `reason` why it was dropped. Numbers have `min`, `max` and `mean`, dates
    `first` and `last`; `top` has the commonest values with their counts. A masked column shows none of these.
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
    top: tuple[tuple[str, int], ...]
    constant: bool
    identifier_like: bool
    masked: bool


@dataclass(frozen=True, slots=True)
class EstimatorFacts:
    """How the model was made: its family, the estimator's class, and all its plain parameters.

    `settings` are the parameters that were set beyond the family's defaults; None for imported models.
    """

    family: str
    class_name: str
    params: EstimatorParams
    settings: dict[str, Parameter] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the stored document."""
        document = {"family": self.family, "class": self.class_name, "params": self.params}
        return document if self.settings is None else document | {"settings": self.settings}


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """One completed fit: on how many rows, its score on the validation part, and the seconds it took.

    The score is NaN where the metric is not defined, and with an `error`: what the estimator refused. `origin` is who
    named the settings: predecessor, spec or drawn.
    """

    family: str
    params: dict[str, Parameter]
    rows: int
    score: float
    seconds: float
    error: str | None = None
    origin: str = "spec"

    def to_json(self) -> dict[str, Any]:
        """Return the stored document; a score of NaN is null."""
        return {**asdict(self), "score": None if isnan(self.score) else self.score, "seconds": round(self.seconds, 3)}


def trial_from_json(document: Mapping[str, Any]) -> TrialRecord:
    """Return a stored trial."""
    return TrialRecord(**{**document, "score": nan if document["score"] is None else document["score"]})


@dataclass(frozen=True, slots=True)
class Predecessor:
    """The version whose settings were tried first."""

    version: int
    run_id: str


@dataclass(frozen=True, slots=True)
class BestVersion:
    """The best version so far, which may be the one that names it."""

    run_id: str
    version: int


@dataclass(frozen=True, slots=True)
class Environment:
    """What made a version: Python, machine, the packages that fits depend on, digests of all packages and the code."""

    python: str
    machine: str
    packages: dict[str, str]
    lock: str
    code: str


@dataclass(frozen=True, slots=True)
class SplitFacts:
    """Rows by side, and how they were divided.

    `kind` says by what (content, occurrence, group, time or reference), `column` names the group or time column,
    `columns` has the kind of every column that is a row's content, `rule` is the digest of all that decides.
    `trained_until` is the newest moment that was learned from, in seconds since 1970, for tables ordered in time.
    """

    train: int
    validation: int
    holdout: int
    kind: str | None
    column: str | None
    columns: dict[str, str] | None
    rule: str | None
    salt: str | None
    trained_until: float | None


@dataclass(frozen=True, slots=True)
class CrossValidation:
    """Mean and standard deviation of every metric over the fits of repeated cross-validation: {"mean", "deviation"}."""

    folds: int
    fits: int
    metrics: dict[str, dict[str, float | None]]


@dataclass(frozen=True, slots=True)
class ReplayVerdict:
    """What the serving runtime said of the exported model; `worst` is a share of the allowed difference."""

    rows: int
    mismatches: int
    worst: float
    label_ties: int
    engine: str | None
    answers: str | None
    ok: bool
    golden_ok: bool
    reason: str | None


@dataclass(frozen=True, slots=True)
class GoldenOutput:
    """The answer to one golden row; `predict_proba` is None for regression."""

    predict: Label
    predict_proba: tuple[float, ...] | None


@dataclass(frozen=True, slots=True)
class GoldenRows:
    """Made-up rows by column name, and the answers that every environment must reproduce."""

    rows: tuple[dict[str, Cell], ...]
    outputs: tuple[GoldenOutput, ...]


@dataclass(frozen=True, slots=True)
class FileFacts:
    """The digest (hex SHA-256) and size in bytes of one file of a version."""

    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """All of a version. `compared_with` is the run of the champion that the gate compared it with.

    `classes` are in the order of their indices, None for regression. `labels` is None for a version without labelled
    rows. `files` has every stored file of the version by name.
    """

    model: str
    version: int
    run_id: str
    created_at: str
    cause: str
    request_id: str | None
    task: str
    target: str
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
    labels: Labels | None
    gate: GateDecision
    compared_with: str | None
    best: BestVersion
    baseline: Baseline
    diagnostics: Diagnostics
    replay: ReplayVerdict
    golden: GoldenRows
    files: dict[str, FileFacts]

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
            "environment": asdict(self.environment),
            "split": asdict(self.split),
            "metrics": asdict(self.metrics),
            "cross_validation": None if self.cross_validation is None else asdict(self.cross_validation),
            "labels": None if self.labels is None else asdict(self.labels),
            "gate": self.gate.to_json(),
            "compared_with": self.compared_with,
            "best": asdict(self.best),
            "baseline": self.baseline.to_json(),
            **self.diagnostics.to_json(),
            "replay": asdict(self.replay),
            "monitoring": {**section_to_json(self.spec.monitoring), "mask": self.spec.mask},
            "golden": asdict(self.golden),
            "files": {name: asdict(facts) for name, facts in self.files.items()},
        }

    def to_bytes(self) -> bytes:
        """Return the file that is stored."""
        return orjson.dumps(self.to_json(), option=orjson.OPT_SERIALIZE_NUMPY)

    def registry_facts(self) -> VersionFacts:
        """Return the small part that the table keeps, for lists and for promotion."""
        return VersionFacts(
            bundle=ServingFile(self.ref.file, self.ref.sha256, self.ref.bytes),
            gate=GateFacts(self.gate.decision, tuple(self.gate.reasons)),
            promotion=self.spec.promotion,
            metrics=figures(self.metrics.holdout),
            family=self.estimator.family,
            cause=self.cause,
            task=self.task,
            target=self.target,
            classes=self.classes,
            dataset=self.dataset.to_json(),
            compared_with=self.compared_with,
            best=asdict(self.best),
            split=asdict(self.split),
        )


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


def _read(document: Mapping[str, Any]) -> Manifest:
    classes, labels, start = document["classes"], document["labels"], document["started_from"]
    estimator, crossed, golden = document["estimator"], document["cross_validation"], document["golden"]
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
        profile=tuple(map(profile_from_json, document["profile"])),
        warnings=tuple(document["warnings"]),
        spec=spec_from_json(document["spec"]),
        encoding=encoding_from_json(document["encoding"]),
        estimator=EstimatorFacts(
            estimator["family"], estimator["class"], estimator["params"], estimator.get("settings")
        ),
        trials=tuple(map(trial_from_json, document["trials"])),
        started_from=None if start is None else Predecessor(start["version"], start["run_id"]),
        environment=Environment(**{name: document["environment"][name] for name in Environment.__slots__}),
        split=SplitFacts(**{name: document["split"][name] for name in SplitFacts.__slots__}),
        metrics=Metrics(**document["metrics"]),
        cross_validation=None if crossed is None else CrossValidation(**crossed),
        labels=None if labels is None else Labels(**labels),
        gate=decision_from_json(document["gate"]),
        compared_with=document["compared_with"],
        best=BestVersion(document["best"]["run_id"], document["best"]["version"]),
        baseline=baseline_from_json(document["baseline"]),
        diagnostics=diagnostics_from_json(document),
        replay=ReplayVerdict(**document["replay"]),
        golden=GoldenRows(tuple(golden["rows"]), tuple(map(_output, golden["outputs"]))),
        files={name: FileFacts(facts["sha256"], facts["bytes"]) for name, facts in document["files"].items()},
    )


def profile_from_json(document: Mapping[str, Any]) -> ColumnProfile:
    """Return the stored profile of a column."""
    return ColumnProfile(**{**document, "top": tuple((value, count) for value, count in document["top"])})


def _output(document: Mapping[str, Any]) -> GoldenOutput:
    proba = document["predict_proba"]
    return GoldenOutput(document["predict"], None if proba is None else tuple(proba))
