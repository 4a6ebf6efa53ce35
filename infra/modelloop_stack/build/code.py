"""The functions' own code: the import root as it is, compiled."""

from __future__ import annotations

import shutil
from pathlib import Path

from modelloop_stack.build.bytecode import compile_tree
from modelloop_stack.build.cache import cached, forget_but_newest, link_tree
from modelloop_stack.build.digest import digest_of, files_under
from modelloop_stack.build.paths import ROOT

FUNCTIONS = ROOT / "functions"
CHARTS = "trainer/report/charts"  # the chart library, which only the trainer's reports need
TRAINER = "TrainerFunction"
NOT_IN_FUNCTIONS = "\n# Not in the functions:"  # where modelloop/__init__.py begins to speak to other programs
KEPT = 5  # builds of one edit run side by side, so the one before must not vanish under them


def code() -> Path:
    """Copy and compile the import root, or find it built; Lambda mounts it at /var/task."""
    rules = Path(__file__).resolve().parent
    sources = files_under(FUNCTIONS)
    key = f"code-{digest_of([*sources, rules / 'code.py', rules / 'bytecode.py'], ROOT)}"
    folder = cached(key, _copy)
    forget_but_newest("code-", KEPT)
    return folder


def place(function: str, artifacts: Path) -> None:
    """Put the code of a function, given by its logical id, into an artifacts folder."""
    link_tree(code(), artifacts)
    if function != TRAINER:
        shutil.rmtree(artifacts / CHARTS)


def _copy(folder: Path) -> None:
    for source in files_under(FUNCTIONS):
        target = folder / source.relative_to(FUNCTIONS)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    package = folder / "modelloop" / "__init__.py"
    package.write_text(package.read_text().partition(NOT_IN_FUNCTIONS)[0])
    compile_tree(folder, "/var/task")
