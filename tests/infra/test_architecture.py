"""The architecture page is a map of this tree: whatever it names is there, and no station is missing."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

import pytest

from modelloop_stack.build.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

FUNCTIONS = ROOT / "functions"
PAGE = (ROOT / "infra" / "docs" / "architecture.md").read_text()
NAMED = sorted(set(re.findall(r"`([\w.-]+/[\w./-]*)`", PAGE)))


def candidates(name: str) -> list[Path]:
    return [FUNCTIONS / name, ROOT / name]


@pytest.mark.parametrize("name", NAMED)
def test_what_the_page_names_is_in_the_tree(name: str) -> None:
    assert any(place.is_dir() if name.endswith("/") else place.exists() for place in candidates(name))


def test_every_function_and_every_room_has_a_line() -> None:
    folders = [folder for folder in FUNCTIONS.iterdir() if (folder / "__init__.py").exists()]
    rooms = [room for room in (FUNCTIONS / "modelloop").iterdir() if (room / "__init__.py").exists()]
    assert {f"{place.relative_to(FUNCTIONS)}/" for place in [*folders, *rooms]} <= set(NAMED)


def test_the_rooms_stand_in_the_order_that_imports_have_to_keep() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract.get("containers") == ["modelloop"])
    rooms = [layer for layer in reversed(layers) if (FUNCTIONS / "modelloop" / layer).is_dir()]
    table = PAGE.split("### The rooms of the domain")[1].split("\n## ")[0]
    assert re.findall(r"^\| `modelloop/(\w+)/`", table, re.MULTILINE) == rooms


def test_the_top_of_the_domain_stays_small() -> None:
    entries = [entry for entry in (FUNCTIONS / "modelloop").iterdir() if not entry.name.startswith(("_", "py.typed"))]
    assert len(entries) <= 14, sorted(entry.name for entry in entries)
