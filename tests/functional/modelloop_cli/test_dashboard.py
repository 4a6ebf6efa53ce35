"""The page in a real browser: what it shows, and that it keeps to itself."""

from __future__ import annotations

from typing import Any

import pytest
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

from modelloop.contracts.quality_verdict import QualityEstimate
from modelloop.monitoring.drift.verdict import drift_verdict
from modelloop.monitoring.quality.verdict import quality_verdict
from modelloop_cli.dashboard import PREFIX
from tests.support import penguins_page
from tests.support.baselines import baseline_of
from tests.support.browser import (
    CHROMIUM,
    DRIVER,
    attribute,
    body,
    click,
    complaints,
    drawing,
    keep_picture,
    phone,
    scheme,
    table_of,
    wait,
    wait_until,
)
from tests.support.manifests import manifest_of
from tests.support.penguins_page import (
    BINS,
    COLUMN,
    DRIFT,
    HISTORY,
    HOURS,
    MODEL,
    PAST_QUALITY,
    QUALITY,
    RUN,
    STAMP,
    SUMMARY,
)

NONE = "\N{EN DASH}"
pytestmark = pytest.mark.skipif(not CHROMIUM or not DRIVER, reason="there is no chromium with its driver")


def test_it_shows_what_serves_and_the_seeded_drift(browser: webdriver.Chrome, page: str) -> None:
    browser.get(page)
    wait(browser, "penguins")
    browser.find_element(By.LINK_TEXT, "penguins").click()
    wait(browser, "values drifted, distance 0.549")

    shown = body(browser)
    assert "version 2, 10 % of requests" in shown
    assert "0.94 to 0.99" in shown
    assert "0.6 linear, 0.4 hist_gradient_boosting" in shown
    assert "fitting" in shown
    assert "<b>island</b>" in shown
    assert "Joint change: 1 of 6 pairs of columns, worst first" in shown
    assert "flipper_mm and (prediction)" in shown
    assert browser.find_elements(By.CSS_SELECTOR, "main b") == []
    assert attribute(browser, "column-0", "aria-expanded") == "false"
    browser.find_element(By.ID, "column-0").click()
    wait(browser, "Distance of body_mass_g")
    assert attribute(browser, "column-0", "aria-expanded") == "true"
    assert browser.switch_to.active_element.get_attribute("id") == "column-0"
    assert [len(data) for _, data in drawing(browser, "#chart-bins-column-0 canvas")["datasets"]] == [5, 5]
    assert browser.title == "penguins · Modelloop"
    assert complaints(browser) == []


def test_quality_and_drift_are_shown_over_time_with_the_figures_as_text(browser: webdriver.Chrome, page: str) -> None:
    browser.get(f"{page}#/models/penguins")
    wait(browser, "Quality over time")

    labels = {chart.accessible_name for chart in browser.find_elements(By.CSS_SELECTOR, "canvas")}
    assert any(text.startswith("accuracy: now 0.968, holdout 0.98, between 0.968 and 0.98") for text in labels)
    drifted = "Distance of the most drifted column, as a multiple of its threshold"
    assert any(
        text.startswith(f"{drifted}: now 3.8, threshold 1,") and "an alarm in 3 of 8 checks" in text for text in labels
    )
    accuracy = dict(drawing(browser, "#chart-quality-accuracy canvas")["datasets"])
    assert {tuple(point["y"] for point in accuracy[end]) for end in ("95 % interval", "high")} == {
        (0.95,) * len(PAST_QUALITY), (0.99,) * len(PAST_QUALITY)
    }  # fmt: skip
    drift_now = dict(drawing(browser, "#chart-drift-trend canvas")["datasets"])
    assert drift_now["alarm"] == drift_now["live"][-3:]
    browser.find_element(By.ID, "figures-drift-trend").send_keys(Keys.ENTER)
    wait(browser, f"{drifted}, newest first")
    # an older page of verdicts comes with the next refresh, and what was unfolded stays so
    browser.find_element(By.ID, "column-0").click()
    wait(browser, "Distance of body_mass_g")
    rows = "#table-drift-trend tbody tr"
    assert [bool(row.text) for row in browser.find_elements(By.CSS_SELECTOR, rows)] == [True] * len(HISTORY)
    assert complaints(browser) == []


