"""What monitoring put aside: objects of captures and feedback, with the lines of them that could not be read."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from modelloop import keys
from modelloop.captures.quarantine import read_quarantine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelloop.captures.quarantine import Quote
    from modelloop_client.target import Stack


class Group(NamedTuple):
    """Lines of one object that were put aside for one reason; `lines` counts those that are quoted."""

    model: str
    kind: str
    lines: int
    first_line: int
    reason: str
    text: str


def newest(stack: Stack, limit: int, model: str | None = None) -> list[dict[str, Any]]:
    """Return the objects with lines that were put aside, newest first; of one model, when it is named.

    Each tells when it was put aside, the quarantine's key, key and version of the capture object, how many lines it
    lost, and `groups` of them by model and reason. Objects of other models are read and passed over.
    """
    found = []
    for item in _listed(stack):
        one = _described(stack, item)
        groups = [group for group in one["groups"] if model in {None, group["model"]}]
        if groups:
            found.append(one | {"groups": groups})
        if len(found) == limit:
            break
    return found


def _listed(stack: Stack) -> list[dict[str, Any]]:
    pages = stack.aws("s3").get_paginator("list_objects_v2")
    listed = pages.paginate(Bucket=stack.artifacts_bucket, Prefix=keys.QUARANTINE)
    items = [item for page in listed for item in page.get("Contents", ())]
    return sorted(items, key=lambda item: (item["LastModified"], item["Key"]), reverse=True)


def _described(stack: Stack, item: dict[str, Any]) -> dict[str, Any]:
    body = stack.aws("s3").get_object(Bucket=stack.artifacts_bucket, Key=item["Key"])["Body"]
    stored = read_quarantine(body.read())
    return {
        "put_aside_at": item["LastModified"].isoformat(timespec="seconds"),
        "quarantine": item["Key"],
        "object": f"s3://{stack.capture_bucket}/{stored.source.key}",
        "version_id": stored.source.version_id,
        "lines": stored.refused,
        "groups": [group._asdict() for group in _groups(stored.quotes)],
    }


def _groups(quotes: list[Quote]) -> Iterator[Group]:
    """Yield quoted lines by the model and kind of their refusal."""

    def owner(quote: Quote) -> tuple[str, str]:
        return quote.model, quote.kind

    for (model, kind), some in groupby(sorted(quotes, key=owner), key=owner):  # a stable sort: lines stay in order
        first, *others = some
        yield Group(model, kind, 1 + len(others), first.line, first.reason, first.text)
