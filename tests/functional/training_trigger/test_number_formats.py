"""Columns that are nearly numbers or dates are told apart from identifiers, and the cells in the way are named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.intake_stage import Stage

ROWS = 300
COLUMNS: dict[str, tuple[Callable[[int], str], str]] = {
    "junk": (
        lambda i: "?" if i == 7 else f"{i}.5",
        "1 of 300 values is not a number: '?' (1); correct them, or if they mean missing, put `missing: [\"?\"]`",
    ),
    "junks": (
        lambda i: {7: "?", 8: "?", 9: 'n"k'}.get(i, f"{i}.5"),
        "3 of 300 values are not a number: '?' (2), 'n\"k' (1)",
    ),
    "few": (lambda i: "-" if i % 9 == 0 else f"{i % 5}", "34 of 300 values are not a number: '-' (34)"),
    "halves": (lambda i: "-" if i % 150 == 0 else f"{i // 2}", "2 of 300 values are not a number: '-' (2)"),
    "day": (
        lambda i: "soon" if i == 7 else f"20{i % 90 + 10}-01-{i % 28 + 1:02d}",
        "1 of 300 values is not an ISO date such as 2026-12-31: 'soon' (1)",
    ),
    "comma": (lambda i: f"{i},5", "numbers with decimal commas such as '0,5': write 1.5, not 1,5"),
    "euro": (lambda i: f"{i + 1}.234,5", "numbers with decimal commas such as '1.234,5'"),
    "thousand": (lambda i: f"{i + 1},234.50", "numbers with thousands separators such as '1,234.50': write 1234.5"),
    "percent": (lambda i: f"{i / 10}%", "numbers with percent signs such as '0.0%': write 12.3, not 12.3%"),
    "dollar": (lambda i: f"${i}", "numbers with currency signs such as '$0': write 5, not $5"),
    "plus": (lambda i: f"{'+' if i % 2 else '-'}{i}.2", "numbers with plus signs such as '+1.2': write 1.2, not +1.2"),
    "point": (lambda i: f".{i + 1}", "numbers with decimal points without a digit on both sides such as '.1'"),
    "dot": (lambda i: f"{i}.", "numbers with decimal points without a digit on both sides such as '0.'"),
    "german": (lambda i: f"{i % 28 + 1:02d}.12.{i + 1900}", "dates that are not in ISO form such as '01.12.1900'"),
    "french": (lambda i: f"{i + 1}\u202f234,50", "numbers with decimal commas such as '100\\u202f234,50'"),
    "french_euro": (
        lambda i: f"{i + 1}\u00a0234,50\u00a0€",
        "numbers with currency signs such as '100\\xa0234,50\\xa0€'",
    ),
    "swiss": (lambda i: f"{i + 1}\u2019234.50", "numbers with thousands separators such as '100\u2019234.50'"),
    "thin": (lambda i: f"{i + 1}\u2009234", "numbers with thousands separators such as '100\\u2009234'"),
    "ledger": (lambda i: f"({i + 1}.50)" if i % 2 else f"{i}.25", "numbers with negative amounts in brackets such as"),
    "kilo": (lambda i: f"{i + 1}.5k", "numbers with letters for thousands or millions such as '1.5k': write 50000"),
    "month": (lambda i: f"{i % 28 + 1:02d}-Jan-{i + 1900}", "dates that are not in ISO form such as '01-Jan-1900'"),
    "digit": (lambda i: f"{i + 1900}-{i % 9 + 1}-5", "dates that are not in ISO form such as '1900-1-5'"),
    "american": (lambda i: f"12/{i % 28 + 1}/{i + 1900}", "dates that are not in ISO form such as '12/1/1900'"),
}
OTHERS: dict[str, Callable[[int], str]] = {
    "word": lambda i: f"user-{i}", "zip": lambda i: f"0{i}" if i % 9 == 0 else f"{i + 1000}"
}  # fmt: skip


def table(columns: dict[str, Callable[[int], str]]) -> str:
    cells = [["x", *columns, "y"]]
    cells += [[f"{i % 7}", *(cell(i) for cell in columns.values()), f"{i % 2}"] for i in range(ROWS)]
    return "".join(";".join('"' + cell.replace('"', '""') + '"' for cell in row) + "\n" for row in cells)


def test_the_cells_in_the_way_are_named_before_a_column_is_taken_for_names_of_rows(stage: Stage) -> None:
    run = stage.upload("t.csv", table({name: cell for name, (cell, _) in COLUMNS.items()} | OTHERS))
    assert (run.state, run.reason) == ("QUEUED", None)
    told = {warning.split("'")[1]: warning for warning in run.warnings if warning.startswith("column '")}
    for name, (_, says) in COLUMNS.items():
        assert says in told[name], name
    for name in OTHERS:
        assert "nearly every value is different" in told[name]
    kinds = {column["name"]: column["kind"] for column in stage.table(run)["encoding"]["columns"]}
    assert kinds == {"x": "number", "few": "text"}


def test_what_is_masked_is_not_shown(stage: Stage) -> None:
    stage.spec("mask: [junk, comma]\n")
    run = stage.upload("t.csv", table({name: COLUMNS[name][0] for name in ("junk", "comma")}))
    assert any("1 of 300 values is not a number: correct them" in warning for warning in run.warnings)
    assert any("numbers with decimal commas: write 1.5" in warning for warning in run.warnings)
    assert "?" not in str(run.warnings)


@pytest.mark.parametrize(
    ("name", "spec", "says"),
    [
        (
            "junk",
            "",
            "target 'junk' is not all numbers: 1 of 300 values is not a number: '?' (1); correct them",
        ),
        ("junk", "target: junk\ntask: regression\n", "target 'junk' is text: 1 of 300 values is not a number: '?'"),
        ("comma", "", "target 'comma' is not all numbers: it holds numbers with decimal commas such as '0,5': write"),
        ("german", "", "dates that are not in ISO form such as '01.12.1900'"),
    ],
)
def test_a_target_that_is_nearly_numbers_is_refused_with_the_cells_in_the_way(
    stage: Stage, name: str, spec: str, says: str
) -> None:
    if spec:
        stage.spec(spec)
    lines = ("x,kind," + name, *(f'{i % 7},{"ab"[i % 2]},"{COLUMNS[name][0](i)}"' for i in range(ROWS)))
    run = stage.upload("t.csv", "\n".join(lines))
    assert run.state == "REJECTED"
    assert says in str(run.reason)
    assert spec or "task: regression" not in str(run.reason)


def test_the_advice_about_odd_cells_works(stage: Stage) -> None:
    stage.spec('missing: ["?"]\n')
    run = stage.upload("t.csv", table({"junk": COLUMNS["junk"][0]}))
    assert [column["kind"] for column in stage.table(run)["encoding"]["columns"]] == ["number", "number"]


def test_a_target_of_few_values_may_have_one_that_is_no_number_and_is_warned_about(stage: Stage) -> None:
    run = stage.upload("t.csv", "x,y\n" + "".join(f"{i},{'none' if i % 9 == 0 else i % 3}\n" for i in range(ROWS)))
    assert stage.table(run)["classes"] == ["0", "1", "2", "none"]
    assert any("target 'y' was read as text: 34 of 300 values are not a number" in warning for warning in run.warnings)
