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
    """What a run decided to blend: a family with its parameters beyond the defaults, and its weight."""

    weight: float
    family: str
    params: dict[str, Parameter]


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

    def to_json(self) -> JsonObject:
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
