from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from html import escape, unescape
from typing import TYPE_CHECKING

import numpy as np
import pytest

from modelloop import keys, split
from modelloop.aws import storage
from modelloop.spec import Spec
from tests.support.trainer_lab import Data, regression_sample, sample
from trainer.report import render

if TYPE_CHECKING:
    from pathlib import Path

    from modelloop.run import Run
    from tests.support.trainer_lab import Lab

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
HOSTILE = "</script><img src=x onerror=alert(1)>"


def page(run: Run) -> str:
    return storage.get("artifacts", keys.version("m", run.run_id, keys.REPORT)).decode()


def rendered(html: str, folder: Path) -> tuple[str, str]:
    """Return the page's document after its scripts ran, and what the browser complained about."""
    assert CHROMIUM is not None
    file = folder / "report.html"
    file.write_text(html, encoding="utf-8")
    flags = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--enable-logging=stderr",
        "--v=0",
        f"--user-data-dir={folder}",
    ]
    ran = subprocess.run(
        [CHROMIUM, *flags, "--virtual-time-budget=3000", "--dump-dom", file.as_uri()],
        capture_output=True, timeout=120, check=True, text=True,
    )  # fmt: skip
    return ran.stdout, "\n".join(line for line in ran.stderr.splitlines() if ":CONSOLE" in line)


def test_the_report_tells_everything_and_needs_no_network(lab: Lab) -> None:
    spec = Spec(estimators=("linear",), protected=("kind",))
    html = page(lab.train(replace(sample(800, 1), spec=spec)))
    words = unescape(re.sub(r"<script.*?</script>|<style.*?</style>|<[^>]+>", " ", html, flags=re.DOTALL))
    for word in (
        "released by the gate",
        "log loss",
        "Confusion",
        "Slices of kind",
        "Dataset digest",
        "linear",
    ):
        assert word in words, word
    outside = re.sub(r"<script>.*?</script>", "", html, flags=re.DOTALL)
    assert not re.search(r"(?:src|href)\s*=\s*[\"'](?!data:)", outside)
    assert "@import" not in outside
    assert "url(" not in outside


def test_a_protected_column_that_is_no_feature_has_its_slices(lab: Lab) -> None:
    data = sample(800, 8)
    codes = np.random.default_rng(1).integers(-1, 2, 800).astype(np.int16)
    spec = Spec(estimators=("linear",), protected=("region",))
    run = lab.train(replace(data, spec=spec, slices={"region": (["north", "south"], codes)}))
    (found,) = lab.manifest(run)["slices"]
    held_out = codes[data.membership() == split.HOLDOUT]
    assert {part["value"]: part["rows"] for part in found["values"]} == {
        "north": (held_out == 0).sum(), "south": (held_out == 1).sum(), "missing": (held_out == -1).sum()
    }  # fmt: skip
    assert "Slices of region" in page(run)


def test_what_the_gate_refused_has_a_report_and_no_version(lab: Lab) -> None:
    lab.train(sample(900, 9))
    run = lab.train(replace(sample(900, 9), target=sample(900, 10).target))
    assert run.state == "REJECTED"
    html = page(run)
    assert f"run {run.run_id}" in html
    assert "version None" not in html
    assert "refused by the gate" in html
    assert run.gate is not None
    assert all(escape(reason) in html for reason in run.gate["reasons"])
    assert storage.head("artifacts", keys.version("m", run.run_id, keys.MANIFEST)) is None


def test_what_data_says_is_never_markup(lab: Lab) -> None:
    run = lab.train(replace(sample(600, 2), classes=["no", HOSTILE]))
    html = page(run)
    assert HOSTILE not in html
    assert html.count("</script>") == 3


def test_a_report_is_made_of_its_manifest_alone(lab: Lab) -> None:
    run = lab.train(sample(600, 3))
    assert render(lab.manifest(run)).decode() == page(run)


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
@pytest.mark.parametrize(("data", "charts"), [(sample(700, 4), 5), (regression_sample(700, 5), 4)])
def test_the_page_opens_in_a_browser_without_complaints(lab: Lab, tmp_path: Path, data: Data, charts: int) -> None:
    document, complaints = rendered(page(lab.train(data)), tmp_path)
    assert complaints == ""
    assert "Calibration, probability of" in document or "Residuals" in document
    assert f'data-charts="{charts}"' in document


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_a_broken_page_would_be_noticed(tmp_path: Path) -> None:
    _, complaints = rendered("<script>throw new Error('broken')</script>", tmp_path)
    assert "broken" in complaints
