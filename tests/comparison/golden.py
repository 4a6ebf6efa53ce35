"""One sample of everything that crosses a function's border, with the bytes that today's code writes.

They are for tests of the types that read and write these things: what a reader reads, its writer writes back alike.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.comparison.environment import ARTIFACTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from tests.comparison.stand import Stand

ITEMS = {
    "run": "RUN#", "run-key": "RUNKEY#", "version": "VERSION#", "run-version": "RUNVERSION#", "audit": "AUDIT#",
    "sequencer": "SEQ#", "counter": "COUNTER",
}  # fmt: skip
OBJECTS = {
    "pointer.json": ("serving/", ".json"), "summary.json": ("summaries/", ".json"),
    "quality.json": ("quality/", ".json"), "index.jsonl": ("index/", ".jsonl"),
    "labels.jsonl": ("feedback/", ".jsonl"), "labelled.jsonl": ("labelled/", ".jsonl"),
    "quarantine.jsonl": ("quarantine/", ".jsonl"), "origins.json": ("derived/", ".origins.json"),
    "prepared-table.json": ("prepared/", "/table.json"), "trials.json": ("prepared/", "/trials.json"),
}  # fmt: skip
LINES = 12  # of a file that has many


def samples(stand: Stand, versions: Mapping[str, list[bytes]]) -> Iterator[tuple[str, bytes]]:
    """Yield file names and their bytes; `versions` is what the artifacts bucket ever held."""
    yield from _captures(stand)
    yield from _requests(stand)
    yield from _items(stand.stores.items())
    for name, (prefix, suffix) in OBJECTS.items():
        bodies = [held[-1] for key, held in sorted(versions.items()) if key.startswith(prefix) and key.endswith(suffix)]
        fullest = max(bodies, key=lambda body: (len(body.splitlines()[:LINES]), len(set(_names(body))), -len(body)))
        yield name, b"".join(fullest.splitlines(keepends=True)[:LINES])
    yield from _versions(stand, versions)


def write(folder: Path, files: Iterable[tuple[str, bytes]]) -> None:
    """Replace the files of a folder."""
    for old in folder.glob("**/*.json*"):
        old.unlink()
    for name, body in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(body)


def _captures(stand: Stand) -> Iterator[tuple[str, bytes]]:
    """One line a kind, and a prediction of each variant and task."""
    lines = [line for lines in stand.journal.captures.values() for line in lines]
    seen: dict[str, bytes] = {}
    for line in lines:
        record = json.loads(line)
        kind = record["kind"]
        if kind == "prediction":
            kind += f"-{record['variant']}"
            kind += "-regression" if record["proba"] is None else ""
            kind += "-unsampled" if record["columns"] is None else ""
        if kind not in seen or len(line) < len(seen[kind]):
            seen[kind] = line
    for kind, line in sorted(seen.items()):
        yield f"captures/{kind}.json", line


def _requests(stand: Stand) -> Iterator[tuple[str, bytes]]:
    """What functions send one another."""
    for payload in (payload for function, payload in stand.journal.requests if function == "training-trigger"):
        yield f"requests/retrain-{json.loads(payload)['cause']}.json", payload
    bodies = [body for bodies in stand.journal.messages.values() for body in bodies]
    yield "requests/run.json", bodies[0].encode()
    yield "requests/run-requested.json", next(body for body in bodies if json.loads(body)["request_id"]).encode()
    for kind in ("compare", "answer"):
        asked, said = next(
            (asked, said)
            for _, asked, said in stand.journal.calls
            if ("expected" in json.loads(asked)) == (kind == "compare")
        )
        yield f"requests/replay-{kind}.json", asked
        yield f"requests/replay-{kind}-answer.json", said
    for left in stand.journal.sent.values():
        for event in left.get("events", ()):
            name = event["DetailType"].lower().replace(" ", "-")
            yield f"events/{name}.json", json.dumps(event).encode()


def _items(items: list[dict[str, Any]]) -> Iterator[tuple[str, bytes]]:
    """One item of the table a kind, typed as DynamoDB does; of verdicts each kind's history and latest."""
    for item in sorted(items, key=lambda one: (one["pk"]["S"], one["sk"]["S"])):
        key = item["sk"]["S"]
        if item["pk"]["S"] == "MODELS":
            name = "model"
        elif key.startswith(("VERDICT#", "LATEST#")):
            name = "-".join(key.lower().split("#")[:2])
        else:
            name = next(name for name, prefix in ITEMS.items() if key.startswith(prefix))
        yield f"items/{name}.json", json.dumps(item, sort_keys=True).encode()


def _versions(stand: Stand, versions: Mapping[str, list[bytes]]) -> Iterator[tuple[str, bytes]]:
    """Manifest, baseline and bundle of each model's first version."""
    for model in ("haze", "penguins", "diabetes", "nests", "wine"):
        key = min(key for key in versions if key.startswith(f"versions/{model}/") and key.endswith("/manifest.json"))
        manifest = versions[key][-1]
        yield f"versions/{model}/manifest.json", manifest
        yield f"versions/{model}/baseline.json", _part(manifest, "baseline")
        yield f"versions/{model}/pointer.json", stand.stores.read(ARTIFACTS, f"serving/{model}.json")
        yield f"versions/{model}/model.flat.json", versions[key.replace("manifest.json", "model.flat.json")][-1]


def _part(document: bytes, name: str) -> bytes:
    """Return the bytes of one field of a document."""
    text = document.decode()
    start = text.index(f'"{name}":{{') + len(name) + 3
    _, end = json.JSONDecoder().raw_decode(text, start)
    return text[start:end].encode()


def _names(body: bytes) -> Iterator[str]:
    """Yield every name of a field in JSON, or JSON lines."""
    for line in [body] if b"\n" not in body.strip() else body.splitlines():
        yield from _fields(json.loads(line))


def _fields(document: Any) -> Iterator[str]:
    if isinstance(document, dict):
        yield from document
        for value in document.values():
            yield from _fields(value)
    elif isinstance(document, list):
        for value in document:
            yield from _fields(value)
