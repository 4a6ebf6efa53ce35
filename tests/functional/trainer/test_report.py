from __future__ import annotations

import json
import re
import subprocess
from dataclasses import replace
from html import escape, unescape
from typing import TYPE_CHECKING

import numpy as np
import pytest
from selenium.webdriver.common.by import By

from modelloop import keys
from modelloop.aws.storage import Bucket
from modelloop.contracts.manifest import manifest_from_json
from modelloop.spec.model import Spec
from modelloop.tables import split
from tests.support.browser import CHROMIUM, DRIVER, complaints, drawing, opened, phone, scheme, table_of
from tests.support.onnx_models import SIGMOID
from tests.support.trainer_lab import Data, regression_sample, sample
from trainer.report.page import render

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from modelloop.versions.run import Run
    from tests.support.trainer_lab import Lab

CLASSIFIED = {"comparisons", "calibration", "roc", "pr", "importance"}
NUMERIC = {"comparisons", "residuals", "errors", "importance"}
HOSTILE = "</script><img src=x onerror=alert(1)>"


def page(run: Run) -> str:
    return Bucket("artifacts").get(keys.version("m", run.run_id, keys.REPORT)).decode()


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
        "of 100 rows that it has not seen; always answering the most frequent class would be for",
        "Would more rows help?",
        "log loss",
        "Confusion",
        "Slices of kind",
        "Dataset SHA-256",
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
    tree = Spec(estimators=("decision_tree",), params={"decision_tree": {"max_depth": 20, "min_samples_leaf": 1}})
    run = lab.train(replace(sample(900, 9), target=sample(900, 10).target, spec=tree))
    assert run.state == "REJECTED"
    html = page(run)
    assert f"run {run.run_id}" in html
    assert "version None" not in html
    assert "refused by the gate" in html
    assert run.gate is not None
    assert all(escape(reason) in html for reason in run.gate.reasons)
    assert Bucket("artifacts").head(keys.version("m", run.run_id, keys.MANIFEST)) is None


def test_what_data_says_is_never_markup(lab: Lab) -> None:
    run = lab.train(replace(sample(600, 2), classes=["no", HOSTILE]))
    html = page(run)
    assert HOSTILE not in html
    assert html.count("</script>") == 3


def test_a_report_is_made_of_its_manifest_alone(lab: Lab) -> None:
    run = lab.train(sample(600, 3))
    assert render(manifest_from_json(lab.manifest(run))).decode() == page(run)


def three_classes(rows: int, seed: int) -> Data:
    data = sample(rows, seed)
    target = np.where(np.nan_to_num(data.matrix[:, 0]) > 0.8, 2, data.target)
    return replace(data, target=target, classes=["no", "yes", "<maybe> & co"])


def succeeded(lab: Lab) -> Run:
    lab.train(sample(900, 6))
    return lab.train(sample(1800, 6))


REPORTS: dict[str, tuple[Callable[[Lab], Run], set[str]]] = {
    "binary": (lambda lab: lab.train(sample(700, 4)), CLASSIFIED),
    "successor": (succeeded, CLASSIFIED),
    "multiclass": (lambda lab: lab.train(three_classes(900, 4)), CLASSIFIED),
    "regression": (lambda lab: lab.train(regression_sample(700, 5)), NUMERIC),
    "brought": (lambda lab: lab.import_model(SIGMOID, sample(600, 1)), CLASSIFIED),
    "brought without labels": (lambda lab: lab.import_model(SIGMOID, sample(600, 1), labelled=False), set()),
    "refused": (lambda lab: lab.train(replace(sample(600, 7), target=sample(600, 8).target)), CLASSIFIED),
}


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
@pytest.mark.parametrize("kind", REPORTS)
def test_the_page_opens_in_a_browser_without_complaints(lab: Lab, tmp_path: Path, kind: str) -> None:
    make, charts = REPORTS[kind]
    document, complaints = rendered(page(make(lab)), tmp_path)
    assert complaints == ""
    assert set(re.findall(r'id="chart-(\w+)"', document)) == charts
    assert f'data-charts="{len(charts)}"' in document
    for name in charts:
        (figures,) = re.findall(rf'<details id="figures-{name}">.*?</details>', document, re.DOTALL)
        assert f'aria-details="figures-{name}"' in document
        assert figures.count("<tr>") > 1


