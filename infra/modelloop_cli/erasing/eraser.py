"""One erasure, step by step: each step leaves what the ones before it are found by, so that it can be begun anew."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from modelloop import keys
from modelloop.captures import erasure
from modelloop.contracts.origins import read_origins
from modelloop.ids import hour_of, uuid7_ms
from modelloop.versions.run import ENDED
from modelloop_cli.erasing.store import Store
from modelloop_client.failures import CommandError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from modelloop.captures.erasure import Remainder, RowSelection
    from modelloop_client.client import Client

    Erase = Callable[[bytes, RowSelection], Remainder]

MAX_RUNS = 10_000
CLOCKS_MS = 3_600_000  # what two clocks may be apart
HELD = ("rows", "labels", "entries", "quarantined", "labelled", "derived")


class Erased(NamedTuple):
    """What was (or would be) erased, by kind; versions that learned from it; runs that are learning from it now."""

    counted: dict[str, int]
    versions: list[int]
    runs: list[str]

    def to_json(self) -> dict[str, Any]:
        """Return the document for programs."""
        return {**self.counted, "versions": self.versions, "unfinished_runs": self.runs}

    @property
    def anything(self) -> bool:
        """Return whether anything was still held of the prediction."""
        return any(self.counted[name] for name in HELD)


class Eraser:
    """Erases one row, or all rows, of a prediction from everything that holds them."""

    def __init__(self, client: Client, model: str, selection: RowSelection, *, rehearsal: bool) -> None:
        hour = hour_of(selection.id)
        if hour is None:
            raise CommandError(f"{selection.id[:80]!r} is not a prediction id", "It came with the answer")
        self._client, self._model, self._selection, self._hour = client, model, selection, hour
        self._store = Store(client.stack, rehearsal=rehearsal)
        self._artifacts, self._capture = client.stack.artifacts_bucket, client.stack.capture_bucket
        self._versions: set[int] = set()
        self._unfinished: list[str] = []

    def erase(self) -> Erased:
        """Do it, or rehearse it; the index goes last, because what else there is is found through it."""
        index = _folder(keys.index(self._model, self._hour, ""))
        feedback = _folder(keys.feedback(self._model, self._hour, ""))
        sources = {pair for folder in (index, feedback, keys.QUARANTINE) for pair in self._sources(folder)}
        for source, digest in sorted(sources):
            self._rewrite(source, digest)
        self._change_all(keys.QUARANTINE, "quarantined", erasure.erase_from_quarantine)
        self._change_all(feedback, "labels", erasure.erase_from_labels)
        self._change(keys.labelled(self._model, self._hour), "labelled", erasure.erase_from_labelled_rows)
        self._store.purge(self._artifacts, keys.labelled(self._model, self._hour))
        for digest in self._derived():
            self._forget_table(digest)
        self._store.purge(self._artifacts, keys.derived_prefix(self._model))
        self._change_all(index, "entries", erasure.erase_from_index)
        counted = {name: self._store.counted[name] for name in (*HELD, "objects", "old_versions", "removed")}
        return Erased(counted, sorted(self._versions), self._unfinished)

    def _naming(self, folder: str) -> Iterator[tuple[str, bytes]]:
        """Yield the objects of a folder that name the prediction; none is older than that."""
        since = (uuid7_ms(self._selection.id) or 0) - CLOCKS_MS
        for key in list(self._store.keys(self._artifacts, folder, since)):
            body = self._store.read(self._artifacts, key)
            if body is not None and self._selection.is_named_in(body):
                yield key, body

    def _sources(self, folder: str) -> Iterator[tuple[str, str]]:
        """Yield the capture object that each of them was made of, with the digest in its derived keys."""
        for key, body in self._naming(folder):
            source = json.loads(body.split(b"\n", 1)[0]).get("key")
            if source:
                yield source, key.rpartition("/")[2].partition(".")[0]

    def _rewrite(self, source: str, digest: str) -> None:
        """Write a capture object anew, lead the index to that version, and only then delete the ones before."""
        places = {(self._model, self._hour)}

        def without(body: bytes) -> bytes:
            rewritten = erasure.erase_from_captures(body, self._model, self._selection)
            places.update(rewritten.places)
            self._store.counted["rows"] += rewritten.rows
            return rewritten.body if rewritten.rows + rewritten.labels + rewritten.lines else body

        version_id = self._store.change(self._capture, source, without)
        for place in sorted(places) if version_id else ():
            key = keys.index(*place, digest)
            self._store.change(self._artifacts, key, lambda body: erasure.lead_index(body, version_id))
            self._store.purge(self._artifacts, key)
        self._store.purge(self._capture, source)

    def _change_all(self, folder: str, name: str, erase: Erase) -> None:
        for key, _ in self._naming(folder):
            self._change(key, name, erase)
        self._store.purge(self._artifacts, folder)

    def _change(self, key: str, name: str, erase: Erase) -> None:
        def without(body: bytes) -> bytes:
            remainder = erase(body, self._selection)
            self._store.counted[name] += remainder.erased
            return remainder.body

        self._store.change(self._artifacts, key, without)

    def _derived(self) -> Iterator[str]:
        """Yield the digests of derived tables that hold the rows."""
        for key, body in self._naming(keys.derived_prefix(self._model)):
            if key.endswith(keys.ORIGINS) and erasure.origins_hold(read_origins(body), self._selection):
                yield key.rpartition("/")[2].removesuffix(keys.ORIGINS)

    def _forget_table(self, digest: str) -> None:
        """Take the rows out of a derived table and remove what runs made of it; a run that is under way needs both."""
        table, origins_key = keys.derived(self._model, digest), keys.origins(self._model, digest)
        runs = [run for run in self._runs() if run["dataset"].get("uri", "").endswith(f"/{table}")]
        self._versions |= {run["version"] for run in runs if run["version"]}
        if unfinished := [run["run_id"] for run in runs if run["state"] not in ENDED]:
            self._unfinished += unfinished
            return
        for run in runs:
            for key in list(self._store.keys(self._artifacts, keys.prepared(self._model, run["run_id"], ""))):
                if key.endswith(".npy"):
                    self._store.remove(self._artifacts, key)
        stored = self._store.read(self._artifacts, origins_key)
        if stored is None:
            return
        origins = read_origins(stored)
        self._change(table, "derived", lambda body, selection: erasure.erase_from_table(body, origins, selection))
        left = erasure.erase_from_origins(origins, self._selection).to_bytes()
        self._store.change(self._artifacts, origins_key, lambda _: left)

    def _runs(self) -> list[dict[str, Any]]:
        return self._client.runs(self._model, MAX_RUNS)


def _folder(key: str) -> str:
    return key.removesuffix(".jsonl")
