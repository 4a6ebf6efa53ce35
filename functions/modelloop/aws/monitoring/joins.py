"""The join of predictions and labels in the artifacts bucket, hour by hour.

Whoever stores index entries or labels of an hour leaves a mark. A join lists the marks, reads everything stored for
the hour, writes the hour's quality over the one it read before (a conditional write), then deletes the marks it saw.
Whatever arrives meanwhile leaves a mark of its own, so the last join always knows everything. A join that changed
something and found predictions with labels leaves the mark `unkept`: the hour's labelled rows are stored once the
labels had time to come.

Anybody can write an id, so labels may come for hours in which nothing was predicted. These hours are joined last and
few at a time, only to count their labels; predictions that arrive later leave a mark, and the hour is joined again.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from modelloop import clock, keys
from modelloop.aws.monitoring import joined_days
from modelloop.aws.monitoring.other_models import OtherModels
from modelloop.contracts.counts import branch, integer
from modelloop.errors import ConflictError, NotFoundError
from modelloop.monitoring import summary, windows
from modelloop.monitoring.quality import outcomes, shadow_agreement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from modelloop.aws.storage import Bucket
    from modelloop.contracts.counts import Counts
    from modelloop.contracts.manifest import Manifest
    from modelloop.monitoring.quality.outcomes import Labels

LABELS_PENDING = "unkept"  # the mark's name in the bucket
PARALLEL_READS = 4
MAX_HOURS = 4 * 24 * 7
MAX_UNPREDICTED = 20  # hours without predictions that one tick joins


class Due(NamedTuple):
    """An hour with work to do: marks of what is not joined, and whether its labelled rows are still to be stored."""

    hour: str
    marks: list[str]
    labels_pending: bool


def due(artifacts: Bucket, model: str) -> list[Due]:
    """Return the hours that have marks, newest first."""
    marks = artifacts.list_keys(keys.join_pending_prefix(model))
    hours = [_due(hour, list(of_hour)) for hour, of_hour in groupby(marks, key=lambda key: key.split("/")[2])]
    return hours[::-1]


def to_join(artifacts: Bucket, model: str) -> list[Due]:
    """Return the hours to join in a tick, newest first: those with predictions, then a few of those without any.

    The index is listed after the marks: predictions that it does not show yet will leave a mark of their own.
    """
    marked = [hour for hour in due(artifacts, model) if hour.marks]
    if not marked:
        return []
    predicted = set(artifacts.list_folders(keys.index_prefix(model)))
    without = [hour for hour in marked if hour.hour not in predicted]
    return [hour for hour in marked if hour.hour in predicted] + without[:MAX_UNPREDICTED]


def _due(hour: str, marks: list[str]) -> Due:
    return Due(
        hour,
        [mark for mark in marks if not mark.endswith(f"/{LABELS_PENDING}")],
        any(mark.endswith(f"/{LABELS_PENDING}") for mark in marks),
    )


def join(
    artifacts: Bucket,
    model: str,
    hour: str,
    marks: Sequence[str],
    manifest: Callable[[int], Manifest | None],
    *,
    paired: bool = False,
    others: OtherModels | None = None,
) -> bool:
    """Join one hour and delete its marks; False when another join was quicker (the marks stay for the next one).

    `paired` says that a shadow answers too, so that its answers are compared with the champion's. `others` are asked
    for labels that have no prediction here.
    """
    joined, etag = joined_days.read_hour(artifacts, keys.quality(model, hour))
    received = labels(artifacts, model, hour)
    agreement: Counts = {}
    if paired or (joined or {}).get("pairs"):
        agreement = shadow_agreement.count(index_lines(artifacts, model, hour), manifest)
    if received.last or agreement:
        elsewhere = partial((others or OtherModels(artifacts, model, 0)).find, hour)
        counts = outcomes.join(index_lines(artifacts, model, hour), received, manifest, elsewhere)
        counts |= {"pairs": agreement} if agreement else {}
        if counts != joined:
            if integer(counts, "labels") > integer(counts, "unmatched"):
                artifacts.put(keys.join_pending(model, hour, LABELS_PENDING), b"")
            if not _write(artifacts, keys.quality(model, hour), model, hour, counts, etag):
                return False
    forget(artifacts, marks)
    return True


def forget(artifacts: Bucket, marks: Sequence[str]) -> None:
    """Delete marks whose work is done."""
    for mark in marks:
        artifacts.delete(mark)


def labels(artifacts: Bucket, model: str, hour: str) -> Labels:
    """Return what came back for the predictions of an hour."""
    objects = artifacts.list_keys(_folder(keys.feedback(model, hour, "")))
    return outcomes.read_labels(_lines(artifacts, list(objects)))


def index_lines(artifacts: Bucket, model: str, hour: str) -> Iterator[bytes]:
    """Yield the index lines of an hour, object by object; the first line of each tells the capture object."""
    objects = artifacts.list_keys(_folder(keys.index(model, hour, "")))
    yield from _lines(artifacts, list(objects))


def newest_first(
    artifacts: Bucket, model: str, now: str, *, since: str = "", until: str | None = None
) -> Iterator[tuple[str, Counts]]:
    """Yield the joined hours of the last four weeks, newest first, read only as far as asked.

    `since` and `until` are the first and the last hour that is wanted.
    """
    end = clock.hour_of(now)
    return joined_days.newest_first(artifacts, model, max(since, windows.shift(end, -MAX_HOURS)), until or end)


def paired(artifacts: Bucket, model: str, since: str, now: str, pair: str) -> tuple[int, int] | None:
    """Return the rows that both of a `pair` answered from hour `since` on, and how many differently.

    `pair` is a name as `shadow_agreement.name` makes it; None: there are no such rows.
    """
    hours = newest_first(artifacts, model, now, since=since)
    agreement = summary.total(branch(branch(joined, "pairs"), pair) for _, joined in hours)
    return (integer(agreement, "rows"), integer(agreement, "different")) if agreement else None


def _write(artifacts: Bucket, key: str, model: str, hour: str, joined: Counts, etag: str | None) -> bool:
    body = joined_days.hour_to_bytes(model, hour, joined)
    try:
        if etag is None:
            artifacts.put(key, body, if_none_match=True)
        else:
            artifacts.replace(key, body, etag)
    except (ConflictError, NotFoundError):
        return False
    return True


def _lines(artifacts: Bucket, objects: Sequence[str]) -> Iterator[bytes]:
    """Yield the lines of stored objects, a few objects in memory at a time."""
    with ThreadPoolExecutor(PARALLEL_READS) as pool:
        for start in range(0, len(objects), PARALLEL_READS):
            for body in pool.map(artifacts.get, objects[start : start + PARALLEL_READS]):
                yield from filter(None, body.split(b"\n"))


def _folder(key: str) -> str:
    return key[: key.rindex("/") + 1]
