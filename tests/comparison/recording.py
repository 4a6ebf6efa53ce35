"""A recording: everything that was seen from outside, as documents by kind and name, ready to be compared and kept.

Each kind is one file. JSON is kept as it is read, lines of JSON as lists, text as lines; whatever else is stored stands
for itself by size and SHA-256, unpacked where a package holds stamps. Long lists of numbers stand by digest too.
"""

from __future__ import annotations

import gzip
import json
import re
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.comparison import routes
from tests.comparison.environment import ARTIFACTS, CAPTURE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.comparison.environment import Answer
    from tests.comparison.stand import Stand

FOLDER = Path(__file__).parent / "recorded"
LONG = 40  # numbers
SHOWN = 3
EXACT = ("summaries/", "index/", "feedback/", "labelled/", "quality/", "derived/")  # no texts for people: byte for byte
BUNDLE = "model.flat.json"
REWRITTEN = b'"rewritten"'  # stands in the first line of captures that an erasure changed
REPORT = ".html"  # a page for people

type Recording = dict[str, dict[str, Any]]


def collect(stand: Stand) -> Recording:
    """Return what a stand has seen and holds."""
    journal = stand.journal
    return {
        "routes": {f"{route.method} {route.path}": route.handler for route in routes.routes()},
        "answers": {name: _answer(answer) for name, answer in journal.answers.items()},
        "captures": {name: [json.loads(line) for line in lines] for name, lines in journal.captures.items()},
        "sent": journal.sent,
        "results": {name: result for name, result in journal.results.items() if result is not None},
        "metrics": journal.metrics,
        "table": _items(stand.stores.items()),
        "artifacts": _objects(stand.stores.versions(ARTIFACTS)),
        "captures-stored": _objects(stand.stores.versions(CAPTURE)),
        "exports": dict(_exports(stand.folder)),
    }


def save(recording: Recording, folder: Path = FOLDER) -> None:
    """Write a recording, one packed file a kind."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind, documents in recording.items():
        text = json.dumps(documents, indent=0, sort_keys=True, ensure_ascii=False)
        (folder / f"{kind}.json.gz").write_bytes(gzip.compress(text.encode(), mtime=0))


def load(folder: Path = FOLDER) -> Recording:
    """Read a recording."""
    files = sorted(folder.glob("*.json.gz"))
    return {file.name.removesuffix(".json.gz"): json.loads(gzip.decompress(file.read_bytes())) for file in files}


def _answer(answer: Answer) -> dict[str, Any]:
    head = answer.headers.get("Inference-Header-Content-Length")
    if head is not None:
        binary = answer.body[int(head) :]
        body = {"json": json.loads(answer.body[: int(head)]), "binary": _digest(binary)}
    elif answer.headers.get("Content-Type", "").startswith("application/json"):
        body = {"json": json.loads(answer.body)}
    else:
        body = {"text": _prometheus(answer.body.decode())}
    return {"status": answer.status, "headers": answer.headers, **body}


def _prometheus(text: str) -> dict[str, Any]:
    """Return the families by name with their types, whether they are explained, and their samples."""
    families: dict[str, Any] = {}
    for line in text.splitlines():
        sign, _, rest = line.partition(" ")
        if sign == "#":
            word, name, value = rest.split(" ", 2)
            families.setdefault(name, {"samples": {}})[word.lower()] = value
        else:
            sample, _, value = line.rpartition(" ")
            name = re.split(r"[{ ]", sample, maxsplit=1)[0]
            family = next(one for one in (name, name.rpartition("_")[0]) if one in families)
            families[family]["samples"][sample] = value
    return families


def _items(items: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the table's items by their keys; documents, which are kept as JSON text, as they are read."""
    found: dict[str, Any] = {}
    for item in items:
        key = f"{item['pk']['S']} {item['sk']['S']}"
        found[key] = {name: _attribute(typed) for name, typed in item.items() if name not in {"pk", "sk"}}
    return found


def _attribute(typed: dict[str, Any]) -> Any:
    kind, value = next(iter(typed.items()))
    if kind == "M":
        return json.loads(value["json"]["S"])
    return {"NULL": None, "N": int(value) if kind == "N" else None}.get(kind, value)


def _objects(versions: dict[str, list[bytes]]) -> dict[str, Any]:
    """Return every state that each object had, oldest first, by key."""
    found: dict[str, Any] = {}
    for key, bodies in versions.items():
        states = [_object(key, body) for body in bodies]
        found[key] = states
    return found


def _object(key: str, body: bytes) -> Any:
    if key.endswith(REPORT):
        return {"report": True}
    if body.startswith(b"\x1f\x8b"):
        body = gzip.decompress(body)
    exact = {"sha256": sha256(body).hexdigest()} if key.startswith(EXACT) or key.endswith(BUNDLE) else {}
    if key.endswith(".json"):
        return {"json": json.loads(body), **exact}
    if key.endswith(".jsonl") or REWRITTEN in body[:100]:
        lines = [json.loads(line) if line[:1] == b"{" else line.decode() for line in body.splitlines()]
        return {"lines": lines, **exact}
    return _digest(body)


def _digest(body: bytes) -> dict[str, Any]:
    return {"bytes": len(body), "sha256": sha256(body).hexdigest()}


def _exports(folder: Path) -> Iterator[tuple[str, Any]]:
    """Yield what the command line wrote."""
    for file in sorted(folder.rglob("*")):
        if file.is_dir() or file.parent == folder:
            continue
        name = file.relative_to(folder).as_posix()
        text = file.read_text()
        yield name, [json.loads(line) for line in text.splitlines()] if name.endswith(".jsonl") else json.loads(text)


def shortened(document: Any) -> Any:
    """Return a document whose long lists of numbers stand by their length, first numbers and digest."""
    if isinstance(document, dict):
        return {name: shortened(value) for name, value in document.items()}
    if not isinstance(document, list):
        return document
    if len(document) > LONG and all(_is_plain(value) for value in document):
        digest = sha256(json.dumps(document).encode()).hexdigest()
        return {"values": len(document), "first": document[:SHOWN], "sha256": digest}
    return [shortened(value) for value in document]


def _is_plain(value: Any) -> bool:
    return isinstance(value, int | float | str | None) or (
        isinstance(value, list) and all(isinstance(one, int | float) for one in value)
    )
