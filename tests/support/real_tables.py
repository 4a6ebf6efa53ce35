"""Ten small tables, from packages that the locks hold or drawn, as the trainer gets them, each divided by a seed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn import datasets

from modelloop.spec.model import Spec
from modelloop.tables.encoding import Column, Encoding
from modelloop.tables.split import HOLDOUT, TRAIN, VALIDATION
from tests.support.prepared_tables import prepared_table, table_facts
from trainer.rows import Part

if TYPE_CHECKING:
    from collections.abc import Callable

    from trainer.table import PreparedTable

HELD_OUT, VALIDATES = 0.2, 0.16


def _loaded(load: Callable[..., Any]) -> tuple[Any, Any]:
    cells, target = load(return_X_y=True)
    return cells, target


def _odd_digits() -> tuple[Any, Any]:
    cells, target = datasets.load_digits(return_X_y=True)
    return cells[:, 10:54:4], target % 2


TABLES: dict[str, tuple[str, Callable[[], tuple[Any, Any]]]] = {
    "tumours": ("classification", lambda: _loaded(datasets.load_breast_cancer)),
    "wine": ("classification", lambda: _loaded(datasets.load_wine)),
    "iris": ("classification", lambda: _loaded(datasets.load_iris)),
    "digits": ("classification", _odd_digits),
    "circles": ("classification", lambda: datasets.make_circles(600, noise=0.2, factor=0.5, random_state=1)),
    "clusters": ("classification", lambda: datasets.make_classification(900, 12, flip_y=0.2, random_state=2)),
    "diabetes": ("regression", lambda: _loaded(datasets.load_diabetes)),
    "waves": ("regression", lambda: datasets.make_friedman1(700, noise=2.0, random_state=3)),
    "currents": ("regression", lambda: datasets.make_friedman2(500, noise=100.0, random_state=4)),
    "plane": ("regression", lambda: datasets.make_regression(400, 15, n_informative=6, noise=60.0, random_state=5)),
}


def real_table(name: str, seed: int, **spec: Any) -> PreparedTable:
    """Return a table of TABLES; the seed says which rows are on which side."""
    task, load = TABLES[name]
    cells, target = load()
    columns = Encoding([Column(f"c{place}", "number") for place in range(cells.shape[1])])
    classes = [int(label) for label in np.unique(target)] if task == "classification" else []
    shares = np.random.default_rng([seed, len(target)]).random(len(target))
    sides = np.where(shares < HELD_OUT, HOLDOUT, np.where(shares < HELD_OUT + VALIDATES, VALIDATION, TRAIN))
    order = np.argsort(sides, kind="stable")
    facts = table_facts(columns, Spec(**spec), task=task, classes=classes, salt=f"seed {seed}")
    part = Part(cells[order].astype(np.float32), target[order].astype(np.float64))
    return prepared_table(facts, part, sides[order].astype(np.uint8))
