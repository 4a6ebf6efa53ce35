"""Find the run that an upload started, and follow it until it ends."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import TYPE_CHECKING

from modelloop import clock
from modelloop.versions.run import ENDED, QUEUED, RUNNING, STAGES, SUCCEEDED
from modelloop_client.failures import ApiError, CommandError

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelloop_client.client import Client, Document
    from modelloop_client.uploads import Upload

POLL_SECONDS = 0.5
APPEARS_WITHIN = 120.0  # seconds from an upload to its run
SAME_CONTENT_AFTER = 15.0  # seconds until an earlier run of the same content is taken for the upload's
RECENT = 50  # runs that are searched
STALLED_AFTER = 120.0  # seconds without progress before the queue
_STAGES_BEFORE_QUEUE = STAGES[: STAGES.index("queued")]


def find_run(client: Client, model: str, upload: Upload, *, patience: float = APPEARS_WITHIN) -> Document:
    """Return the run that an upload started, or the earlier one of the same content.

    The same content is trained on once: an upload that repeats an earlier table starts no run. Raises CommandError
    when neither appears within `patience` seconds.
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
        "The upload is stored; see modelloop runs later, or the log of the training trigger",
    )


def is_stalled(client: Client, model: str, upload: Upload, now: str) -> bool:
    """Return whether content that was uploaded before has no run, or one that got stuck before the queue."""
    run = _match(recent_runs(client, model), upload)
    if run is None:
        return True
    silent_ms = clock.to_ms(now) - clock.to_ms(run["updated_at"] or run["created_at"])
    return run["state"] == QUEUED and run["stage"] in _STAGES_BEFORE_QUEUE and silent_ms > STALLED_AFTER * 1000


def _match(runs: list[Document], upload: Upload) -> Document | None:
    same_version = (run for run in runs if run["dataset"].get("version_id") == upload.version_id)
    same_content = (run for run in runs if run["dataset"].get("digest") == upload.sha256)
    return next(same_version, None) or next(same_content, None)


def recent_runs(client: Client, model: str) -> list[Document]:
    """Return the model's latest 50 runs, newest first; none when the model does not exist yet."""
    try:
        return client.runs(model, RECENT)
    except ApiError as error:
        if error.status == HTTPStatus.NOT_FOUND:
            return []
        raise


def follow(
    client: Client, model: str, run_id: str, on_progress: Callable[[Document], object], *, patience: float = 1200.0
) -> Document:
    """Wait until the run ends, and return it; `on_progress` gets each state on the way.

    Raises CommandError when it has not ended after `patience` seconds.
    """
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        run = client.about(model, f"runs/{run_id}")
        on_progress(run)
        if run["state"] in ENDED:
            return run
        time.sleep(POLL_SECONDS)
    raise CommandError(
        f"run {run_id} has not ended after {patience:.0f} s", f"It continues; see it with: modelloop runs {model}"
    )


def describe_stage(run: Document) -> str:
    """Return the stage of a run in a word or two, with its state unless it is running."""
    return str(run["stage"]) if run["state"] == RUNNING else f"{run['state'].lower()} ({run['stage']})"


def require_success(run: Document) -> None:
    """Raise CommandError, with the run's own reason, unless it succeeded."""
    if run["state"] != SUCCEEDED:
        reason = run.get("reason") or "no reason was recorded"
        raise CommandError(f"run {run['run_id']} ended {run['state']}: {reason}")
