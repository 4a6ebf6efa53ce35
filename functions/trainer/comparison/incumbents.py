"""The versions that a candidate must not fall behind: the champion, the best so far, and the rows they answer for."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

from modelloop import flat, keys
from modelloop.aws.registry import manifests
from modelloop.contracts.bundle import read_bundle
from modelloop.errors import ArtifactRefusedError
from trainer.comparison.compared_models import ComparedModel
from trainer.comparison.served import Served, ServedBundle
from trainer.evaluation.predictors import Compiled, Estimator
from trainer.rows import Part, unpack_anchor

if TYPE_CHECKING:
    from modelloop.aws.storage import Bucket
    from modelloop.contracts.manifest import Manifest
    from modelloop.contracts.pointer import Pointer
    from modelloop.tables.encoding import Encoding
    from modelloop.versions.prepared_table import Label
    from trainer.rows import Predictor
    from trainer.services import Services


@dataclass(frozen=True)
class Incumbent:
    """An earlier version, ready to predict rows of its own encoding."""

    manifest: Manifest
    predictor: Predictor

    @property
    def encoding(self) -> Encoding:
        """Return the encoding of its rows."""
        return self.manifest.encoding

    @property
    def classes(self) -> tuple[Label, ...] | None:
        """Return the classes in the order of their indices; None for regression."""
        return self.manifest.classes if self.manifest.task == "classification" else None

    def as_compared(self) -> ComparedModel:
        """Return it as one of two models that are compared."""
        return ComparedModel(self.predictor, self.encoding, self.classes)


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
    best_run = incumbent.manifest.best.run_id
    best = incumbent if best_run == incumbent.manifest.run_id else _load(services, pointer.model, best_run, asking)
    return Champion(incumbent, _anchor(services.artifacts, incumbent.manifest), best)


def _anchor(artifacts: Bucket, manifest: Manifest) -> Part:
    """Return the rows that a version was held to; an imported version without labelled rows has none."""
    if keys.ANCHOR not in manifest.files:
        return Part(np.zeros((0, len(manifest.encoding.slots)), np.float32), np.zeros(0))
    return unpack_anchor(_file(artifacts, manifest, keys.ANCHOR))


def _load(services: Services, model: str, run_id: str, asking: str) -> Incumbent:
    manifest = manifests.read(services.artifacts, model, run_id)
    return Incumbent(manifest, _predictor(services, manifest, asking))


def _predictor(services: Services, manifest: Manifest, asking: str) -> Predictor:
    bundle = read_bundle(_file(services.artifacts, manifest, keys.BUNDLE))
    if bundle.form.flat is not None:
        return Compiled(flat.load(bundle.form.flat), bundle.threshold)
    if keys.JOBLIB in manifest.files:
        import joblib  # noqa: PLC0415  only for versions without a flat form

        estimator = joblib.load(BytesIO(_file(services.artifacts, manifest, keys.JOBLIB)))
        return Estimator(estimator, manifest.task, bundle.threshold)
    served = ServedBundle(
        manifest.model, manifest.run_id, manifest.ref.file, manifest.files[keys.BUNDLE],
        slots=len(bundle.encoding.slots), classes=len(bundle.classes or ()),
        threshold=bundle.threshold,
    )  # fmt: skip
    return Served(services, served, asking)


def _file(artifacts: Bucket, manifest: Manifest, name: str) -> bytes:
    facts = manifest.files.get(name)
    body = b"" if facts is None else artifacts.get(keys.version(manifest.model, manifest.run_id, name))
    if facts is None or len(body) != facts.bytes or sha256(body).hexdigest() != facts.sha256:
        raise ArtifactRefusedError(
            f"{name} of version {manifest.version} is not what its manifest says; "
            "promote another version before training a successor"
        )
    return body