def test_every_chart_has_its_figures_as_a_table(browser: webdriver.Chrome, page: str) -> None:
    browser.get(f"{page}#/models/penguins")
    wait(browser, "Quality over time")
    browser.find_element(By.ID, "column-0").click()
    wait(browser, "Distance of body_mass_g")

    charts = [str(chart.get_attribute("id")) for chart in browser.find_elements(By.CSS_SELECTOR, "figure.chart")]
    assert charts == ["chart-traffic", "chart-quality-accuracy", "chart-drift-trend", "chart-bins-column-0",
                      "chart-trend-column-0"]  # fmt: skip
    for chart in charts:
        canvas = browser.find_element(By.CSS_SELECTOR, f"#{chart} canvas")
        assert canvas.accessible_name
        assert canvas.aria_role == "image"
        assert canvas.get_attribute("aria-details") == chart.replace("chart-", "table-")
        assert browser.find_elements(
            By.CSS_SELECTOR, f"#{chart} details[id='{chart.replace('chart-', 'table-')}'] caption"
        )
        assert {head.get_attribute("scope") for head in browser.find_elements(By.CSS_SELECTOR, f"#{chart} th")} == {
            "col", "row"
        }  # fmt: skip
        assert 0.002 < drawing(browser, f"#{chart} canvas")["painted"] < 0.9
    assert complaints(browser) == []


def test_the_tables_beside_the_charts_have_the_values_that_are_drawn(browser: webdriver.Chrome, page: str) -> None:
    browser.get(f"{page}#/models/penguins")
    wait(browser, "Quality over time")
    browser.find_element(By.ID, "column-0").click()
    wait(browser, "Distance of body_mass_g")

    traffic = drawing(browser, "#chart-traffic canvas")
    rows = table_of(browser, "#chart-traffic")
    assert [hour["rows"] for hour in HOURS] == [count for count in traffic["datasets"][0][1] if count]
    assert [row[0] for row in rows] == traffic["labels"]
    assert [row[1] for row in rows] == [str(count) for count in traffic["datasets"][0][1]]
    for chart, column in (("drift-trend", 3), ("quality-accuracy", 3), ("trend-column-0", 3)):
        value, limit = (data for _, data in drawing(browser, f"#chart-{chart} canvas")["datasets"][:2])
        rows = table_of(browser, f"#chart-{chart}")[::-1]
        assert [float(row[column]) for row in rows] == pytest.approx([point["y"] for point in value], rel=1e-3)
        assert [float(row[column + 1]) for row in rows] == pytest.approx([point["y"] for point in limit], rel=1e-3)


def test_charts_follow_the_page_into_the_dark_and_back(browser: webdriver.Chrome, page: str) -> None:
    browser.get(f"{page}#/models/penguins")
    wait(browser, "Quality over time")
    for name, ink in (("light", "#5b6575"), ("dark", "#9ba6b6"), ("light", "#5b6575")):  # --muted of theme.css
        with scheme(browser, name):
            wait_until(lambda ink=ink: drawing(browser, "#chart-drift-trend canvas")["ink"] == ink)  # type: ignore[misc]
            assert drawing(browser, "#chart-traffic canvas")["painted"] > 0.002
    assert complaints(browser) == []


def test_charts_that_left_the_page_are_freed(browser: webdriver.Chrome, page: str) -> None:
    browser.get(f"{page}#/models/penguins")
    wait(browser, "Quality over time")
    for _ in range(3):
        browser.execute_script("document.getElementById('column-0').click()")  # a refresh may redraw it any time
    wait(browser, "Distance of body_mass_g")

    counts = "return [Object.keys(Chart.instances).length, document.querySelectorAll('canvas').length]"
    assert browser.execute_script(counts) == [5, 5]
    browser.execute_script("location.hash = '#/'")
    wait(browser, "1 of 1 models needs attention")
    assert browser.execute_script(counts) == [0, 0]


def test_a_column_beyond_the_twenty_worst_is_drawn_when_it_is_opened(browser: webdriver.Chrome, page: str) -> None:
    browser.get(f"{page}#/models/penguins")
    wait(browser, "flipper_mm")
    browser.find_element(By.ID, "column-2").click()

    wait(browser, "275 in training, 900 live")
    wait(browser, "200.9 in training, 201.5 live")
    sets = drawing(browser, "#chart-bins-column-2 canvas")["datasets"]
    assert [(label, len(data)) for label, data in sets] == [("training", 3), ("live", 3)]


def test_a_column_that_cannot_be_told_says_why_and_the_page_stays(browser: webdriver.Chrome, page: str) -> None:
    browser.get(f"{page}#/models/penguins")
    wait(browser, "<b>island</b>")
    browser.find_element(By.ID, "column-1").click()

    wait(browser, "the bucket is busy")
    assert "Serving" in body(browser)


