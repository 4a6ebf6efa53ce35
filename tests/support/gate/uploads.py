"""Uploads to a model that serves: what a successor may be made of, and what the gate says of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from modelloop.contracts.manifest_parts import BestVersion
from modelloop.spec.model import Spec
from modelloop.tables import split
from modelloop.tables.split import Split
from modelloop.versions.evidence import LossComparison
from modelloop.versions.gate import GateDecision
from modelloop.versions.run import Metrics
from tests.support.gate import world
from tests.support.gate.world import ENCODING, Fitted, Learner, Table
from tests.support.manifests import manifest_of
from tests.support.prepared_tables import document_of, table_facts
from trainer.comparison.examination import examine, labels_of
from trainer.comparison.incumbents import Champion, Incumbent
from trainer.evaluation.losses import row_losses
from trainer.evaluation.predictors import trivial
from trainer.table import order_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from modelloop.contracts.manifest import Manifest
    from trainer.table import PreparedTable

    type Generator = np.random.Generator
    type Upload = Callable[[Table, Generator], tuple[Table, Learner]]

CLASSES = ("no", "yes")
DIVIDED = Split(split.CONTENT, None, world.HOLDOUT, "s", {}, rule="r")
DEFAULT, WEAK = Learner(), Learner(bends=False, waves=0)
SHRUNK = 15  # rows to one of shrinkage: as bad as a tree of three leaves


@dataclass(frozen=True, slots=True)
class Succession:
    """A model that serves, its successor, and what the gate decided.

    `harm` is by how much the successor's true loss is greater, as a share of the champion's; `trivial_loss` is the
    trivial model's on the champion's holdout.
    """

    champion: Fitted
    candidate: Fitted
    decision: GateDecision
    harm: float
    trivial_loss: float


def _relabelled(table: Table, generator: Generator, share: float) -> Table:
    flipped = generator.random(table.rows) < share
    return table.with_labels(np.where(flipped, 1 - table.labels, table.labels))


def _same(table: Table, _: Generator) -> tuple[Table, Learner]:
    return table, DEFAULT


def _grown(table: Table, generator: Generator, share: float) -> tuple[Table, Learner]:
    return table.joined(world.sample(int(share * table.rows), generator)), DEFAULT


def _fresh(table: Table, generator: Generator) -> tuple[Table, Learner]:
    return world.sample(table.rows, generator), DEFAULT


def _noisy(table: Table, generator: Generator, share: float, fresh: bool) -> tuple[Table, Learner]:
    return _relabelled(world.sample(table.rows, generator) if fresh else table, generator, share), DEFAULT


def _other(table: Table, _: Generator, learner: Learner) -> tuple[Table, Learner]:
    return table, learner


def _shrunk(table: Table, _: Generator, rows: int) -> tuple[Table, Learner]:
    return table, DEFAULT._replace(shrinkage=table.rows / rows)


def _shuffled(table: Table, generator: Generator) -> tuple[Table, Learner]:
    return table.with_labels(generator.permutation(table.labels)), DEFAULT


UPLOADS: dict[str, Upload] = {
    "same rows, reordered": _same,
    "grown by 10 %": partial(_grown, share=0.1),
    "twice the rows": partial(_grown, share=1.0),
    "fresh sample, same world": _fresh,
    "better: weak model before": _same,
    "10 % of labels wrong": partial(_noisy, share=0.1, fresh=False),
    "20 % of labels wrong, fresh": partial(_noisy, share=0.2, fresh=True),
    "important column dropped": partial(_other, learner=DEFAULT._replace(without=0)),
    "linear only": partial(_other, learner=WEAK),
    "strongly shrunk": partial(_shrunk, rows=SHRUNK),
    "shuffled labels": _shuffled,
    "inverted labels": partial(_noisy, share=1.0, fresh=False),
}
CHAMPIONS = {"better: weak model before": WEAK}


def succeed(name: str, rows: int, generator: Generator) -> Succession:
    """Draw a table, fit a champion, upload what the name says, and ask the gate about the successor."""
    first = world.sample(rows, generator)
    champion = world.fit(first, CHAMPIONS.get(name, DEFAULT), generator)
    before = _prepared(first)
    manifest = _manifest(before, champion)
    second, learner = UPLOADS[name](first, generator)
    candidate = world.fit(second, learner, generator)
    served = Incumbent(manifest, champion)
    found = examine(_prepared(second), candidate, "log_loss", Champion(served, before.holdout, served))
    losses = world.true_loss(candidate), world.true_loss(champion)
    guess = manifest.metrics.trivial["log_loss"]["value"] or 0.0
    return Succession(champion, candidate, found.decision, losses[0] / losses[1] - 1.0, guess)


def begin(table: Table, learner: Learner, generator: Generator) -> GateDecision:
    """Fit a first version and ask the gate about it; folds answer for the training rows, as in a run."""
    fitted, prepared = world.fit(table, learner, generator), _prepared(table)
    return examine(prepared, fitted, "log_loss", None, lambda: world.fold_answers(table, learner, generator)).decision


def _prepared(table: Table) -> PreparedTable:
    facts = table_facts(ENCODING, Spec(), classes=CLASSES, rows=table.rows, split=DIVIDED)
    return order_rows(document_of(facts), table.part(), table.sides)


def _manifest(table: PreparedTable, champion: Fitted) -> Manifest:
    """Return as much of a champion's manifest as the comparison with it reads."""
    usual = manifest_of(task="classification", target="y", classes=CLASSES, encoding=ENCODING, run_id="first")
    divided = replace(usual.split, kind=split.CONTENT, columns={}, rule=DIVIDED.rule, trained_until=None)
    losses, guesses = (
        row_losses("log_loss", predictor.predict(table.holdout))
        for predictor in (champion, trivial(table.train, len(CLASSES), "log_loss"))
    )
    metrics = Metrics({"log_loss": _figure(losses)}, {"log_loss": _figure(guesses)}, None)
    compared = LossComparison("trivial", "log_loss", table.holdout.rows, 0.0, 0.0, 0.0, 0.0)
    gate = GateDecision("release", (), (compared,), ())
    return replace(
        usual, split=divided, metrics=metrics, labels=labels_of(table.rows, CLASSES), gate=gate,
        best=BestVersion("first", 1),
    )  # fmt: skip


def _figure(losses: NDArray[np.float64]) -> dict[str, float | None]:
    mean, half = float(losses.mean()), 1.96 * float(losses.std()) / len(losses) ** 0.5
    return {"value": mean, "low": mean - half, "high": mean + half}
