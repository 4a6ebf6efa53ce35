from __future__ import annotations

from typing import Any

import pytest

from modelloop.tables.grammar import MAX_MARKS, MISSING_TOKENS
from modelloop.tables.labels import (
    MAX_LABEL,
    NEW_CLASS,
    READ,
    UNREADABLE,
    LabelReader,
    fault,
    holds_controls,
)

TRUTH = (False, True)
BITS = (0, 1)
SIZES = (1, 2)
HALVES = (0.5, 1, 2**53, 2**53 + 1)
LONG = (str(10**20), str(10**20 + 1))
TEXTS = ("False", "True", "unknown")
CODES = ("01", "1", "2")
TWICE = ("TRUE", "True")
NOTHING: tuple[object, ...] = ("NaN", "  ", None, float("nan"), [], {})
NO_NUMBERS: tuple[object, ...] = ("many", "3,5", "", "NA", True, "1e999", float("inf"), None)
SPECIES = ("Adélie", "Gentoo", "None")


@pytest.mark.parametrize(
    ("classes", "raw", "outcome", "value"),
    [
        # one spelling of pandas, Excel and JSON each
        *((TRUTH, raw, READ, True) for raw in (True, "true", "True", "TRUE", " True ", 1, 1.0, "1", "1.0")),
        *((TRUTH, raw, READ, False) for raw in (False, "False", "FALSE", 0, "0", "0.0", -0.0)),
        (TRUTH, "yes", NEW_CLASS, "yes"),
        (TRUTH, 2, NEW_CLASS, "2"),
        *((BITS, raw, READ, 1) for raw in (1, 1.0, "1", "1.0", " 1 ", "1e0", True, "True")),
        *((SIZES, raw, READ, 1) for raw in (1, 1.0, "1", "1.0", "1.00")),
        (SIZES, True, NEW_CLASS, "true"),  # 1 and 2 are sizes, not truth
        *((SIZES, raw, NEW_CLASS, "3") for raw in (3, 3.0, "3", "3.0")),
        (SIZES, "many", NEW_CLASS, "many"),
        (SIZES, "01", NEW_CLASS, "01"),
        # exact beyond what a double holds
        (HALVES, 2**53 + 1, READ, 2**53 + 1),
        (HALVES, str(2**53), READ, 2**53),
        (HALVES, "0.50", READ, 0.5),
        # a JSON parser's float of a whole number beyond 64 bits may have been another number
        (LONG, str(10**20), READ, str(10**20)),
        (LONG, 1e20, UNREADABLE, None),
        (LONG, -1e20, UNREADABLE, None),
        # the exact class first, the value only where one class has it
        *((TEXTS, raw, READ, "True") for raw in (True, "TRUE", "True", "true")),
        (CODES, "01", READ, "01"),
        *((CODES, raw, READ, "1") for raw in ("1", 1, 1.0, "1.0")),
        (CODES, "02", NEW_CLASS, "02"),
        (TWICE, "TRUE", READ, "TRUE"),
        *((TWICE, raw, UNREADABLE, None) for raw in (True, "true", "tRuE")),
        # text as cells are read, missing tokens unless they are classes
        (SPECIES, " Ade\u0301lie ", READ, "Adélie"),
        (SPECIES, "None", READ, "None"),
        (SPECIES, "gentoo", NEW_CLASS, "gentoo"),
        *((SPECIES, raw, UNREADABLE, None) for raw in NOTHING),
        # regression
        *((None, raw, READ, 3.5) for raw in (3.5, "3.5", " 3.50 ")),
        *((None, raw, UNREADABLE, None) for raw in NO_NUMBERS),
    ],
)  # fmt: skip
def test_labels(classes: tuple[Any, ...] | None, raw: object, outcome: str, value: object) -> None:
    found = LabelReader(classes, MISSING_TOKENS).read(raw)
    assert found == (outcome, value)
    assert type(found.value) is type(value)


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ("x" * (MAX_LABEL + 1), "characters"),
        ("", "characters"),
        (None, "must be text"),
        ([1], "must be text"),
        ("a\x00b", "control"),
        ("a\x1bb", "control"),
        ("a\x9fb", "control"),
        ("a\tb", "control"),
        ("a" + "\u0300\u0316" * 16, "combining"),
    ],
)
def test_what_is_nobodys_label(label: object, words: str) -> None:
    assert words in (fault(label) or "")


@pytest.mark.parametrize("label", ["x" * MAX_LABEL, " Adelie\n", "a" + "\u0300" * MAX_MARKS + "b", 0, 1.5, True, "ก้ำ"])
def test_what_can_be_a_label(label: object) -> None:
    assert fault(label) is None


def test_text_tables_hold_tabs_and_line_breaks_but_no_other_control_characters() -> None:
    assert not holds_controls("a\tb\r\nc")
    assert holds_controls("a\x00b")