def test_bars_are_shares_of_their_own_table(browser: webdriver.Chrome, page: str) -> None:
    browser.get(f"{page}#/models/penguins")
    wait(browser, "values drifted")
    browser.find_element(By.ID, "column-0").click()
    wait(browser, "Distance of body_mass_g")

    drawn = drawing(browser, "#chart-bins-column-0 canvas")
    assert drawn["labels"] == BINS["labels"]
    training, live = dict(drawn["datasets"])["training"], dict(drawn["datasets"])["live"]
    assert training == [count / 200 for count in BINS["baseline"]]
    assert live == [count / 900 for count in BINS["window"]]
    rows = table_of(browser, "#chart-bins-column-0")
    assert rows[:2] == [["below 3,300", "25 %", "62 %"], ["3,300", "25 %", "16 %"]]
    heights = browser.execute_script(
        "const chart = Chart.getChart(document.querySelector('#chart-bins-column-0 canvas'));"
        "return [0, 1].map(at => chart.getDatasetMeta(at).data[0].height)"
    )
    assert heights[1] / heights[0] == pytest.approx(560 / 900 / 0.25, rel=0.01)


def test_the_bins_of_a_number_are_named_in_full(api: Any, browser: webdriver.Chrome, page: str) -> None:
    labels = [f"\N{LESS-THAN OR EQUAL TO} {20 + at}.04" for at in range(20)]
    column = (
        COLUMN
        | {"name": "body_mass_g", "distance": 0.5, "drifted": True}
        | {"bins": {"labels": labels, "baseline": [1] * 20, "window": [1] * 20}}
    )
    told = DRIFT | {"columns": [column], "history": [], "next": None}
    api.on(
        "GET /models/penguins/drift", lambda asked: (503, {"error": "no"}) if "column" in asked.query else (200, told)
    )
    browser.get(f"{page}#/models/penguins")
    wait(browser, "values drifted")
    browser.find_element(By.ID, "column-0").click()
    wait(browser, "Share of rows by bin of body_mass_g")

    ticks = drawing(browser, "#chart-bins-column-0 canvas")["ticks"]
    assert len(ticks) >= 10
    assert set(ticks) <= set(labels)


def test_the_list_says_whether_anything_is_wrong(api: Any, browser: webdriver.Chrome, page: str) -> None:
    calm = MODEL | {"name": "calm", "drift": {"status": "ok", "drifted": 0}, "run": None}
    watched = calm | {"name": "watched", "drift": {"status": "ok", "drifted": 2}}
    failed = calm | {"name": "failed", "run": {"run_id": "r", "state": "FAILED"}, "drift": None, "quality": None}
    api.on("GET /models", (200, {"models": [calm, watched, failed, MODEL], "next": None}))
    browser.get(page)
    wait(browser, "2 of 4 models need attention: failed, penguins")

    rows = [row.text.split("\n")[0] for row in browser.find_elements(By.CSS_SELECTOR, "tbody tr")]
    assert [row.split()[:4] for row in rows[:2]] == [["calm", "ok", "ok", NONE], ["watched", "watch", "ok", NONE]]
    assert rows[2].split()[:4] == ["failed", NONE, NONE, "failed"]
    assert rows[3].split()[:7] == ["penguins", "drifted", "ok", "running", "fitting,", "40", "%"]
    api.on("GET /models", (200, {"models": [calm, watched], "next": None}))
    browser.refresh()
    wait(browser, "No model needs attention.")


def test_quality_is_told_with_its_estimate_labels_and_slices(browser: webdriver.Chrome, page: str) -> None:
    browser.get(f"{page}#/models/penguins")
    wait(browser, "accuracy 0.961 (0.952 to 0.973), from 900 rows; it cannot see a change of concept")

    shown = body(browser)
    assert (
        "233 labels received: 200 used, 7 waiting for their predictions, 3 without a known prediction, "
        "4 of another model's predictions, 11 of no known class, 6 unreadable, 2 sent again"
    ) in shown
    click(browser, "figures-slices")
    wait(browser, "sex = female")
    assert "0.912" in body(browser)


def test_cost_pins_and_the_rollout_checks_are_shown(api: Any, browser: webdriver.Chrome, page: str) -> None:
    api.on("GET /models/penguins", (200, MODEL | {"pins": [1, 2]}))
    browser.get(f"{page}#/models/penguins")
    wait(browser, "0.00412 per 1,000 predictions, 0.000313 in total (in US dollars")

    shown = body(browser)
    assert "version 1, version 2" in shown
    assert "Rollout check: waiting" in shown
    assert "challenger as a canary" in shown
    assert "not sure yet" in shown
    click(browser, "figures-judge-canary")
    wait(browser, "no more than the champion")


