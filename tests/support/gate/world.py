"""A world whose truth is known: tables drawn from it, models fitted on them, and how good these are on all rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from modelloop.tables import split
from modelloop.tables.encoding import Column, Encoding
from trainer.rows import Part, Predictions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    type Numbers = NDArray[np.float64]

COLUMNS = 6
ENCODING = Encoding([Column(f"x{place}", "number") for place in range(COLUMNS)])
WEIGHTS = np.array([1.3, -0.9, 0.6, 0.4, -0.3, 0.0])
BEND, INTERCEPT = 0.55, -0.6
POPULATION, HOLDOUT = 10_000, 0.2
STEPS = 6


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of the world: features float32 [rows, columns], labels 0 or 1, and the hash that puts each on its side."""

    matrix: NDArray[np.float32]
    labels: NDArray[np.float64]
    identities: NDArray[np.uint32]

    @property
    def rows(self) -> int:
        return len(self.labels)

    @property
    def sides(self) -> NDArray[np.uint8]:
        places = self.identities / split.PLACES
        sides = np.where(places < split.validation_edge(HOLDOUT), split.VALIDATION, split.TRAIN).astype(np.uint8)
        sides[places < HOLDOUT] = split.HOLDOUT
        return sides

    def part(self) -> Part:
        return Part(self.matrix, self.labels, identities=self.identities)

    def with_labels(self, labels: NDArray[np.float64]) -> Table:
        return replace(self, labels=labels)

    def joined(self, other: Table) -> Table:
        return Table(
            np.concatenate([self.matrix, other.matrix]),
            np.concatenate([self.labels, other.labels]),
            np.concatenate([self.identities, other.identities]),
        )


class Learner(NamedTuple):
    """How a model is fitted: a logistic regression with squares and one product, or less.

    `waves` are further features of random directions, drawn anew at every fit: as with trees, two fits on nearly the
    same rows differ, and a comparison of them on few rows says little.
    """

    shrinkage: float = 2.0
    waves: int = 40
    bends: bool = True
    without: int | None = None


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fitted model, as the gate sees any predictor."""

    learner: Learner
    weights: Numbers
    directions: Numbers

    @property
    def max_rows(self) -> int:
        return 1 << 40

    def probability(self, matrix: NDArray[np.float32]) -> Numbers:
        answers: Numbers = _sigmoid(_features(matrix, self.learner, self.directions) @ self.weights)
        return answers

    def predict(self, part: Part) -> Predictions:
        chance = self.probability(part.matrix)
        proba = np.column_stack([1 - chance, chance])
        return Predictions(part.target, (chance >= 0.5).astype(np.float64), proba, part.contents)


def sample(rows: int, generator: np.random.Generator) -> Table:
    """Draw a table."""
    matrix = generator.normal(size=(rows, COLUMNS)).astype(np.float32)
    labels = (generator.random(rows) < truth(matrix)).astype(np.float64)
    return Table(matrix, labels, generator.integers(0, 1 << 32, rows, dtype=np.uint32))


def truth(matrix: NDArray[np.float32]) -> Numbers:
    """Return the chance of label 1 of every row."""
    score = matrix @ WEIGHTS + BEND * (matrix[:, 0] * matrix[:, 1] + matrix[:, 2] ** 2 - 1) + INTERCEPT
    answers: Numbers = _sigmoid(score)
    return answers


def fit(table: Table, learner: Learner, generator: np.random.Generator, kept: NDArray[Any] | None = None) -> Fitted:
    """Fit on some of the rows, by default those that are not held out, by Newton's method."""
    kept = table.sides != split.HOLDOUT if kept is None else kept
    directions = generator.normal(size=(COLUMNS + 1, learner.waves))
    features, labels = _features(table.matrix[kept], learner, directions), table.labels[kept]
    weights = np.zeros(features.shape[1])
    penalty = np.full(len(weights), learner.shrinkage)
    penalty[0] = 1e-6
    for _ in range(STEPS):
        chance = _sigmoid(features @ weights)
        slope = features.T @ (chance - labels) + penalty * weights
        curve = (features * (chance * (1 - chance))[:, None]).T @ features + np.diag(penalty)
        weights = weights - np.linalg.solve(curve, slope)
    return Fitted(learner, weights, directions)


def fold_answers(table: Table, learner: Learner, generator: np.random.Generator) -> tuple[Part, Predictions]:
    """Return the rows that are not held out, and what models of the other four folds predict of them."""
    rows = generator.permutation(np.flatnonzero(table.sides != split.HOLDOUT))
    order, answers = [], []
    for held in np.array_split(rows, 5):
        model = fit(table, learner, generator, np.setdiff1d(rows, held))
        order.append(held)
        answers.append(model.predict(table.part().take(held)).proba)
    proba = np.concatenate([answer for answer in answers if answer is not None])
    asked = table.part().take(np.concatenate(order))
    return asked, Predictions(asked.target, proba.argmax(axis=1).astype(np.float64), proba)


def true_loss(model: Fitted) -> float:
    """Return the expected log loss on rows of the world that no table has."""
    matrix, chance = _population()
    answers = np.clip(model.probability(matrix), 1e-15, 1 - 1e-15)
    return float(-(chance * np.log(answers) + (1 - chance) * np.log(1 - answers)).mean())


@cache
def _population() -> tuple[NDArray[np.float32], Numbers]:
    matrix = np.random.default_rng(0).normal(size=(POPULATION, COLUMNS)).astype(np.float32)
    return matrix, truth(matrix)


def traffic(rows: int, generator: np.random.Generator) -> tuple[NDArray[np.float32], Numbers]:
    """Draw rows that are asked about, and what comes true of them."""
    table = sample(rows, generator)
    return table.matrix, table.labels


def _features(matrix: NDArray[np.float32], learner: Learner, directions: Numbers) -> Numbers:
    wide = matrix.astype(np.float64)
    if learner.without is not None:
        wide[:, learner.without] = 0.0
    bends = [wide[:, :1] * wide[:, 1:2], wide**2 - 1] if learner.bends else []
    waves = np.cos(wide @ directions[1:] + 3 * directions[0])
    return np.hstack([np.ones((len(wide), 1)), wide, *bends, waves])


def _sigmoid(scores: Numbers) -> Numbers:
    answers: Numbers = 1.0 / (1.0 + np.exp(-scores))
    return answers
