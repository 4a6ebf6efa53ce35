"""The tests mirror the code: shared data is support, and every folder of tests has a room that it tests."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from modelloop_stack.build.paths import ROOT

TESTS = ROOT / "tests"
FILES = sorted(TESTS.rglob("*.py"))
ROOMS = (ROOT / "functions", ROOT / "infra")
KINDS = ("unit", "functional", "properties", "faults")
OF_SEVERAL_ROOMS = {"unit/functions", "unit/benchmarks"}


def imported(file: Path) -> set[str]:
    nodes = ast.walk(ast.parse(file.read_text()))
    return {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(TESTS)))
def test_no_test_module_imports_from_another(file: Path) -> None:
    parts = {module: module.split(".") for module in imported(file) if module.startswith("tests.")}
    assert not [module for module, names in parts.items() if names[-1].startswith("test_") or names[-1] == "conftest"]


def test_no_server_answers_in_two_parts_of_which_the_second_waits() -> None:
    """Without the option, a body waits up to 40 ms for the acknowledgement of its headers, at every request."""
    for file in (*FILES, *(ROOT / "infra").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ClassDef) and "BaseHTTPRequestHandler" in map(ast.unparse, node.bases):
                assert "disable_nagle_algorithm = True" in map(ast.unparse, node.body), f"{file}: {node.name}"


def test_every_folder_of_tests_has_its_room() -> None:
    folders = {file.parent.relative_to(TESTS) for kind in KINDS for file in (TESTS / kind).rglob("test_*.py")}
    for folder in sorted(folders, key=str):
        room = Path(*folder.parts[1:])
        known = any((root / room).is_dir() for root in ROOMS) or str(folder) in OF_SEVERAL_ROOMS
        assert known or room.name == "grammar_twin", folder