def test_columns_that_drifted_without_an_alarm_are_watched(api: Any, browser: webdriver.Chrome, page: str) -> None:
    quiet = DRIFT | {"status": "ok", "reasons": ["one window is no alarm"], "history": [], "next": None}
    api.on("GET /models/penguins/drift", (200, quiet))
    browser.get(f"{page}#/models/penguins")
    wait(browser, "one window is no alarm")

    badge = browser.find_element(By.CSS_SELECTOR, "#drift-status .badge")
    assert (badge.text, badge.get_attribute("class")) == ("watch", "badge warn")


def test_a_metric_without_an_interval_shows_none(api: Any, browser: webdriver.Chrome, page: str) -> None:
    metrics = {"r2": {"value": 0.71, "low": None, "high": None}}
    api.on("GET /models/penguins/quality", (200, QUALITY | {"metrics": metrics, "history": [], "next": None}))
    browser.get(f"{page}#/models/penguins")
    wait(browser, "r2")
    assert f"{NONE} to {NONE}" not in body(browser)


def test_a_model_that_serves_nothing_says_why_and_offers_nothing(
    api: Any, browser: webdriver.Chrome, page: str
) -> None:
    nothing = {"champion": None, "challenger": None, "drift": None, "quality": None, "judge": None, "action": None}
    failed = RUN | {"state": "FAILED", "reason": "the target has one class"}
    api.on("GET /models/penguins", (200, MODEL | nothing | {"run": failed}))
    api.on("GET /models/penguins/versions", (200, {"versions": [], "next": None}))
    api.on("GET /models/penguins/runs", (200, {"runs": [failed], "next": None}))
    api.on("GET /models/penguins/drift", (200, {"version": None, "status": "insufficient_data", "columns": []}))
    api.on("GET /models/penguins/quality", (200, {"version": None, "status": "insufficient_data", "rows": 0}))
    empty = {"requests": 0, "rows": 0, "errors": 0, "versions": [], "hours": []}
    api.on("GET /models/penguins/summary", (200, SUMMARY | empty))
    browser.get(f"{page}#/models/penguins")
    wait(browser, "No version serves: the newest run failed: the target has one class")

    assert "No requests in these hours." in body(browser)
    for name in ("freeze", "retrain", "rollback"):
        assert browser.find_elements(By.ID, name) == []
    assert browser.find_elements(By.CSS_SELECTOR, "canvas") == []
    assert complaints(browser) == []


def test_too_little_data_is_told_with_what_is_needed(api: Any, browser: webdriver.Chrome, page: str) -> None:
    few = drift_verdict(baseline_of(), [], model="penguins", version=1, min_rows=500, now=STAMP)
    none = QualityEstimate(reason="no labels")
    unlabelled = quality_verdict([], {}, {1: manifest_of()}, model="penguins", champion=1, estimate=none, now=STAMP)
    api.on("GET /models/penguins/drift", (200, few.to_json()))
    api.on("GET /models/penguins/quality", (200, unlabelled.to_json()))
    states = {"drift": {"status": few.status}, "quality": {"status": unlabelled.status}}
    api.on("GET /models/penguins", (200, MODEL | states))
    browser.get(f"{page}#/models/penguins")
    wait(browser, "not enough data (0 of 500)")
    wait(browser, "not enough data (0 of 200)")
    assert "insufficient" not in body(browser)


@pytest.mark.parametrize(("rows", "text"), [(1, "1 labelled row,"), (2, "2 labelled rows,")])
def test_one_row_is_no_rows(api: Any, browser: webdriver.Chrome, page: str, rows: int, text: str) -> None:
    labels = {"received": 1, "repeated": 0, "pending": 1, "unknown": 0}
    api.on("GET /models/penguins/quality", (200, QUALITY | {"rows": rows, "labels": labels}))
    browser.get(f"{page}#/models/penguins")
    wait(browser, text)
    assert f"1 label received: {rows} used, 1 waiting for its prediction" in body(browser)


def test_no_model_yet_says_how_to_make_one(api: Any, browser: webdriver.Chrome, page: str) -> None:
    api.on("GET /models", (200, {"models": [], "next": None}))
    browser.get(page)
    wait(browser, "modelloop train table.csv --model NAME")


