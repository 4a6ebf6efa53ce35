"""An erasure that is cut off after any AWS call, and begun anew: nothing of the prediction is left, in any version."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from modelloop_client.stacks import Stack
from tests.support.crashes import Calls
from tests.support.erasing import CAPTURE, WORDS, Loop, Story

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.command_line import Api

pytestmark = pytest.mark.usefixtures("stack_file")


def clear(s3: Any) -> None:
    for bucket in ("loop-capture", "loop-artifacts"):
        for one in s3.list_object_versions(Bucket=bucket).get("Versions", []):
            s3.delete_object(Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"])


def plain(everything: dict[str, bytes], story: Story) -> dict[str, bytes]:
    """What is stored, with this story's ids and its objects' versions and digests taken out."""
    ids = {story.stays.id: b"stays", story.other.id: b"other"}
    found = {}
    for key, body in everything.items():
        for identifier, word in ids.items():
            body = body.replace(identifier.encode(), word)  # noqa: PLW2901
        without = re.sub(rb'"version_id": ?"[^"]*"', b"", body)
        found[re.sub(r"[0-9a-f]{64}", "digest", key)] = re.sub(rb'"(overhead|latency)_ms":[^,]*', b"", without)
    return found


@pytest.mark.parametrize("step", [13, pytest.param(1, marks=[pytest.mark.slow, pytest.mark.timeout(900)])])
def test_what_was_cut_off_is_finished_by_repeating(
    s3: Any, api: Api, modelloop: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    monkeypatch.setattr(Stack, "aws", lambda _, service: {"s3": s3}[service])  # a client takes long to make
    loop, calls = Loop(s3, api), Calls(monkeypatch)
    story = Story(loop)
    made = calls.count(lambda: modelloop("erase", "m", story.gone.id, *WORDS))
    expected = plain(loop.everything(), story)
    assert made > 40

    for at in range(1, made, step):
        clear(s3)
        loop.runs.clear()
        loop.entries.clear()
        story = Story(loop)
        assert calls.dying_after(at, lambda: modelloop("erase", "m", story.gone.id, *WORDS)), at  # noqa: B023
        again = modelloop("erase", "m", story.gone.id, *WORDS)
        assert (at, again.code) == (at, 0), again.err
        assert again.json["versions"] == [4]
        assert plain(loop.everything(), story) == expected, at
        (newest,) = s3.list_object_versions(Bucket="loop-capture", Prefix=CAPTURE)["Versions"]
        heads = [loop.index(model, story.digest)[0] for model in ("m", "other")]
        assert {head["version_id"] for head in heads} == {newest["VersionId"]}, at
        assert loop.entries, "it is on record"
