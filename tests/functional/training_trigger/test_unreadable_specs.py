"""Whatever is wrong with a model.yaml, the upload has a run that says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from modelloop.spec.model import MAX_BYTES
from training_trigger import intake

if TYPE_CHECKING:
    from tests.support.intake_stage import Stage

TABLE = "x,y\n" + "".join(f"{number * 0.5},{'ab'[number % 2]}\n" for number in range(100))
ALIASES = "params:\n  linear:\n    a: &a {x: 1}\n    b: {c: *a}\n"
TOKENS = f"missing: [{', '.join(f't{number}' for number in range(7_000))}]\n"


@pytest.mark.parametrize(("name", "text", "says"), [
    ("alias", ALIASES, "aliases (*name) or anchors (&name)"),
    ("huge", f"params: {{linear: {{max_iter: 0x{'f' * 5_000}}}}}\n", "at most 64 bits"),
    ("endless", "params: {linear: {C: .inf}}\n", "infinity or NaN"),
    ("tokens", TOKENS, "at most 100 texts"),
    ("long", "#" * (MAX_BYTES + 1), "longer than 65536 characters"),
])  # fmt: skip
def test_an_unbounded_spec_is_a_rejected_run(shared_stage: Stage, name: str, text: str, says: str) -> None:
    shared_stage.spec(text, model=name)
    run = shared_stage.upload("a.csv", TABLE, name)
    assert run.state == "REJECTED"
    assert says in str(run.reason)


def test_a_spec_that_is_too_long_is_not_read(shared_stage: Stage) -> None:
    shared_stage.spec("#" * (MAX_BYTES + 1), model="first")
    first = shared_stage.upload("a.csv", TABLE, "first")
    shared_stage.spec("#" * (MAX_BYTES + 2), model="first")
    second = shared_stage.upload("a.csv", TABLE, "first")
    assert first.run_id != second.run_id, "another text is another run"


@pytest.mark.parametrize("error", [ValueError("x" * 5_000), MemoryError(), RecursionError()])
def test_what_no_reader_foresaw_is_a_rejected_run(
    shared_stage: Stage, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(_text: str) -> None:
        raise error

    name = f"unforeseen-{type(error).__name__.lower()}"
    shared_stage.spec("target: y\n", model=name)
    monkeypatch.setattr(intake, "parse_spec", fail)
    run = shared_stage.upload("a.csv", TABLE, name)
    assert run.state == "REJECTED"
    assert run.reason == f"model.yaml cannot be read ({type(error).__name__}): simplify it and upload it again"
