"""No parameter of a spec makes an estimator start more jobs than a function has processors."""

from __future__ import annotations

import pytest

from modelloop.tables.encoding import Column, Encoding
from trainer.families.catalogue import build

ENCODING = Encoding([Column("x", "number")])


@pytest.mark.parametrize(("asked", "started"), [(-1, 2), (64, 2), (10**9, 2), (2, 2), (1, 1), (0, 0), (None, None)])
@pytest.mark.parametrize("name", ["random_forest", "knn", "sklearn.ensemble.BaggingClassifier"])
def test_jobs_are_at_most_two(name: str, asked: int | None, started: int | None) -> None:
    model = build(name, "classification", ENCODING, {"n_jobs": asked})
    assert model.estimator.get_params()["n_jobs"] == started
