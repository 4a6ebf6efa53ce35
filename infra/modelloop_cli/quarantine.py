"""Unreadable lines of captures and feedback: monitoring could not read them and quoted them in the quarantine."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from modelloop import keys
from modelloop.captures.quarantine import read_quarantine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelloop.captures.quarantine import Quote
    from modelloop_client.stacks import Stack


class LineGroup(NamedTuple):
    """Unreadable lines of one object with one model and kind; `lines` counts those that are quoted.

    `first_line`, `reason` and `text` are of the first of them.
    """

    model: str
    kind: str
    lines: int
    first_line: int
    reason: str
    text: str


def list_quarantine(stack: Stack, limit: int, model: str | None = None) -> list[dict[str, Any]]:
    """Return the objects with unreadable lines, newest first, at most `limit`; of one model, when it is named.

    Each has `put_aside_at`, the quarantine's key, the capture object's address and version, how many of its lines were
    unreadable, and `groups` of them by model and kind. Objects of other models are read and skipped.
    """
    objects = []
    for item in _list_items(stack):
        document = _read_item(stack, item)
        groups = [group for group in document["groups"] if model in {None, group["model"]}]
        if groups:
            objects.append(document | {"groups": groups})
        if len(objects) == limit:
            break
    return objects


def _list_items(stack: Stack) -> list[dict[str, Any]]:
    pages = stack.aws("s3").get_paginator("list_objects_v2")
    listed = pages.paginate(Bucket=stack.artifacts_bucket, Prefix=keys.QUARANTINE)
    items = [item for page in listed for item in page.get("Contents", ())]
    return sorted(items, key=lambda item: (item["LastModified"], item["Key"]), reverse=True)


def _read_item(stack: Stack, item: dict[str, Any]) -> dict[str, Any]:
    body = stack.aws("s3").get_object(Bucket=stack.artifacts_bucket, Key=item["Key"])["Body"]
    stored = read_quarantine(body.read())
    return {
        "put_aside_at": item["LastModified"].isoformat(timespec="seconds"),
        "quarantine": item["Key"],
        "object": f"s3://{stack.capture_bucket}/{stored.source.key}",
        "version_id": stored.source.version_id,
        "lines": stored.refused,
        "groups": [group._asdict() for group in _group_lines(stored.quotes)],
    }


def _group_lines(quotes: list[Quote]) -> Iterator[LineGroup]:
    """Yield quoted lines grouped by the model and kind of their refusal."""

    def owner(quote: Quote) -> tuple[str, str]:
        return quote.model, quote.kind

    for (model, kind), group in groupby(sorted(quotes, key=owner), key=owner):  # a stable sort: lines stay in order
        first, *others = group
        yield LineGroup(model, kind, 1 + len(others), first.line, first.reason, first.text)
