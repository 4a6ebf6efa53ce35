"""Requests of the corpus with parts replaced, dropped, repeated or damaged: what no client writes, but some send."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

from tests.support.requests.corpus import CASES

if TYPE_CHECKING:
    import random

MAX_BODY = 64_000
LEAVES: list[Any] = [
    None, True, False, 0, -1, 1e308, 2**63, 10**30, 1.5, "", "NaN", float("nan"), float("inf"), "é" * 50, "\x00", [],
    {},    [[]], "mass", "explain", {"explain": True}, {"binary_data_size": 10**9}, {"a": {"b": []}}, [1, [2, [3]]],
    "2026-01-01", [10**6, 10**6], "x" * 2_000, {f"mass{place}": 1 for place in range(300)}, "sep=;",
]  # fmt: skip
NAMES = ["explain", "params", "parameters", "Mass", "mass ", "inputs", "x" * 64]
PIECES = [
    b"NaN", b",", b";", b"\t", b'"', b"'", b"\\", b"\n", b"\r", b"[", b"{", b"]", b"}", b"\0", b"\xff", b"Infinity",
    b"\xef\xbb\xbf",
    b"explain", b"mass", b"1e999", b"9" * 400, b'\\"', b" ",
]  # fmt: skip
HEADERS = [
    {"Content-Type": "text/csv"}, {"Content-Type": "text/csv; charset=utf-16"}, {"Content-Type": "application/json"},
    {"Content-Type": "text/csv; charset=latin1"}, {"Content-Encoding": "gzip"}, {"Content-Encoding": "deflate"},
    {"Inference-Header-Content-Length": "5"}, {"Inference-Header-Content-Length": "x"}, {"Accept": "*/*"},
    {"Content-Type": "é;"},
]  # fmt: skip


def mutated(chooser: random.Random) -> tuple[str, bytes, dict[str, str]]:
    """Return the route, body and headers of one request."""
    case = chooser.choice(CASES)
    body, headers = case.body[:MAX_BODY], dict(case.headers)
    for _ in range(chooser.randrange(1, 4)):
        body = _document(chooser, body) if chooser.random() < 0.5 else _bytes(chooser, body)
    if chooser.random() < 0.1:
        headers |= chooser.choice(HEADERS)
    if chooser.random() < 0.05:
        body = gzip.compress(body, mtime=0)
    if chooser.random() < 0.2:
        headers.pop("Inference-Header-Content-Length", None)
    return case.route, body, headers


def chosen_part(chooser: random.Random, document: Any) -> tuple[Any, Any] | None:
    """Return the list or object that holds a part of a document, and the part's key; None when there is no part."""
    node, place = document, None
    while isinstance(node, dict | list) and node and (place is None or chooser.random() < 0.75):
        key = chooser.choice(list(node)) if isinstance(node, dict) else chooser.randrange(len(node))
        place, node = (node, key), node[key]
    return place


def _document(chooser: random.Random, body: bytes) -> bytes:
    """Replace, drop or repeat one part of a JSON body; leave any other as it is."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return body
    place = chosen_part(chooser, document)
    if place is None:
        return body
    parent, key = place
    match chooser.randrange(5):
        case 0:
            del parent[key]
        case 1 if isinstance(parent, list):
            parent.extend(parent * chooser.randrange(1, 60))
        case 2 if isinstance(parent, dict):
            parent[chooser.choice(["explain", "params", "parameters", "Mass", "mass ", "inputs", "x" * 64])] = (
                parent.pop(key)
            )
        case _:
            parent[key] = chooser.choice(LEAVES)
    changed = json.dumps(document).encode()
    return changed if len(changed) <= MAX_BODY else body


def _bytes(chooser: random.Random, body: bytes) -> bytes:
    """Damage some bytes, or repeat a piece many times."""
    at = chooser.randrange(len(body) + 1)
    match chooser.randrange(4):
        case 0:
            return body[:at] + chooser.randbytes(chooser.randrange(4)) + body[at + chooser.randrange(4) :]
        case 1:
            piece = chooser.choice(PIECES)
            return body[:at] + piece * chooser.randrange(1, max(2, (MAX_BODY - len(body)) // len(piece))) + body[at:]
        case 2:
            return body[:at] + chooser.choice(PIECES) + body[at:]
        case _:
            end = chooser.randrange(at, len(body) + 1)
            piece = body[at:end] or b" "
            return body[:at] + piece * chooser.randrange(1, max(2, (MAX_BODY - len(body)) // len(piece))) + body[end:]
