"""The interpreter with exactly what one built function has: its code and its layers, and nothing else of this project.

For tests of what a function imports, and what that costs. The SDK of the managed runtime is missing too.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import yaml

from modelloop_stack.build.paths import BUILT

# No site packages of the user, no bytecode written, no current folder.
FLAGS = ("-s", "-B", "-P")


def command() -> list[str]:
    """Return the base interpreter, outside every virtual environment, with its flags."""
    return [str(Path(sys.base_prefix) / "bin" / "python3.13"), *FLAGS]


def environment(function: str, built: Path = BUILT) -> dict[str, str]:
    """Return the variables that let the interpreter find a built function as Lambda lays it out."""
    resources = yaml.load((built / "template.yaml").read_text(), yaml.CSafeLoader)["Resources"]
    properties = resources[function]["Properties"]
    layers = [built / layer["Ref"] / "python" for layer in properties.get("Layers", [])]
    return {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "PYTHONPATH": os.pathsep.join(map(str, [built / properties["CodeUri"], *layers])),
    }
