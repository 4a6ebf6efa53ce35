"""Generated blends of every kind: served as the estimator answers, by both engines to the same bits, and explained."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelloop.flat.batch import batch_of
from tests.support.generated_models import blended, boundary_rows, compiled, encoding, prove, tree_forms, vectors

type Member = tuple[str, dict[str, Any]]

HISTOGRAM: Member = ("hist_gradient_boosting", {"max_iter": 4, "min_samples_leaf": 3})
DEEP: Member = ("hist_gradient_boosting", {"max_iter": 2, "max_leaf_nodes": 70, "min_samples_leaf": 1})
STAGES: Member = ("gradient_boosting", {"n_estimators": 4})
LOGITS: list[Member] = [("linear", {}), HISTOGRAM, DEEP, STAGES]
DOUBLED: list[Member] = [*LOGITS, ("gradient_boosting", {"n_estimators": 3, "loss": "exponential"})]
SHARES: list[Member] = [
    ("decision_tree", {"max_leaf_nodes": 12}),
    ("random_forest", {"n_estimators": 4, "max_leaf_nodes": 20}),
    ("extra_trees", {"n_estimators": 3}),
]
NUMBERS: list[Member] = [("linear", {"kind": "ridge"}), HISTOGRAM, STAGES, ("random_forest", {"n_estimators": 3})]
LOGS: list[Member] = [
    ("linear", {"kind": "poisson"}),
    ("linear", {"kind": "gamma"}),
    ("hist_gradient_boosting", {"max_iter": 3, "loss": "poisson"}),
    ("hist_gradient_boosting", {"max_iter": 3, "loss": "gamma"}),
]
KINDS: list[tuple[str, int, list[Member]]] = [
    ("classification", 2, DOUBLED), ("classification", 3, LOGITS), ("classification", 2, SHARES),
    ("classification", 4, SHARES), ("regression", 2, NUMBERS), ("regression", 2, LOGS),
]  # fmt: skip


@st.composite
def blends(draw: st.DrawFn) -> tuple[str, int, list[Member], list[float]]:
    """A task, its classes, two to four members of one link, and weights in thousandths that add up to 1."""
    task, classes, members = draw(st.sampled_from(KINDS))
    chosen = draw(st.lists(st.sampled_from(members), min_size=2, max_size=4))
    cuts = draw(st.lists(st.integers(1, 999), min_size=len(chosen) - 1, max_size=len(chosen) - 1, unique=True))
    shares = np.diff([0, *sorted(cuts), 1000])
    return task, classes, chosen, [share / 1000 for share in shares.tolist()]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    drawn=blends(),
    enc=st.sampled_from([encoding(3, ()), encoding(3, (5,)), encoding(4, (1, 7))]),
    seed=st.integers(0, 2**31),
)
def test_any_blend_is_reproduced_and_explained(
    drawn: tuple[str, int, list[Member], list[float]], enc: Any, seed: int
) -> None:
    task, classes, chosen, weights = drawn
    _, blend = blended(chosen, task, weights, classes=classes, enc=enc, seed=seed, rows=120)
    flat = prove(blend, enc, seed=seed, rows=30)
    document, _ = compiled(blend, enc)
    rows = np.vstack([vectors(enc, 40, seed + 5, 0.2, 2.0), boundary_rows(document, enc, seed, most=90)])
    plain = rows.astype(float).tolist()
    singles = [flat.raw(vector) for vector in plain]
    if len(list(tree_forms(document))) == len(chosen):
        assert singles == blend.raw(rows).tolist()
        outputs = flat.predict(plain)
        answers = blend.predict(rows) if outputs.proba is None else blend.predict_proba(rows)
        assert (outputs.proba or outputs.predict) == answers.tolist()
    batch = batch_of(flat._form)
    if batch is not None:
        assert batch.raw(rows.astype(np.float64)).tolist() == singles
    for vector in plain[:20]:
        why = flat.explain(vector, None if task == "regression" else seed % classes)
        room = 1e-9 * (1.0 + abs(why.base) + sum(map(abs, why.slots)))
        assert why.base + sum(why.slots) == pytest.approx(why.value, abs=room)
