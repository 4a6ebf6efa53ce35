"""Replay: the trainer asks the serving runtime to answer rows with a stored bundle, and gets its verdict."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from modelloop.contracts.pointer import VersionRef
from modelloop.errors import ArtifactRefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class ReplayRequest:
    """Rows to replay through the bundle `file`, which has this digest (hex SHA-256) and size.

    `vectors` and `expected` are keys of .npy files: float32 [rows, slots], and the estimator's answers, float64
    [rows, classes or 1]. Without `expected` the runtime's own answers come back. `request_id` is of the run's request.
    """

    model: str
    run_id: str
    request_id: str | None
    file: str
    sha256: str
    bytes: int
    vectors: str
    expected: str | None = None

    @property
    def ref(self) -> VersionRef:
        """The bundle as a version that has no number yet."""
        return VersionRef(0, self.run_id, self.file, self.sha256, self.bytes)

    def to_json(self) -> dict[str, str | int | None]:
        """Return the event that the replay function is invoked with."""
        document = {"format_version": FORMAT_VERSION, **asdict(self)}
        return document if self.expected is not None else {k: v for k, v in document.items() if k != "expected"}


def replay_request_from_json(event: Mapping[str, Any]) -> ReplayRequest:
    """Read the event of an invocation; raise ArtifactRefusedError for a format that this release does not read."""
    version = event.get("format_version")
    if version != FORMAT_VERSION:
        raise ArtifactRefusedError(
            f"the replay request has format version {version!r}, and version {FORMAT_VERSION} can be read"
        )
    try:
        return ReplayRequest(
            model=event["model"],
            run_id=event["run_id"],
            request_id=event.get("request_id"),
            file=event["file"],
            sha256=event["sha256"],
            bytes=event["bytes"],
            vectors=event["vectors"],
            expected=event.get("expected"),
        )
    except KeyError as error:
        raise ArtifactRefusedError(f"the replay request has no {error}") from error


@dataclass(frozen=True, slots=True)
class ReplayVerdict:
    """What the serving runtime says of the exported model; `reason` says why it is not `ok`.

    `mismatches` counts rows that differ by more than is allowed, `worst` is the largest difference as a share of what
    is allowed, `label_ties` counts rows whose two best answers lie too close to compare. `answers` are float64
    [rows, classes or 1] in base64, when they were asked for.
    """

    rows: int = 0
    mismatches: int = 0
    worst: float = 0.0
    label_ties: int = 0
    engine: str | None = None
    answers: str | None = None
    ok: bool = False
    golden_ok: bool = False
    reason: str | None = None

    def to_json(self) -> dict[str, str | int | float | bool | None]:
        """Return the document that the replay function answers and that manifests keep."""
        return asdict(self)


def replay_verdict_from_json(document: Mapping[str, Any]) -> ReplayVerdict:
    """Read the replay function's answer; raise ArtifactRefusedError when it is none."""
    try:
        return ReplayVerdict(**document)
    except TypeError as error:
        raise ArtifactRefusedError(f"the replay's verdict is damaged: {error}") from error
