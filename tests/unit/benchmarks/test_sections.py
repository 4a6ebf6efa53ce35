"""RESULTS.md keeps what other parts measured."""

from __future__ import annotations

from pathlib import Path

from tests.benchmarks import sections

SERVING = "On 2 cores.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n### Cold start\n\nFast."


def test_a_part_that_is_measured_again_replaces_its_own_section_alone(tmp_path: Path) -> None:
    page = tmp_path / "RESULTS.md"
    for part, body in (("serving", SERVING), ("training", "Slow."), ("serving", "New.\n\n### Cold start\n\nFaster.")):
        sections.record(part, body, page)

    found = sections.sections(page.read_text())
    assert list(found.items()) == [("serving", "New.\n\n### Cold start\n\nFaster."), ("training", "Slow.")]


def test_the_page_in_the_repository_is_as_recording_writes_it(tmp_path: Path) -> None:
    page = tmp_path / "RESULTS.md"
    written = sections.PAGE.read_text()
    for part, body in sections.sections(written).items():
        sections.record(part, body, page)

    assert page.read_text() == written
