"""What a version is made of, part by part: the estimator, its trials, environment, split and files."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import isnan, nan
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelloop.json_types import JsonObject
    from modelloop.spec.fields import Parameter

    EstimatorParams = dict[str, Parameter | list[Parameter]]


@dataclass(frozen=True, slots=True)
class EstimatorFacts:
    """How the model was made: its family, the estimator's class, and all its plain parameters.

    `settings` are the parameters that were set beyond the family's defaults; None for imported models. A blend has
    `members`, each a model of its own with a weight, and no parameters besides.
    """

    family: str
    class_name: str
    params: EstimatorParams
    settings: dict[str, Parameter] | None = None
    members: tuple[MemberFacts, ...] = ()

    def to_json(self) -> JsonObject:
        """Return the stored document; models that are no blends have no members in it."""
        settings = {} if self.settings is None else {"settings": self.settings}
        members = {"members": [member.to_json() for member in self.members]} if self.members else {}
        return {"family": self.family, "class": self.class_name, "params": self.params, **settings, **members}

    @property
    def shares(self) -> tuple[MemberShare, ...]:
        """Return the weight of each member of a blend; empty for other models."""
        return tuple(MemberShare(member.weight, member.estimator.family) for member in self.members)


@dataclass(frozen=True, slots=True)
class MemberFacts:
    """One model of a blend, and the weight of its scores; the weights of a blend add up to 1."""

    weight: float
    estimator: EstimatorFacts

    def to_json(self) -> JsonObject:
        """Return the stored document."""
        return {"weight": self.weight, **self.estimator.to_json()}


@dataclass(frozen=True, slots=True)
class MemberShare:
    """The weight of a family in a blend, for lists."""

    weight: float
    family: str


def estimator_facts_from_json(document: Mapping[str, Any]) -> EstimatorFacts:
    """Return how a stored model was made; documents of earlier releases have no members."""
    members = tuple(
        MemberFacts(member["weight"], estimator_facts_from_json(member)) for member in document.get("members", ())
    )
    return EstimatorFacts(document["family"], document["class"], document["params"], document.get("settings"), members)


@dataclass(frozen=True, slots=True)
class BlendMember:
    """What a run decided to blend: a family with its parameters beyond the defaults, and its weight.

    `iterations` are those of boosting after a refit; None for members that do not boost, and without a refit.
    """

    weight: float
    family: str
    params: dict[str, Parameter]
    iterations: int | None = None


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """One completed fit: on how many rows, its score on the validation part, and the seconds it took.

    The score is NaN where the metric is not defined, and with an `error`: what the estimator refused. `origin` is who
    named the settings: predecessor, spec or drawn. `folds` are the scores on the folds of a cross-validation, repeat by
    repeat, or on fifths of the validation part; None where there are none.
    """

    family: str
    params: dict[str, Parameter]
    rows: int
    score: float
    seconds: float
    error: str | None = None
    origin: str = "spec"
    folds: tuple[float, ...] | None = None

    def to_json(self) -> JsonObject:
        """Return the stored document; a score of NaN is null, and folds are left out where there are none."""
        document = {**asdict(self), "score": _or_null(self.score), "seconds": round(self.seconds, 3)}
        if self.folds is None:
            del document["folds"]
        else:
            document["folds"] = [_or_null(score) for score in self.folds]
        return document


def trial_from_json(document: Mapping[str, Any]) -> TrialRecord:
    """Return a stored trial; fields that this release does not know are left out."""
    known: dict[str, Any] = {name: document[name] for name in TrialRecord.__slots__ if name in document}
    folds = known.get("folds")
    known["folds"] = None if folds is None else tuple(map(_or_nan, folds))
    return TrialRecord(**{**known, "score": _or_nan(known["score"])})


def _or_null(score: float) -> float | None:
    return None if isnan(score) else score


def _or_nan(score: float | None) -> float:
    return nan if score is None else score


@dataclass(frozen=True, slots=True)
class Refit:
    """Whether the chosen settings were fitted again on training and validation rows.

    `gain` is by how much folds of all those rows are better than folds of the training share alone, in the metric that
    trials are chosen by, and `error` its standard error; both None where nothing was compared, for the `reason`. `rows`
    is the number of rows that the served model was fitted on, `iterations` those of boosting, None where it has none.
    """

    done: bool
    rows: int
    iterations: int | None = None
    gain: float | None = None
    error: float | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    """How a run chose: `by` cross_validation or validation, with how many folds and repeats; `chosen` is the trial.

    `left_out` are the families that the time did not suffice for. `blend` has the members, the heaviest first, where
    the chosen model answers better together with others; `refit` is then that of all members.
    """

    by: str
    folds: int
    repeats: int
    chosen: int
    left_out: tuple[str, ...] = ()
    refit: Refit | None = None
    blend: tuple[BlendMember, ...] = ()

    def to_json(self) -> JsonObject:
        """Return the stored document; a model that is no blend has no members in it."""
        document = {**asdict(self), "left_out": list(self.left_out), "blend": [asdict(one) for one in self.blend]}
        if not self.blend:
            del document["blend"]
        return document


def selection_from_json(document: Mapping[str, Any] | None) -> Selection | None:
    """Return a stored selection, None of none; fields that this release does not know are left out."""
    if document is None:
        return None
    known: dict[str, Any] = {name: document[name] for name in Selection.__slots__ if name in document}
    refit = known.get("refit")
    known["left_out"] = tuple(known.get("left_out", ()))
    known["blend"] = tuple(BlendMember(**member) for member in known.get("blend", ()))
    known["refit"] = None if refit is None else Refit(**{n: refit[n] for n in Refit.__slots__ if n in refit})
    return Selection(**known)


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
    `columns` has the kind of every column that is a row's content, `rule` is the digest of all that decides, `version`
    and `missing` say how the cells that decide are read (None where nothing tells).
    `trained_until` is the newest moment that was learned from, in seconds since 1970, for tables ordered in time.
    `different` is the number of different contents where most rows repeat another one, and `copies` whether these were
    copied; None and False elsewhere, and in versions from before both were told apart.
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
    version: int | None = None
    missing: list[str] | None = None
    different: int | None = None
    copies: bool = False

    def to_json(self) -> JsonObject:
        """Return the stored document; how cells are read, and how rows repeat, is left out where nothing tells."""
        document = asdict(self)
        unknown = {name for name in ("version", "missing", "different") if document[name] is None}
        unknown |= {"copies"} if self.different is None else set()
        return {name: value for name, value in document.items() if name not in unknown}


def split_facts_from_json(document: Mapping[str, Any]) -> SplitFacts:
    """Return a stored division of the rows; fields that this release does not know are left out.

    Documents of earlier releases do not say how cells were read, or how rows repeat.
    """
    return SplitFacts(**{name: document[name] for name in SplitFacts.__slots__ if name in document})


def best_version_from_json(document: Mapping[str, Any]) -> BestVersion:
    """Return a stored name of the best version."""
    return BestVersion(document["run_id"], document["version"])


@dataclass(frozen=True, slots=True)
class CrossValidation:
    """Mean and standard deviation of every metric over the fits of repeated cross-validation: {"mean", "deviation"}."""

    folds: int
    fits: int
    metrics: dict[str, dict[str, float | None]]


@dataclass(frozen=True, slots=True)
class FileFacts:
    """The digest (hex SHA-256) and size in bytes of one file of a version."""

    sha256: str
    bytes: int
