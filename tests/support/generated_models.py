"""Generated tables, models and the rows on which an export must be proven."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it has no stubs

from modelloop.flat import FlatModel, load
from modelloop.tables.encoding import Column, Encoding
from modelloop.versions.parity import Parity, compare, flat_tolerance
from trainer.export.serving import flatten
from trainer.families.blend import Blend
from trainer.families.catalogue import build
from trainer.families.link_space import link_of
from trainer.families.model import Model

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

type Rows = NDArray[np.float32]


def encoding(numbers: int = 4, categories: tuple[int, ...] = (6, 2)) -> Encoding:
    """An encoding of some number slots with text slots in between."""
    columns = [Column(f"n{i}", "number") for i in range(numbers)]
    for place, many in enumerate(categories):
        names = tuple(f"{chr(97 + code % 26)}{code}" for code in range(many))
        columns.insert(1 + 2 * place, Column(f"c{place}", "text", categories=names))
    return Encoding(columns)


def vectors(enc: Encoding, rows: int, seed: int, missing: float = 0.1, spread: float = 1.0) -> Rows:
    """Encoded rows: float32 numbers, category codes (rare included), NaN for missing."""
    rng = np.random.default_rng(seed)
    columns = [
        rng.integers(0, slot.codes, rows) if slot.kind == "category" else spread * rng.normal(size=rows)
        for slot in enc.slots
    ]
    matrix = np.column_stack(columns).astype(np.float32)
    matrix[rng.random(matrix.shape) < missing] = np.nan
    return matrix


def signal(matrix: Rows, seed: int) -> NDArray[np.float64]:
    """A target with interactions, category effects and informative missing values."""
    rng = np.random.default_rng(seed)
    filled = np.nan_to_num(matrix).astype(np.float64)
    weights = rng.normal(size=matrix.shape[1])
    bends: NDArray[np.float64] = np.sin(3.0 * filled[:, 1]) + filled[:, 0] * filled[:, 2] + np.isnan(matrix[:, 0])
    return filled @ weights * 0.5 + bends + 0.3 * rng.normal(size=len(matrix))


def target(score: NDArray[np.float64], task: str, classes: int) -> NDArray[Any]:
    """Class indices by quantile, or a positive number."""
    if task == "regression":
        return np.exp(score / 2.0)
    return np.digitize(score, np.quantile(score, np.arange(1, classes) / classes))


def fitted(
    name: str,
    task: str,
    params: Mapping[str, Any],
    *,
    classes: int = 2,
    seed: int = 0,
    rows: int = 300,
    missing: float = 0.1,
    enc: Encoding | None = None,
) -> tuple[Encoding, Model]:
    """A family fitted on a generated table."""
    enc = enc or encoding()
    matrix = vectors(enc, rows, seed, missing)
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")  # tiny fits do not converge, and need not
        model = build(name, task, enc, params, seed).fit(matrix, target(signal(matrix, seed), task, classes))
    return enc, model


def blended(
    chosen: Sequence[tuple[str, Mapping[str, Any]]], task: str, weights: Sequence[float], **table: Any
) -> tuple[Encoding, Blend]:
    """Families fitted on one generated table, and blended."""
    models = [fitted(name, task, params, **table) for name, params in chosen]
    link = "logit" if (first := link_of(models[0][1])) == "half_logit" else first
    assert link is not None
    return models[0][0], Blend([model for _, model in models], list(weights), link)


def compiled(model: Model | Blend, enc: Encoding) -> tuple[Mapping[str, Any], FlatModel]:
    """The flat document, and the model as serving loads it: from JSON text."""
    document = flatten(model, enc)
    assert document is not None
    return document, load(orjson.loads(orjson.dumps(document)))


def tree_forms(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The tree forms of a flat document: its own, or those of a blend's members."""
    forms: Sequence[Mapping[str, Any]] = document.get("members", [document])
    return (form for form in forms if form["form"] == "trees")


def boundary_rows(document: Mapping[str, Any], enc: Encoding, seed: int, most: int = 600) -> Rows:
    """Rows with one slot exactly at, just below or just above a threshold of the model."""
    pairs = sorted(
        {
            (slot, number)
            for trees in tree_forms(document)
            for slot, number in zip(trees["feature"], trees["number"], strict=True)
            if 0 <= slot < len(enc.slots)
        }
    )
    rng = np.random.default_rng(seed)
    chosen = [pairs[i] for i in rng.permutation(len(pairs))[: most // 3]]
    rows = vectors(enc, 3 * len(chosen), seed, missing=0.05)
    with np.errstate(over="ignore"):
        at = np.array([number for _, number in chosen]).astype(np.float32)
    at = np.clip(at, np.finfo(np.float32).min, np.finfo(np.float32).max)
    for place, (slot, _) in enumerate(chosen):
        three = slice(3 * place, 3 * place + 3)
        with np.errstate(over="ignore"):
            below = max(np.nextafter(at[place], np.float32(-np.inf)), np.finfo(np.float32).min)
            above = min(np.nextafter(at[place], np.float32(np.inf)), np.finfo(np.float32).max)
        rows[three, slot] = [below, at[place], above]
        if enc.slots[slot].kind == "category":
            rows[three, slot] = np.clip(np.round(at[place] + [-1, 0, 1]), 0, enc.slots[slot].codes - 1)
    return rows


def replay(model: Model | Blend, flat: FlatModel, rows: Rows) -> Parity:
    """The verdict of the parity rule on some rows."""
    with np.errstate(over="ignore"), threadpool_limits(1):
        answers = model.predict_proba(rows) if flat.task == "classification" else model.predict(rows)[:, np.newaxis]
    expected = answers.tolist()
    plain = rows.astype(float).tolist()
    return compare(expected, flat.predict(plain), flat_tolerance(flat, plain))


def prove(model: Model | Blend, enc: Encoding, seed: int, rows: int = 400) -> FlatModel:
    """Assert that the flat form of a model answers as the model does, everywhere it could go wrong."""
    document, flat = compiled(model, enc)
    fuzzed = np.vstack([vectors(enc, rows, seed + 1, 0.2, spread) for spread in (1.0, 3.0, 1e30)])
    parts = [fuzzed, np.full((1, len(enc.slots)), np.nan, dtype=np.float32)]
    if any(tree_forms(document)):
        parts.append(boundary_rows(document, enc, seed))
    everything = np.vstack(parts)
    parity = replay(model, flat, everything)
    assert parity.ok, parity
    if flat.task == "classification":
        labels = flat.predict(everything.astype(float).tolist()).predict
        differ = int(np.sum(model.predict(everything) != np.array(labels)))
        exact = all(form["form"] == "trees" for form in document.get("members", [document]))
        assert differ == 0 if exact else differ <= parity.label_ties
    return flat
