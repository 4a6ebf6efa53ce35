"""Types at every border: few mappings may hold anything, and no contract has a field of one."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from modelloop_stack.build.paths import ROOT
from tests.support.free_mappings import by_module, free_mappings

if TYPE_CHECKING:
    from pathlib import Path

FUNCTIONS = ROOT / "functions"
MAX_USES = 150  # there were 712, by this count, before the contracts had types


def test_few_annotations_in_the_functions_say_nothing() -> None:
    uses = free_mappings(FUNCTIONS)
    assert len(uses) < MAX_USES, by_module(uses).most_common()


def found(folder: Path, source: str) -> list[str]:
    (folder / "module.py").write_text(source)
    return [use.text for use in free_mappings(folder)]


def test_a_free_mapping_is_found_behind_every_name(tmp_path: Path) -> None:
    (tmp_path / "names.py").write_text("type Item = dict[str, Any]\nDocument: TypeAlias = 'Mapping[str, object]'\n")
    both = found(tmp_path, "def f(a: dict[str, Any]) -> Mapping[str, object]: ...")
    assert sorted(both) == ["Mapping[str, object]", "dict[str, Any]"]
    assert found(tmp_path, "from names import Item\ndef f(a: list[Item]) -> None: ...") == ["Item"]
    assert found(tmp_path, "import names\nfrom x import names\nclass A:\n    a: dict\n") == ["dict"]
    assert found(tmp_path, "from names import Document\na: Document | None = None") == ["Document"]
    assert found(tmp_path, "def f(**options: Any) -> None: ...") == ["**options"]
    assert found(tmp_path, "class A(TypedDict, total=False):\n    a: int") == ["class A"]
    assert found(tmp_path, "def f(a: 'dict[str, dict[str, Any]]') -> None: ...") == ["dict[str, Any]"]


def test_a_mapping_that_says_what_it_holds_is_not_counted(tmp_path: Path) -> None:
    recursive = "JsonValue: TypeAlias = 'int | list[JsonValue] | Mapping[str, JsonValue] | None'\n"
    assert found(tmp_path, f"{recursive}def f(a: dict[str, int], b: Mapping[str, JsonValue]) -> JsonValue: ...") == []


def test_no_contract_has_a_field_that_may_hold_anything() -> None:
    contracts = FUNCTIONS / "modelloop" / "contracts"
    free = {(use.module, use.line) for use in free_mappings(contracts)}
    fields = {
        (file.stem, field.lineno)
        for file in contracts.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ClassDef)
        for field in node.body
        if isinstance(field, ast.AnnAssign)
    }
    assert len(fields) > 100
    assert not fields & free
