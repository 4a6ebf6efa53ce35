"""The build: size budget, bytecode, digests, and what a layer leaves out."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import yaml
from samcli.yamlhelper import yaml_parse

from modelloop_stack.build import budget, code, place
from modelloop_stack.build.budget import BUDGET, MEBIBYTE, BudgetError, FunctionSize
from modelloop_stack.build.bytecode import MissingBytecodeError, bytecode_of, compile_tree, missing_bytecode
from modelloop_stack.build.cache import build_once, delete_old, digest_of, files_under, link_tree
from modelloop_stack.build.layers import BY_ROLE, prune
from modelloop_stack.build.paths import ROOT
from modelloop_stack.package import BUCKET, package


def test_the_budget_counts_code_and_every_layer() -> None:
    fitting = FunctionSize("F", code=5 * MEBIBYTE, layers={"A": 200 * MEBIBYTE, "B": 40 * MEBIBYTE})
    assert fitting.total == 245 * MEBIBYTE == BUDGET
    assert fitting.fits
    assert not FunctionSize("F", code=5 * MEBIBYTE + 1, layers=fitting.layers).fits


def write_built(folder: Path, layer_bytes: int) -> None:
    resources = {
        "ALayer": {"Type": "AWS::Serverless::LayerVersion", "Properties": {"ContentUri": "ALayer"}},
        "F": {"Type": "AWS::Serverless::Function", "Properties": {"CodeUri": "F", "Layers": [{"Ref": "ALayer"}]}},
    }
    (folder / "template.yaml").write_text(yaml.safe_dump({"Resources": resources}))
    for name in resources:
        (folder / name).mkdir()
    (folder / "F" / "handler.py").write_text("VALUE = 1\n")
    compile_tree(folder / "F", "/var/task")
    with (folder / "ALayer" / "library.so").open("wb") as file:
        file.truncate(layer_bytes)


def test_a_build_inside_the_budget_passes_and_shows_its_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_built(tmp_path, 3 * MEBIBYTE)
    budget.check(tmp_path)
    assert "ALayer 3.0" in capsys.readouterr().out


def test_a_function_over_the_budget_is_refused_by_name(tmp_path: Path) -> None:
    write_built(tmp_path, BUDGET)
    with pytest.raises(BudgetError, match=r"^F takes 245\.0 MiB$"):
        budget.check(tmp_path)


def test_a_module_without_bytecode_is_refused_by_name(tmp_path: Path) -> None:
    write_built(tmp_path, 1)
    bytecode_of(tmp_path / "F" / "handler.py").unlink()
    with pytest.raises(BudgetError, match=r"^F/handler\.py has no bytecode$"):
        budget.check(tmp_path)


def test_bytecode_is_never_checked_against_its_source_and_names_where_it_runs(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text("def fail():\n    raise ValueError\n")
    compile_tree(tmp_path, "/var/task")
    head = bytecode_of(tmp_path / "module.py").read_bytes()
    assert int.from_bytes(head[4:8], "little") == 1
    assert b"/var/task/module.py" in head
    assert str(tmp_path).encode() not in head


def test_bytecode_that_checks_its_source_does_not_count(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text("VALUE = 1\n")
    compile_tree(tmp_path, "/var/task")
    assert missing_bytecode(tmp_path) == []
    stored = bytearray(bytecode_of(module).read_bytes())
    stored[4] = 3  # PEP 552: hash-based, checked
    bytecode_of(module).write_bytes(stored)
    assert missing_bytecode(tmp_path) == [module]


@pytest.mark.filterwarnings("ignore::SyntaxWarning")
def test_a_module_that_does_not_compile_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "broken.py").write_text("def\n")
    with pytest.raises(MissingBytecodeError, match=r"broken\.py"):
        compile_tree(tmp_path, "/var/task")
    assert capsys.readouterr().err == ""


def test_a_digest_changes_with_content_name_and_words_and_with_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_text("1")
    first = digest_of([file], tmp_path, "x86")
    assert digest_of([file], tmp_path, "x86") == first
    assert digest_of([file], tmp_path, "arm") != first
    file.write_text("2")
    assert digest_of([file], tmp_path, "x86") != first
    file.write_text("1")
    file.rename(tmp_path / "b.py")
    assert digest_of([tmp_path / "b.py"], tmp_path, "x86") != first


def test_what_ships_is_source_alone(tmp_path: Path) -> None:
    for name in ("a.py", "Makefile", ".hidden", "__pycache__/a.cpython-313.pyc", "package/b.py", "package/py.typed"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
    kept = [path.relative_to(tmp_path).as_posix() for path in files_under(tmp_path)]
    assert kept == ["a.py", "package/b.py", "package/py.typed"]


def test_pruning_spares_what_scipy_links_to(tmp_path: Path) -> None:
    spared = ["numpy/f2py/__init__.py", "scipy.libs/libgfortran.so", "sklearn/utils/_testing.py"]
    dropped = ["numpy/tests/test_a.py", "sklearn/tree/tests/test_b.py", "bin/f2py", "onnx/backend/test/data/x.pb"]
    for name in (*spared, *dropped):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    prune(tmp_path, "training")
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert left == set(spared)


def test_only_the_trainer_ships_the_chart_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "source"
    for name in (f"{code.CHARTS}/chart.umd.min.js", "trainer/report/page.py"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text("")
    monkeypatch.setattr(code, "code", lambda: source)
    shipped = {}
    for function in ("TrainerFunction", "InferenceFunction"):
        place.main("code", str(tmp_path / function), function)
        files = (tmp_path / function).rglob("*")
        shipped[function] = sorted(path.name for path in files if path.is_file())
    assert shipped == {"TrainerFunction": ["chart.umd.min.js", "page.py"], "InferenceFunction": ["page.py"]}


def test_the_function_that_ships_the_chart_library_is_deployed() -> None:
    resources = yaml_parse((ROOT / "template.yaml").read_text())["Resources"]
    assert resources[code.TRAINER]["Properties"]["Handler"].startswith("trainer.")
    assert (code.FUNCTIONS / code.CHARTS / "chart.umd.min.js").is_file()


def test_linking_copies_the_tree_and_not_the_bytes(tmp_path: Path) -> None:
    source = tmp_path / "source" / "package"
    source.mkdir(parents=True)
    (source / "a.py").write_text("1")
    link_tree(tmp_path / "source", tmp_path / "target")
    linked = tmp_path / "target" / "package" / "a.py"
    assert linked.stat().st_ino == (source / "a.py").stat().st_ino


def test_a_folder_is_built_once_and_kept_while_it_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelloop_stack.build.cache.CACHE", tmp_path)
    built: list[str] = []

    def build(folder: Path) -> None:
        built.append(folder.name)
        (folder / "file").write_text("1")

    for age, key in enumerate(["code-c", "code-b", "code-a"]):
        os.utime(build_once(key, build), (1000 - age, 1000 - age))
    build_once("code-a", build)
    assert len(built) == 3
    delete_old("code-", 2)
    assert sorted(path.name for path in tmp_path.glob("*/")) == ["code-a", "code-c"]


def test_a_build_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelloop_stack.build.cache.CACHE", tmp_path)

    def build(folder: Path) -> None:
        (folder / "half").write_text("1")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        build_once("code-a", build)
    assert list(tmp_path.glob("*/")) == []


@pytest.mark.parametrize("role", BY_ROLE)
def test_every_layer_is_locked_by_hash_inside_the_one_lock(role: str) -> None:
    project = (ROOT / "infra" / "locks" / "project.txt").read_text()
    layer = (ROOT / "layers" / role / "requirements.txt").read_text()
    pins = [line.split(" ")[0] for line in layer.splitlines() if "==" in line and not line.startswith((" ", "#"))]
    assert pins
    for pin in pins:
        assert f"\n{pin} " in project, f"{pin} is not what the project tests with"
    assert layer.count("--hash=sha256:") >= len(pins)


@pytest.mark.parametrize("lock", sorted((ROOT / "infra" / "locks").glob("*.txt")), ids=lambda path: path.name)
def test_a_lock_names_no_host(lock: Path) -> None:
    assert "://" not in lock.read_text()


def test_a_package_depends_on_contents_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_built(tmp_path, 1)
    monkeypatch.setattr("modelloop_stack.package.build_layer", lambda role: tmp_path / role)
    first = package(tmp_path)
    assert package(tmp_path) == first
    resources = json.loads(first.template)["Resources"]
    assert {
        resources["F"]["Properties"]["CodeUri"]["Key"],
        resources["ALayer"]["Properties"]["ContentUri"]["Key"],
    } == set(first.files)
    (tmp_path / "F" / "handler.py").write_text("VALUE = 2\n")
    assert package(tmp_path).digest != first.digest


def test_a_package_carries_nested_templates(tmp_path: Path) -> None:
    resources = {"Alarms": {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "Alarms/t.yaml"}}}
    (tmp_path / "template.yaml").write_text(yaml.safe_dump({"Resources": resources}))
    (tmp_path / "Alarms").mkdir()
    (tmp_path / "Alarms" / "t.yaml").write_text("Resources: {}\n")
    packed = package(tmp_path)
    address = json.loads(packed.template)["Resources"]["Alarms"]["Properties"]["TemplateURL"]
    ((key, content),) = packed.files.items()
    assert address == f"https://s3.amazonaws.com/{BUCKET}/{key}"
    assert content == b"Resources: {}\n"
    (tmp_path / "Alarms" / "t.yaml").write_text("Resources: {A: {}}\n")
    assert package(tmp_path).digest != packed.digest
