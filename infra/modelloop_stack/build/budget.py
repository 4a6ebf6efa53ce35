"""The size budget: a function with its layers, unzipped, against Lambda's limit of 250 MiB."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table

from modelloop_stack.build.bytecode import missing_bytecode

MEBIBYTE = 1024 * 1024
BUDGET = 245 * MEBIBYTE


class BudgetError(RuntimeError):
    """A built function is too large, or ships without bytecode."""


@dataclass(frozen=True, slots=True)
class FunctionSize:
    """Unzipped bytes of one function: own code, and each of its layers by logical id."""

    name: str
    code: int
    layers: Mapping[str, int]

    @property
    def total(self) -> int:
        """Return the bytes that count against the limit."""
        return self.code + sum(self.layers.values())

    @property
    def fits(self) -> bool:
        """Return whether the function stays inside the budget."""
        return self.total <= BUDGET


def measure_functions(built: Path) -> list[FunctionSize]:
    """Return the size of every function of a built template."""
    resources = yaml.load((built / "template.yaml").read_text(), yaml.CSafeLoader)["Resources"]
    layers = {name: measure_tree(built / name) for name in _named(resources, "AWS::Serverless::LayerVersion")}
    functions = _named(resources, "AWS::Serverless::Function")
    return [
        FunctionSize(
            name=name,
            code=measure_tree(built / body["Properties"]["CodeUri"]),
            layers={ref["Ref"]: layers[ref["Ref"]] for ref in body["Properties"].get("Layers", [])},
        )
        for name, body in functions.items()
    ]


def measure_tree(folder: Path) -> int:
    """Return the bytes of all files under a folder."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())


def check(built: Path) -> None:
    """Print the table of sizes; refuse what cannot be deployed, and modules without bytecode, which start slowly.

    Raises:
        BudgetError: names every function over the budget and every module without bytecode.

    """
    measured = measure_functions(built)
    _print(measured)
    faults = [f"{size.name} takes {size.total / MEBIBYTE:.1f} MiB" for size in measured if not size.fits]
    bare = missing_bytecode(built)
    faults += [f"{path.relative_to(built)} has no bytecode" for path in bare[:20]]
    if faults:
        raise BudgetError("; ".join(faults))


def _named(resources: Mapping[str, Any], kind: str) -> dict[str, Any]:
    return {name: body for name, body in resources.items() if body["Type"] == kind}


def _print(measured: list[FunctionSize]) -> None:
    table = Table(title=f"Unzipped MiB (budget {BUDGET // MEBIBYTE})")
    for title in ("function", "code", "layers", "total"):
        table.add_column(title, justify="left" if title in {"function", "layers"} else "right", no_wrap=True)
    for size in measured:
        layers = " + ".join(f"{name} {bytes_ / MEBIBYTE:.1f}" for name, bytes_ in size.layers.items())
        table.add_row(size.name, f"{size.code / MEBIBYTE:.2f}", layers, f"{size.total / MEBIBYTE:.1f}")
    Console(width=110).print(table)
