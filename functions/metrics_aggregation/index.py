"""The prediction index: of every record what quality needs of it, and no feature but the slices."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator

    from metrics_aggregation.predictions import Predictions
    from metrics_aggregation.values import Values
    from metrics_aggregation.watched import Watched
    from modelloop.monitoring.summary import SummaryKey

_PPM = 1_000_000


def entries(key: SummaryKey, found: Predictions, values: Values, watched: Watched) -> list[bytes]:
    """Return the index lines of records of one key, in their order."""
    documents = [
        {
            "id": identifier,
            "offset": offset,
            "version": key.version,
            "variant": key.variant,
            "rollout": key.rollout,
            "predict": predict,
            "proba": proba,
            "slices": slices,
        }
        for identifier, offset, predict, proba, slices in zip(
            found.id, found.offset, found.predict, _probas(found, values), _slices(found, watched), strict=True
        )
    ]
    # no text holds a bare quotation mark, and no list holds objects: this is where one document ends and one begins
    return orjson.dumps(documents)[1:-1].replace(b'},{"id":', b'}\n{"id":').split(b"\n")


def _probas(found: Predictions, values: Values) -> Iterator[list[list[int]] | None]:
    """Yield every record's probabilities in millionths."""
    if values.shares is None:
        yield from [None] * len(found.id)
        return
    rest = iter(np.rint(values.shares * _PPM).astype(np.int64).tolist())
    for proba, rows in zip(found.proba, found.rows, strict=True):
        yield None if proba is None else list(islice(rest, rows))


def _slices(found: Predictions, watched: Watched) -> Iterator[dict[str, Any] | None]:
    for cells in found.columns:
        yield {name: cells[name] for name in watched.slices if name in cells} or None if cells else None