DRAWN = """<script type="module">
  const { labels, datasets } = Chart.getChart("chart-comparisons").data;
  document.documentElement.dataset.drawn = JSON.stringify([labels, ...datasets.map((set) => [set.label, set.data])]);
</script>"""


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_the_gates_chart_shows_estimate_interval_and_what_is_allowed(lab: Lab, tmp_path: Path) -> None:
    run = succeeded(lab)
    document, complaints = rendered(page(run).replace("</body>", f"{DRAWN}</body>"), tmp_path)
    assert complaints == ""
    shown = json.loads(re.findall(r'id="figures">(.*?)</script>', page(run))[0])["comparisons"]
    names = ["champion_on_holdout", "champion_on_anchor", "best_on_anchor", "champion_on_both", "best_on_both"]
    assert [one["name"] for one in shown] == names
    assert all(one["allowed"] == 0.01 * one["reference"] for one in shown)
    assert all(one["low"] <= one["candidate"] - one["reference"] <= one["high"] for one in shown)
    drawn = json.loads(unescape(re.findall(r'data-drawn="(.*?)"', document)[0]))
    assert drawn == [
        [name.replace("_", " ") for name in names],
        ["difference", [one["candidate"] - one["reference"] for one in shown]],
        ["allowed at most", [one["allowed"] for one in shown]],
        ["90 % interval", [[one["low"], one["high"]] for one in shown]],
    ]


@pytest.mark.skipif(not CHROMIUM or not DRIVER, reason="there is no chromium with its driver")
@pytest.mark.parametrize("kind", ["successor", "regression"])
def test_the_page_fits_a_phone_in_light_and_dark(lab: Lab, tmp_path: Path, kind: str) -> None:
    make, charts = REPORTS[kind]
    file = tmp_path / "report.html"
    file.write_text(page(make(lab)), encoding="utf-8")
    with opened() as browser, phone(browser, 390):
        for name, ink in (("light", "#5b6575"), ("dark", "#9ba6b6")):  # --muted of theme.css
            with scheme(browser, name):
                browser.get(file.as_uri())
                assert browser.execute_script("return document.documentElement.scrollWidth") <= 390
                for chart in charts:
                    drawn = drawing(browser, f"#chart-{chart}")
                    assert drawn["ink"] == ink
                    assert 0.002 < drawn["painted"] < 0.9
                    canvas = browser.find_element(By.ID, f"chart-{chart}")
                    assert canvas.accessible_name
                    assert canvas.aria_role == "image"
                    assert 195 < canvas.size["width"] <= 390
        assert complaints(browser) == []


@pytest.mark.skipif(not CHROMIUM or not DRIVER, reason="there is no chromium with its driver")
def test_the_tables_beside_the_charts_have_the_values_that_are_drawn(lab: Lab, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(page(succeeded(lab)), encoding="utf-8")
    with opened() as browser:
        browser.get(file.as_uri())
        importance = drawing(browser, "#chart-importance")
        rows = table_of(browser, "#figures-importance")
        assert [row[0] for row in rows] == importance["labels"]
        assert [float(row[1]) for row in rows] == pytest.approx(importance["datasets"][0][1], rel=1e-3)
        differences = dict(drawing(browser, "#chart-comparisons")["datasets"])["difference"]
        rows = table_of(browser, "#figures-comparisons")
        assert [float(row[3]) for row in rows] == pytest.approx(differences, rel=1e-3)
        observed = dict(drawing(browser, "#chart-calibration")["datasets"])["observed"]
        rows = table_of(browser, "#figures-calibration")
        for column, axis in enumerate("xy"):
            shown = [float(row[column]) for row in rows]
            assert shown == pytest.approx([point[axis] for point in observed], rel=5e-3)


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_a_broken_page_would_be_noticed(tmp_path: Path) -> None:
    _, complaints = rendered("<script>throw new Error('broken')</script>", tmp_path)
    assert "broken" in complaints
