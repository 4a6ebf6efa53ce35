"""CSV as people write it: the same table, whatever stands before it, after it and around its cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from training_trigger.reading import plaintext

if TYPE_CHECKING:
    from tests.support.intake_stage import Stage

ROWS = [(f"{i * 0.5}", ("a", "b, c", "d")[i % 3], "yes" if i % 4 else "no") for i in range(60)]
LINES = ["x,kind,y", *(f'{x},"{kind}",{y}' for x, kind, y in ROWS)]
PLAIN = "\n".join(LINES) + "\n"
SPACED = "".join(f'{x}, "{kind}", {y}\n' for x, kind, y in ROWS)


@pytest.mark.parametrize(
    "text",
    [
        "\n\n" + PLAIN,
        "  \n\t\n" + PLAIN,
        "\ufeff\n" + PLAIN,
        "\r\n" + PLAIN.replace("\n", "\r\n"),
        "sep=,\n\n" + PLAIN,
        "".join(line + ",\n" for line in LINES),
        "x, kind, y\n" + SPACED,
        '"x", "kind", "y"\n' + SPACED,
        "\n x,  kind, y\n" + SPACED,
        '"x" , "kind" ,"y" \n' + "".join(f'{x} , "{kind}" ,"{y}" \n' for x, kind, y in ROWS),
    ],
)
def test_the_same_table_is_read(stage: Stage, text: str) -> None:
    wanted, run = stage.upload("plain.csv", PLAIN), stage.upload("t.csv", text)
    assert (run.state, run.reason) == ("QUEUED", None)
    tables = [stage.table(one) for one in (run, wanted)]
    assert tables[0]["encoding"] == tables[1]["encoding"]
    assert (tables[0]["target"], tables[0]["classes"]) == ("y", ["no", "yes"])
    np.testing.assert_array_equal(stage.array(run, "matrix.npy"), stage.array(wanted, "matrix.npy"))


def test_rows_that_a_quote_after_a_space_would_merge_are_refused(stage: Stage) -> None:
    run = stage.upload("t.csv", PLAIN + 'p, "b,1\nf","",""\n')
    assert "line 62 has 4 values and the header names 3 columns" in str(run.reason)


def test_a_first_line_of_data_is_warned_about(stage: Stage) -> None:
    run = stage.upload("t.csv", "\n".join(LINES[1:]))
    assert any("the first line may be data, not names: 'a'" in warning for warning in run.warnings)
    assert not any("may be data" in warning for warning in stage.upload("t.csv", PLAIN).warnings)


def test_column_names_in_angle_brackets_are_no_web_page(stage: Stage) -> None:
    assert stage.upload("t.csv", PLAIN.replace("x,kind,y", "<x>,<kind>,<y>", 1)).state == "QUEUED"


@pytest.mark.parametrize("blank", ["\n", " \t\n", "\r\n", "\r"])
def test_a_file_of_blank_lines_is_refused_before_they_are_read(
    shared_stage: Stage, monkeypatch: pytest.MonkeyPatch, blank: str
) -> None:
    monkeypatch.setattr(plaintext, "MAX_BLANK_LINES", 100)
    text = PLAIN if blank != "\r" else PLAIN.replace("\n", "\r")
    run = shared_stage.upload("t.csv", text + blank.strip(" \t") * 90, f"few{len(blank)}-{ord(blank[0])}")
    assert (run.state, run.reason) == ("QUEUED", None)
    run = shared_stage.upload("t.csv", text + blank * 300, f"many{len(blank)}-{ord(blank[0])}")
    assert (run.state, run.reason) == ("REJECTED", "the file has more than 100 blank lines: remove them")


def test_row_names_of_r_without_a_name_are_told(shared_stage: Stage) -> None:
    text = "x,kind,y\n" + "".join(f'"{i}",{x},"{kind}","{y}"\n' for i, (x, kind, y) in enumerate(ROWS))
    run = shared_stage.upload("t.csv", text, "row-names")
    assert run.state == "REJECTED"
    assert str(run.reason).startswith("line 2 has 4 values and the header names 3 columns: if R wrote the file")
