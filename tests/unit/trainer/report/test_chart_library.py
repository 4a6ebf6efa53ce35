"""One chart library, locked to what its authors published, for the report and for the dashboard."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

from modelloop_cli.dashboard import PREFIX, pages
from modelloop_stack.build.paths import ROOT
from trainer import report

CHARTS = Path(report.__file__).parent / "charts"
LOCK = json.loads((CHARTS / "chart.js.lock.json").read_text())


def test_the_vendored_files_are_those_of_the_published_package() -> None:
    files = {name: sha256((CHARTS / name).read_bytes()).hexdigest() for name in LOCK["files"]}
    assert files == {name: file["sha256"] for name, file in LOCK["files"].items()}


def test_the_lock_names_the_version_and_the_licence_that_the_files_name() -> None:
    banner = (CHARTS / "chart.umd.min.js").read_text()[:200]
    assert f"Chart.js v{LOCK['version']}\n" in banner
    assert f"Released under the {LOCK['license']} License" in banner
    assert (CHARTS / "LICENSE-chart.js.md").read_text().startswith(f"The {LOCK['license']} License")


def test_the_library_is_there_once_and_the_dashboard_serves_that_file() -> None:
    copies = [path for folder in ("functions", "infra") for path in (ROOT / folder).rglob("chart*.min.js")]
    assert copies == [CHARTS / "chart.umd.min.js"]
    served = pages()
    for name in ("chart.umd.min.js", "charts.js", "theme.css"):
        assert served[f"{PREFIX}{name}"][1] == (CHARTS / name).read_bytes()
