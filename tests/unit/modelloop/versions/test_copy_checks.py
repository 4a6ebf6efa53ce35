"""What a person is asked about copied rows."""

from __future__ import annotations

from modelloop.tables.split import CONTENT, OCCURRENCE, Split
from modelloop.versions.review_checks import copy_checks


def asked(split: Split, *, allowed: bool = False) -> dict[str, str]:
    checks = list(copy_checks(split, 6_000, allowed=allowed))
    assert {check.outcome for check in checks} <= {"approval"}
    return {check.name: check.detail for check in checks}


def test_copies_ask_for_approval() -> None:
    found = asked(Split(CONTENT, different=600, copies=True))
    assert list(found) == ["copies"]
    assert found["copies"].startswith("6,000 rows, 600 different: rows were copied")
    assert "several sides" not in found["copies"]


def test_copies_on_several_sides_are_named() -> None:
    assert "on several sides of the split" in asked(Split(OCCURRENCE, different=600, copies=True))["copies"]


def test_a_successor_of_copies_does_not_ask_again_unless_they_are_few() -> None:
    assert not asked(Split(CONTENT, different=600, copies=True), allowed=True)
    assert list(asked(Split(CONTENT, different=49, copies=True), allowed=True)) == ["different_rows"]
    assert not asked(Split(CONTENT, different=50, copies=True), allowed=True)
    assert list(asked(Split(OCCURRENCE, different=49, copies=True))) == ["copies", "different_rows"]
    assert not asked(Split(OCCURRENCE, different=49, copies=True), allowed=True)


def test_coarse_tables_and_different_rows_ask_nothing() -> None:
    assert not asked(Split(OCCURRENCE, different=14))
    assert not asked(Split(CONTENT))
