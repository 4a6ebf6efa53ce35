"""What exists is documented, and what is documented exists."""

from __future__ import annotations

import ast
import re
import shlex
import sys
import tomllib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.core import TyperGroup
from typer.main import get_command

from modelloop.aws.settings import Settings
from modelloop.errors import ModelloopError
from modelloop.spec import fields as spec_fields
from modelloop_cli.main import app
from modelloop_client.stacks import Stack
from tests.support.template.resources import Resources

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "infra" / "docs"
PAGES = sorted(DOCS.glob("*.md"))
METRIC = re.compile(r"[A-Z][a-z]+(?:[A-Z][a-z]+)*")


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's tags as plain values."""


def _plain(loader: yaml.SafeLoader, _: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    assert isinstance(node, yaml.MappingNode)
    return loader.construct_mapping(node, deep=True)


_Loader.add_multi_constructor("!", _plain)


@cache
def template() -> dict[str, Any]:
    return yaml.load((ROOT / "template.yaml").read_text(), _Loader)  # type: ignore[no-any-return]


@cache
def page(name: str) -> str:
    return (DOCS / name).read_text()


def first_cells(name: str) -> set[str]:
    """The code words that begin the rows of a page's tables."""
    return set(re.findall(r"^\| `([^`]+)`", page(name), re.MULTILINE))


def metrics() -> set[str]:
    """Names of metrics: the CamelCase words of the modules that emit any, but for what AWS and we call other things."""
    found: set[str] = set()
    for file in (ROOT / "functions").rglob("*.py"):
        text = file.read_text()
        if "add_metric(" in text or "telemetry.emit(" in text:
            words = (node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant))
            found |= {word for word in words if isinstance(word, str) and METRIC.fullmatch(word)}
    return found - {"Records", "Event", "Modelloop"}


def error_codes(kind: type[ModelloopError] = ModelloopError) -> set[str]:
    return {kind.code}.union(*(error_codes(below) for below in kind.__subclasses__()))


def spec_keys(schema: dict[str, Any], prefix: str = "") -> set[str]:
    return {
        key
        for name, reader in schema.items()
        for key in (
            spec_keys(reader, f"{prefix}{name}.") if isinstance(reader, dict) and name != "search" else {prefix + name}
        )
    }


def test_every_setting_parameter_and_output_is_documented_and_no_other() -> None:
    read = {f"MODELLOOP_{name.upper()}" for name in Settings._fields}
    told = first_cells("settings.md")

    assert {word for word in told if word.startswith("MODELLOOP_")} == read | {
        "MODELLOOP_STACK", "MODELLOOP_STACK_FILE", "MODELLOOP_PROXY_TOKEN", "MODELLOOP_CACHE"
    }  # fmt: skip
    assert {word for word in told if METRIC.fullmatch(word)} == set(template()["Parameters"])
    outputs = page("settings.md").split("## Template outputs")[1].split("The command")[0]
    assert set(re.findall(r"`(\w+)`", outputs)) == set(template()["Outputs"])
    for name, parameter in template()["Parameters"].items():
        line = next(line for line in page("settings.md").splitlines() if line.startswith(f"| `{name}`"))
        assert str(parameter["Default"]) in line or parameter["Default"] == ""


def test_the_description_of_a_stack_is_documented() -> None:
    assert all(f"`{name}`" in page("settings.md") for name in Stack.__dataclass_fields__)


def test_every_metric_and_alarm_is_documented_and_no_other(alarms: Resources) -> None:
    above, below = page("metrics-and-alarms.md").split("## Alarms")
    assert set(re.findall(r"^\| `([A-Z]\w+)`", above, re.MULTILINE)) == metrics()
    assert set(re.findall(r"^\| `([A-Z]\w+)`", below, re.MULTILINE)) == set(alarms)


def test_every_error_code_is_documented_with_its_status() -> None:
    for code in error_codes():
        assert re.search(rf"^\| \d+ \| `{code}` ", page("errors.md"), re.MULTILINE), code
    told = set(re.findall(r"^\| \d+ \| `([A-Z_]+)`", page("errors.md"), re.MULTILINE))
    assert told == error_codes()


def test_every_make_target_is_documented_and_no_other() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))

    assert {word.removeprefix("make ") for word in first_cells("commands.md") if word.startswith("make ")} == targets


def test_every_command_is_documented_and_no_other() -> None:
    commands = {command.name for command in app.registered_commands}

    told = {word.split()[1] for word in first_cells("commands.md") if word.startswith("modelloop ")}
    assert told == commands


def test_every_key_of_the_spec_is_documented_and_no_other() -> None:
    assert first_cells("model-yaml.md") == spec_keys(spec_fields.SCHEMA)
    assert all(f"`{family}`" in page("model-yaml.md") for family in (*spec_fields.FAMILIES, *spec_fields.CONVERTED))


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    named = project["project"]["dependencies"] + [
        package for group in project["dependency-groups"].values() for package in group
    ]
    names = {re.split(r"[\[<>=]", package)[0] for package in named} - {"pytest-cov", "pytest-timeout", "pytest-xdist"}

    reasons = set(re.findall(r"^\| ([a-z0-9-]+) \|", (ROOT / "DECISIONS.md").read_text(), re.MULTILINE))
    assert names - reasons == set()


@pytest.mark.parametrize(
    "file", [ROOT / "README.md", ROOT / "DECISIONS.md", ROOT / "CHANGELOG.md", *PAGES], ids=lambda f: f.name
)
def test_links_lead_somewhere(file: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", file.read_text()):
        assert target.startswith("https://") or (file.parent / target).exists(), target


def shell_lines() -> list[str]:
    """The command lines of the README's shell blocks, continued lines joined, comments left out."""
    blocks = re.findall(r"^```sh\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    joined = "".join(blocks).replace("\\\n", " ")
    return [line.strip() for line in joined.splitlines() if line.strip()]


def test_the_commands_of_the_readme_exist_and_take_what_it_gives_them() -> None:
    program = get_command(app)
    assert isinstance(program, TyperGroup)
    stories = [words for line in shell_lines() for words in called(line, "modelloop")]
    assert len(stories) >= 8
    for name, *words in stories:
        command = program.commands[name]
        command.make_context(name, words, resilient_parsing=False)


def test_the_make_targets_of_the_readme_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    asked = {words[0] for line in shell_lines() for words in called(line, "make")}
    assert {"demo", "test", "up"} <= asked <= targets


def test_what_the_readme_calls_else_is_there() -> None:
    text = (ROOT / "README.md").read_text()
    assert "$MODELLOOP_API" in text
    told = Path(sys.modules["modelloop_cli.commands.access"].__file__ or "").read_text()
    assert all(name in told for name in set(re.findall(r"\$(MODELLOOP_\w+)", text)))
    environments = tomllib.loads((ROOT / "samconfig.toml").read_text())
    assert set(re.findall(r"--config-env (\w+)", text)) <= environments.keys()
    for table in re.findall(r"site-packages/(\S+\.csv)", text):
        package, _, file = table.partition("/")
        assert (files(package) / file).is_file()


def called(line: str, program: str) -> list[list[str]]:
    """What a shell line gives a program, by call: plain, or inside $(…)."""
    calls = re.findall(rf"(?:^|\$\()({program} [^)#]*)", line)
    return [shlex.split(call)[1:] for call in calls]


def test_the_readme_leads_to_every_page() -> None:
    readme = (ROOT / "README.md").read_text()

    assert [page.name for page in PAGES if f"infra/docs/{page.name}" not in readme] == []
    assert "make demo" in readme
    assert "make test" in readme
    assert "sam build && sam deploy" in readme
