"""From an upload to its run, and along the run's stages to its end."""

from __future__ import annotations

import time
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

from modelloop.versions.run import ENDED, QUEUED, RUNNING, STAGES, SUCCEEDED
from modelloop_client.failures import ApiError, CommandError

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelloop_client.client import Client, Document
    from modelloop_client.uploads import Upload

POLL_SECONDS = 0.5
APPEARS_WITHIN = 120.0
SAME_CONTENT_AFTER = 15.0
RECENT = 50
GIVEN_UP_AFTER = 120.0
_BEFORE_THE_QUEUE = STAGES[: STAGES.index("queued")]


def find_run(client: Client, model: str, upload: Upload, *, patience: float = APPEARS_WITHIN) -> Document:
    """Return the run that an upload started, or the earlier one of the same content.

    The loop trains the same content once: an upload that repeats an earlier table starts no run. Raises
    CommandError when neither appears in time.
    """
    started = time.monotonic()
    while (waited := time.monotonic() - started) < patience:
        run = _match(recent_runs(client, model), upload)
        if run and (
            run["dataset"].get("version_id") == upload.version_id
            or upload.unchanged
            or waited > min(SAME_CONTENT_AFTER, patience / 2)
        ):
            return run
        time.sleep(POLL_SECONDS)
    raise CommandError(
        f"no run appeared for {upload.uri} in {patience:.0f} s",
        "The upload is safe; look at modelloop runs later, and at the training trigger's log",
    )


def is_stalled(client: Client, model: str, upload: Upload, now: datetime) -> bool:
    """Tell whether content that was there already never became a run, or its run was given up before the queue."""
    run = _match(recent_runs(client, model), upload)
    if run is None:
        return True
    silent = (now - datetime.fromisoformat(run["updated_at"] or run["created_at"])).total_seconds()
    return run["state"] == QUEUED and run["stage"] in _BEFORE_THE_QUEUE and silent > GIVEN_UP_AFTER


def _match(runs: list[Document], upload: Upload) -> Document | None:
    same_version = (run for run in runs if run["dataset"].get("version_id") == upload.version_id)
    same_content = (run for run in runs if run["dataset"].get("digest") == upload.sha256)
    return next(same_version, None) or next(same_content, None)


def recent_runs(client: Client, model: str) -> list[Document]:
    """Return the model's latest runs, newest first; none when the model is unknown."""
    try:
        return client.runs(model, RECENT)
    except ApiError as error:
        if error.status == HTTPStatus.NOT_FOUND:
            return []
        raise


def follow(
    client: Client, model: str, run_id: str, seen: Callable[[Document], object], *, patience: float = 1200.0
) -> Document:
    """Wait for the run's end, telling `seen` each state on the way; returns the ended run."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        run = client.about(model, f"runs/{run_id}")
        seen(run)
        if run["state"] in ENDED:
            return run
        time.sleep(POLL_SECONDS)
    raise CommandError(
        f"run {run_id} is still going after {patience:.0f} s", f"It goes on; see it with: modelloop runs {model}"
    )


def stage(run: Document) -> str:
    """Return in a word or two where a run is."""
    return str(run["stage"]) if run["state"] == RUNNING else f"{run['state'].lower()} ({run['stage']})"


def require_success(run: Document) -> None:
    """Raise CommandError, with the run's own reason, when it ended as anything but a success."""
    if run["state"] != SUCCEEDED:
        reason = run.get("reason") or "no reason was recorded"
        raise CommandError(f"run {run['run_id']} ended {run['state']}: {reason}")
