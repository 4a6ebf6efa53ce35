"""Where a version comes from: code and environment, the split of its rows, and the best version so far."""

from __future__ import annotations

import platform
from functools import cache
from hashlib import sha256
from importlib.metadata import distributions
from pathlib import Path
from typing import TYPE_CHECKING

from modelloop.contracts.manifest_parts import BestVersion, Environment, SplitFacts

if TYPE_CHECKING:
    from trainer.comparison.examination import Examination
    from trainer.comparison.incumbents import Champion
    from trainer.table import PreparedTable

ROOT = Path(__file__).parent.parent
SHOWN = ("scikit-learn", "numpy", "scipy", "joblib", "skl2onnx", "onnx")


@cache
def environment() -> Environment:
    """Return Python, machine, the packages that fits depend on, and digests of all packages and of our own code."""
    installed = {package.metadata["Name"].lower(): package.version for package in distributions()}
    listed = "\n".join(f"{name}=={version}" for name, version in sorted(installed.items()))
    return Environment(
        platform.python_version(),
        platform.machine(),
        {name: installed[name] for name in SHOWN if name in installed},
        sha256(listed.encode()).hexdigest(),
        code_digest(ROOT),
    )


def code_digest(root: Path) -> str:
    """Return the SHA-256 over path and content of every Python source under a folder, in order."""
    digest = sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(f"{path.relative_to(root).as_posix()}\n{sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def split_facts(table: PreparedTable) -> SplitFacts:
    """Return how many rows are on each side, and how they were divided."""
    split = table.facts.split
    return SplitFacts(
        train=table.train.rows,
        validation=table.validation.rows,
        holdout=table.holdout.rows,
        kind=split.kind,
        column=split.column,
        columns=None if split.columns is None else dict(split.columns),
        rule=split.rule,
        salt=table.facts.salt,
        trained_until=table.trained_until,
        version=split.version if split.missing is not None else None,
        missing=None if split.missing is None else list(split.missing),
        different=split.different,
        copies=split.copies,
    )


def best_version(run_id: str, version: int, examination: Examination, champion: Champion | None) -> BestVersion:
    """Return the best version so far, which may be the new one."""
    if champion is None or examination.candidate_is_best:
        return BestVersion(run_id, version)
    return BestVersion(champion.best.manifest.run_id, champion.best.manifest.version)
