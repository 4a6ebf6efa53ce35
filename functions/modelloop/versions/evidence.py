"""The evidence that the gate decides on: plain data, made by whoever evaluated the candidate."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CHANCE_AUC = 0.5


@dataclass(frozen=True, slots=True)
class LossComparison:
    """Two models' losses on the same rows; `low` and `high` bound candidate - reference, one-sided 95 % each."""

    name: str
    metric: str
    rows: int
    candidate: float
    reference: float
    low: float
    high: float

    @property
    def difference(self) -> float:
        """Return candidate - reference."""
        return self.candidate - self.reference

    def not_worse(self, margin: float) -> bool:
        """Return whether the candidate's loss is surely within the margin, a share of the reference's loss."""
        return self.high <= margin * abs(self.reference)


@dataclass(frozen=True, slots=True)
class Usefulness:
    """What more is known of a first version that is not surely better than the trivial model.

    `out_of_fold` compares both on the holdout and on the training rows as models answer them that had not seen them,
    each row once; `auc` is the ROC AUC on the holdout, `auc_low` the lower end of its 95 % interval. None: not known.
    """

    out_of_fold: LossComparison | None = None
    auc: float | None = None
    auc_low: float | None = None

    @property
    def ranks(self) -> bool:
        """Return whether the answers order the rows better than chance does."""
        return self.auc_low is not None and self.auc_low > CHANCE_AUC


@dataclass(frozen=True, slots=True)
class LabelDistribution:
    """The target of a table: rows by class, or rows, mean and standard deviation of a number."""

    rows: int
    counts: Mapping[str, int] | None = None
    mean: float = 0.0
    deviation: float = 0.0


@dataclass(frozen=True, slots=True)
class ChampionEvidence:
    """What is known when there is a champion.

    `holdout`, `anchor` and `best` compare the candidate with the champion on the new holdout and on the anchor (the
    champion's own holdout), and with the best version so far on the anchor (of tables ordered in time, where the
    anchor was learned from, on newer rows: it is named best_on_holdout then). `champion_vs_trivial` compares the
    champion (as candidate) with the trivial model on the new holdout by the champion's own metric; `score` is the
    champion's loss by that metric when it was released, `noise` the standard error of its change. A comparison is None
    where there are no rows to compare on. `pooled` and `best_pooled` compare with the champion and with the best on the
    rows of holdout and anchor together, each row once; None where these rows cannot be told apart or mean other things.

    `statistics` is what champion and candidate predict of a number (the mean, a quantile). `same_split`: no row changed
    sides, so neither was fitted on rows that judge the other.
    """

    holdout: LossComparison | None
    anchor: LossComparison | None
    best: LossComparison | None
    champion_vs_trivial: LossComparison | None
    score: float | None
    labels_before: LabelDistribution | None
    labels_now: LabelDistribution | None
    newly_required: Sequence[str] = ()
    other_kind: Sequence[str] = ()
    same_task: bool = True
    noise: float = 0.0
    statistics: tuple[str, str] | None = None
    same_split: bool = True
    pooled: LossComparison | None = None
    best_pooled: LossComparison | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """One question that was asked of a candidate or a rollout; `detail` says in words what came of it.

    `outcome` is passed or skipped (nothing to ask); of a candidate also failed, unsure (too few rows to tell) or
    approval (a person must say yes), of a rollout also open (not sure yet) or worse.
    """

    name: str
    outcome: str
    detail: str

    def to_json(self) -> dict[str, str | bool]:
        """Return the document that the manifest carries of a candidate's check."""
        return {"name": self.name, "passed": self.outcome in {"passed", "skipped"}, **asdict(self)}


def shown(number: float) -> str:
    """Return a figure as reasons write it."""
    return f"{number:.4g}"
