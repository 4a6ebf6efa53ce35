"""The versions that a candidate must not fall behind: the champion, the best so far, and the rows they answer for."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from modelloop import flat, keys
from modelloop.errors import ArtifactRefusedError
from modelloop.tables.encoding import Encoding, encoding_from_json
from trainer.comparison.served import Served
from trainer.evaluation.outcome import capped
from trainer.evaluation.predictors import Compiled, Estimator, Predictor
from trainer.table import Part

if TYPE_CHECKING:
    from modelloop.aws.storage import Bucket
    from modelloop.contracts.pointer import Pointer
    from trainer.services import Services

ANCHOR_ROWS = 20_000


@dataclass(frozen=True)
class Incumbent:
    """An earlier version, ready to answer about rows of its own encoding."""

    version: int
    run_id: str
    manifest: dict[str, Any]
    encoding: Encoding
    predictor: Predictor

    @property
    def classes(self) -> list[Any] | None:
        """The classes in the order of their indices; None for regression."""
        return self.manifest["classes"] if self.manifest["task"] == "classification" else None


@dataclass(frozen=True)
class Champion:
    """The champion, the rows that it was held to, and the best version so far (which may be itself)."""

    incumbent: Incumbent
    anchor: Part
    best: Incumbent


def load_champion(services: Services, pointer: Pointer | None, asking: str) -> Champion | None:
    """Load what a candidate is compared with, or None when nothing serves yet; `asking` is the candidate's run.

    Raises ArtifactRefusedError for a file that is not what the version's manifest says.
    """
    if pointer is None or pointer.champion is None:
        return None
    incumbent = _load(services, pointer.model, pointer.champion.run_id, asking)
    best_run = incumbent.manifest.get("best", {}).get("run_id", incumbent.run_id)
    best = incumbent if best_run == incumbent.run_id else _load(services, pointer.model, best_run, asking)
    anchor = _anchor(services.artifacts, pointer.model, incumbent)
    return Champion(incumbent, anchor, best)


def pack_anchor(holdout: Part, seed: int) -> bytes:
    """Return at most 20,000 holdout rows as the file that later versions are compared on."""
    kept = holdout.take(capped(holdout.rows, ANCHOR_ROWS, seed))
    arrays: dict[str, Any] = {"matrix": kept.matrix, "target": kept.target}
    if kept.times is not None:
        arrays["times"] = kept.times
    buffer = BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def _anchor(artifacts: Bucket, model: str, incumbent: Incumbent) -> Part:
    """Return the rows that a version was held to; a brought version without labelled rows has none."""
    if keys.ANCHOR not in incumbent.manifest["files"]:
        return Part(np.zeros((0, len(incumbent.encoding.slots)), np.float32), np.zeros(0))
    return _unpack_anchor(_file(artifacts, model, incumbent.run_id, incumbent.manifest, keys.ANCHOR))


def _unpack_anchor(body: bytes) -> Part:
    with np.load(BytesIO(body), allow_pickle=False) as arrays:
        return Part(arrays["matrix"], arrays["target"], arrays.get("times"))


def _load(services: Services, model: str, run_id: str, asking: str) -> Incumbent:
    body = services.artifacts.get(keys.version(model, run_id, keys.MANIFEST))
    manifest: dict[str, Any] = orjson.loads(body)
    encoding = encoding_from_json(manifest["encoding"])
    return Incumbent(
        manifest["version"], run_id, manifest, encoding, _predictor(services, model, run_id, manifest, asking)
    )


def _predictor(services: Services, model: str, run_id: str, manifest: dict[str, Any], asking: str) -> Predictor:
    bundle = orjson.loads(_file(services.artifacts, model, run_id, manifest, keys.BUNDLE))
    if bundle["flat"] is not None:
        return Compiled(flat.load(bundle["flat"]), bundle["threshold"])
    if keys.JOBLIB not in manifest["files"]:
        return _served(services, model, run_id, manifest, bundle, asking)
    import joblib  # noqa: PLC0415  only for versions without a flat form

    estimator = joblib.load(BytesIO(_file(services.artifacts, model, run_id, manifest, keys.JOBLIB)))
    return Estimator(estimator, manifest["task"], bundle["threshold"])


def _served(
    services: Services, model: str, run_id: str, manifest: dict[str, Any], bundle: dict[str, Any], asking: str
) -> Predictor:
    facts = {"file": keys.version(model, run_id, keys.BUNDLE), **manifest["files"][keys.BUNDLE]}
    return Served(
        services,
        {"model": model, "run_id": run_id, **facts}, slots=len(encoding_from_json(bundle["encoding"]).slots),
        classes=len(bundle["classes"] or ()), threshold=bundle["threshold"], run_id=asking,
    )  # fmt: skip


def _file(artifacts: Bucket, model: str, run_id: str, manifest: dict[str, Any], name: str) -> bytes:
    facts = manifest["files"].get(name)
    body = b"" if facts is None else artifacts.get(keys.version(model, run_id, name))
    if facts is None or len(body) != facts["bytes"] or sha256(body).hexdigest() != facts["sha256"]:
        raise ArtifactRefusedError(
            f"{name} of version {manifest['version']} is not what its manifest says; "
            "promote another version before training a successor"
        )
    return body
