"""The functions' own code: the import root as it is, compiled."""

from __future__ import annotations

import shutil
from pathlib import Path

from modelloop_stack.build.bytecode import compile_tree
from modelloop_stack.build.cache import build_once, delete_old, digest_of, files_under, link_tree
from modelloop_stack.build.paths import ROOT

FUNCTIONS = ROOT / "functions"
CHARTS = "trainer/report/charts"  # the chart library, which only the trainer's reports need
TRAINER = "TrainerFunction"
NOT_IN_FUNCTIONS = "\n# Not in the functions:"  # where modelloop/__init__.py goes on for other programs
KEPT = 5  # builds may run side by side, so earlier ones must not vanish meanwhile


def build_code() -> Path:
    """Return the import root, copied and compiled, at most once; Lambda mounts it at /var/task."""
    rules = Path(__file__).resolve().parent
    sources = files_under(FUNCTIONS)
    key = f"code-{digest_of([*sources, rules / 'code.py', rules / 'bytecode.py'], ROOT)}"
    folder = build_once(key, _copy)
    delete_old("code-", KEPT)
    return folder


def place(function: str, artifacts: Path) -> None:
    """Put the code of a function, given by its logical id, into an artifacts folder."""
    link_tree(build_code(), artifacts)
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
