"""What exports write for a missing value is read as missing, in the target too, and never becomes a class unseen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from modelloop.tables.grammar import MISSING_TOKENS

if TYPE_CHECKING:
    from tests.support.intake_stage import Stage

ROWS = 300


def export(token: str, every: int, *, text: bool = False) -> str:
    """Return a table whose labels are missing in every so many rows, and x in every seventh."""
    rows = []
    for i in range(ROWS):
        x = token if i % 7 == 3 else f"{i * 0.37:.2f}"
        label = token if i % every == 0 else ("yes" if i % 3 else "no") if text else str(i % 2)
        rows.append(f"{x},{'abc'[i % 3]},{label}")
    return "x,kind,y\n" + "\n".join(rows) + "\n"


@pytest.mark.parametrize("token", ["NULL", "nan", "#N/A", "<NA>", "n/a", "NaT"])
def test_a_missing_label_is_no_class_and_a_missing_number_makes_no_text(shared_stage: Stage, token: str) -> None:
    model = f"token-{MISSING_TOKENS.index(token)}"
    run = shared_stage.upload("t.csv", export(token, 10, text=True), model)
    assert (run.state, run.reason) == ("QUEUED", None)
    document = shared_stage.table(run)
    assert document["classes"] == ["no", "yes"]
    kinds = {column["name"]: column["kind"] for column in document["encoding"]["columns"]}
    assert kinds == {"x": "number", "kind": "text"}
    (told,) = (warning for warning in run.warnings if warning.startswith("target 'y' holds"))
    assert told == (
        f"target 'y' holds {token!r} (30) in 10% of the rows, read as no label, so these rows are left out; if it is a "
        "class of its own, list in model.yaml only what does mean missing: `missing: {only: [...]}`"
    )


def test_few_missing_labels_are_only_counted(shared_stage: Stage) -> None:
    run = shared_stage.upload("t.csv", export("NULL", 100), "few")
    assert run.warnings[0] == "3 rows have no label and were left out"
    assert not any("read as no label" in warning for warning in run.warnings)


def test_a_list_adds_to_the_defaults_and_only_replaces_them(shared_stage: Stage) -> None:
    rows = "".join(f"{'-' if i % 9 == 0 else i},{'NA' if i % 5 == 0 else i * 0.5},{i % 2}\n" for i in range(ROWS))
    shared_stage.spec('missing: ["-"]\n', "adds")
    both = shared_stage.table(shared_stage.upload("t.csv", "x,z,y\n" + rows, "adds"))
    assert {column["name"]: column["kind"] for column in both["encoding"]["columns"]} == {"x": "number", "z": "number"}
    shared_stage.spec('missing: {only: ["-"]}\n', "only")
    run = shared_stage.upload("t.csv", "x,z,y\n" + rows, "only")
    assert shared_stage.table(run)["encoding"]["missing"] == ["", "-"]
    assert any("60 of 300 values are not a number: 'NA' (60)" in warning for warning in run.warnings)


def test_a_class_that_only_the_spec_keeps_is_a_class(shared_stage: Stage) -> None:
    shared_stage.spec('missing: {only: ["#N/A"]}\n', "garage")
    run = shared_stage.upload("t.csv", export("None", 3, text=True), "garage")
    assert shared_stage.table(run)["classes"] == ["None", "yes"]


@pytest.mark.parametrize(("header", "cell"), [("review", "a text that stands once, {i}"), ("id", "user-{i}")])
def test_a_table_of_unique_text_alone_is_rejected_with_the_reason(shared_stage: Stage, header: str, cell: str) -> None:
    rows = "".join(f'"{cell.format(i=i)}",{i % 2}\n' for i in range(ROWS))
    run = shared_stage.upload("t.csv", f"{header},y\n{rows}", header)
    assert (run.state, run.reason) == (
        "REJECTED",
        f"no column is left to learn from ('{header}': nearly every value is different: it names rows or is free text)",
    )