def test_it_works_by_keyboard_alone(browser: webdriver.Chrome, page: str) -> None:
    browser.get(page)
    wait(browser, "penguins")
    browser.find_element(By.LINK_TEXT, "penguins").send_keys(Keys.ENTER)
    wait(browser, "Serving")
    patience = WebDriverWait(browser, 60, ignored_exceptions=[StaleElementReferenceException])  # a refresh redraws it
    patience.until(lambda driver: driver.switch_to.active_element.get_attribute("id") == "main")
    browser.find_element(By.ID, "column-0").send_keys(Keys.SPACE)

    wait(browser, "Distance of body_mass_g")
    assert browser.find_element(By.ID, "column-0-detail").is_displayed()


def test_every_control_and_chart_has_a_name(browser: webdriver.Chrome, page: str) -> None:
    browser.get(f"{page}#/models/penguins")
    wait(browser, "values drifted")
    nameless = [
        element.get_attribute("outerHTML")
        for element in browser.find_elements(By.CSS_SELECTOR, "button, a, meter, progress, [role=img], textarea")
        if element.is_displayed() and not element.accessible_name
    ]

    assert nameless == []
    assert browser.find_element(By.TAG_NAME, "html").get_attribute("lang") == "en"
    assert len(browser.find_elements(By.TAG_NAME, "h1")) == 1


@pytest.mark.parametrize("width", [360, 390])
def test_it_fits_a_phone(browser: webdriver.Chrome, page: str, width: int) -> None:
    with phone(browser, width):
        browser.get(f"{page}#/models/penguins")
        wait(browser, "values drifted")
        browser.find_element(By.ID, "column-0").click()
        wait(browser, "Distance of body_mass_g")
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
        for name in ("promote-2", "report-2"):
            reach = browser.execute_script(f"return document.getElementById('{name}').getBoundingClientRect().right")
            assert reach <= width
        canvases = browser.execute_script(
            "return [...document.querySelectorAll('canvas')].map(canvas => canvas.getBoundingClientRect())"
        )
        assert len(canvases) == 5
        assert all(
            canvas["left"] >= 0 and canvas["right"] <= width and canvas["width"] > width / 2 for canvas in canvases
        )
    assert complaints(browser) == []


def test_the_pictures_of_the_readme_can_be_taken(api: Any, browser: webdriver.Chrome, page: str) -> None:
    penguins_page.seed_for_pictures(api)
    browser.get(f"{page}#/models/penguins")
    wait(browser, "345 labelled rows")
    browser.find_element(By.ID, "column-0").click()
    wait(browser, "Distance of body_mass_g")
    keep_picture(browser, "dashboard", height=3200)
    assert "348 labels received: 345 used, 3 waiting for their predictions" in body(browser)
    with phone(browser, 390):
        browser.get(f"{page}#/models/penguins")
        browser.refresh()
        wait(browser, "345 labelled rows")
        keep_picture(browser, "dashboard-phone", height=1180)
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 390
    assert complaints(browser) == []


def test_charts_shrink_with_the_window(browser: webdriver.Chrome, page: str) -> None:
    browser.get(f"{page}#/models/penguins")
    wait(browser, "values drifted")
    browser.find_element(By.ID, "column-0").click()
    wait(browser, "Distance of body_mass_g")
    with phone(browser, 390):
        WebDriverWait(browser, 5).until(
            lambda driver: driver.execute_script("return document.documentElement.scrollWidth") <= 390
        )


def test_it_asks_nobody_but_its_own_proxy(browser: webdriver.Chrome, page: str) -> None:
    browser.get(f"{page}#/models/penguins")
    wait(browser, "values drifted")

    asked = browser.execute_script("return performance.getEntriesByType('resource').map(entry => entry.name)")
    origin = page.partition(PREFIX)[0]
    assert len(asked) > 7
    assert [address for address in asked if not address.startswith(f"{origin}/")] == []


def test_a_script_in_the_page_cannot_be_smuggled_in(browser: webdriver.Chrome, page: str) -> None:
    browser.get(page)
    wait(browser, "penguins")
    browser.execute_script(
        "const script = document.createElement('script'); script.textContent = 'window.smuggled = 1';"
        "document.body.append(script)"
    )

    assert browser.execute_script("return window.smuggled") is None
    assert any("Content Security Policy" in text for text in complaints(browser))


def test_a_model_that_is_not_there_is_told(browser: webdriver.Chrome, page: str) -> None:
    browser.get(f"{page}#/models/nobody")

    wait(browser, "nothing at /models/nobody")
