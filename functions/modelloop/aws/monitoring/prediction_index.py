"""Find a prediction in the index that every captured object leaves, by the hour inside its id."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import batched
from typing import TYPE_CHECKING

from modelloop import clock, keys
from modelloop.contracts.index_entry import read_index
from modelloop.contracts.pointer import SHADOW
from modelloop.errors import NotFoundError
from modelloop.ids import hour_of, uuid7_ms

if TYPE_CHECKING:
    from modelloop.aws.storage import Bucket
    from modelloop.contracts.index_entry import IndexEntry

PARALLEL_READS = 8


def find(artifacts: Bucket, model: str, prediction_id: str) -> tuple[str, list[IndexEntry]]:
    """Return when a prediction was made and its index entries: one for each version that answered and chunk of rows.

    Raises NotFoundError when the id is none of ours or the index does not hold it (yet, or any more).
    """
    made, hour = uuid7_ms(prediction_id), hour_of(prediction_id)
    if made is None or hour is None:
        raise NotFoundError(f"{prediction_id[:80]!r} is not a prediction id", field="prediction")
    prefix = keys.index(model, hour, "").removesuffix(".jsonl")
    wanted = f'"id":"{prediction_id}"'.encode()
    entries: list[IndexEntry] = []
    with ThreadPoolExecutor(PARALLEL_READS) as pool:
        for group in batched(artifacts.list_keys(prefix), PARALLEL_READS, strict=False):
            for body in pool.map(artifacts.get, group):
                entries += read_index(line for line in body.split(b"\n") if wanted in line)
    if not entries:
        raise NotFoundError(
            f"model {model!r} knows no prediction {prediction_id}: captures take minutes to arrive, and expire in time",
            field="prediction",
        )
    return clock.from_ms(made), _once([entry for entry in entries if entry.id == prediction_id])


def _once(entries: list[IndexEntry]) -> list[IndexEntry]:
    """Drop what the stream delivered twice; champion and challenger come before shadows."""
    by_rank = {(entry.variant == SHADOW, entry.version, entry.offset): entry for entry in entries}
    return [by_rank[rank] for rank in sorted(by_rank)]
