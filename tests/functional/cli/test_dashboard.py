"""The page in a real browser: what it shows, and that it keeps to itself."""

from __future__ import annotations

from typing import Any

import pytest
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

from modelloop_cli.dashboard import PREFIX
from tests.support.browser import CHROMIUM, DRIVER, attribute, body, complaints, keep_picture, wait
from tests.support.penguins_page import COLUMN, DRIFT, HISTORY, MODEL, QUALITY, RUN, SUMMARY

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
    assert "fitting" in shown
    assert "<b>island</b>" in shown
    assert browser.find_elements(By.CSS_SELECTOR, "main b") == []
    assert attribute(browser, "column-0", "aria-expanded") == "false"
    browser.find_element(By.ID, "column-0").click()
    wait(browser, "Distance of body_mass_g")
    assert attribute(browser, "column-0", "aria-expanded") == "true"
    assert browser.switch_to.active_element.get_attribute("id") == "column-0"
    assert len(browser.find_elements(By.CSS_SELECTOR, "#column-0-detail rect.live")) == 5
    assert browser.title == "penguins · Modelloop"
    assert complaints(browser) == []
    keep_picture(browser, "dashboard")


def test_quality_and_drift_are_shown_over_time_with_the_figures_as_text(browser: webdriver.Chrome, page: str) -> None:
    browser.get(f"{page}#/models/penguins")
    wait(browser, "Quality over time")

    told = {chart.accessible_name for chart in browser.find_elements(By.CSS_SELECTOR, "svg.trend")}
    assert any(
        text.startswith("accuracy: 0.968 now against a holdout of 0.98, between 0.968 and 0.98") for text in told
    )
    moved = "Most shifted column, distance in thresholds: 3.8 now against a threshold of 1"
    assert any(text.startswith(moved) and "3 of 8 verdicts with an alarm" in text for text in told)
    assert len(browser.find_elements(By.CSS_SELECTOR, "polygon.band")) == 1
    assert len(browser.find_elements(By.CSS_SELECTOR, "circle.alarm")) == 3
    browser.find_element(By.ID, "figures-drift-trend").send_keys(Keys.ENTER)
    wait(browser, "Most shifted column, distance in thresholds, newest first")
    # an older page of verdicts comes with the next refresh, and what was unfolded stays so
    browser.find_element(By.ID, "column-0").click()
    wait(browser, "Distance of body_mass_g")
    rows = "[role=group][aria-label^='Most shifted'] tbody tr"
    assert [bool(row.text) for row in browser.find_elements(By.CSS_SELECTOR, rows)] == [True] * len(HISTORY)
    assert complaints(browser) == []


def test_every_chart_has_its_figures_as_a_table(browser: webdriver.Chrome, page: str) -> None:
    browser.get(f"{page}#/models/penguins")
    wait(browser, "Quality over time")
    browser.find_element(By.ID, "column-0").click()
    wait(browser, "Distance of body_mass_g")

    charts = browser.find_elements(By.CSS_SELECTOR, "svg.chart")
    assert len(charts) == 5
    for chart in charts:
        assert chart.accessible_name
        assert chart.find_elements(By.XPATH, "..//details//tbody/tr")


def test_a_column_beyond_the_twenty_worst_is_drawn_when_it_is_opened(browser: webdriver.Chrome, page: str) -> None:
    browser.get(f"{page}#/models/penguins")
    wait(browser, "flipper_mm")
    browser.find_element(By.ID, "column-2").click()

    wait(browser, "275 in training, 900 live")
    wait(browser, "200.9 in training, 201.5 live")
    kinds = [len(browser.find_elements(By.CSS_SELECTOR, f"#column-2-detail rect.{kind}"))
             for kind in ("baseline", "live")]  # fmt: skip
    assert kinds == [3, 3]


def test_a_column_that_cannot_be_told_says_why_and_the_page_stays(browser: webdriver.Chrome, page: str) -> None:
    browser.get(f"{page}#/models/penguins")
    wait(browser, "<b>island</b>")
    browser.find_element(By.ID, "column-1").click()

    wait(browser, "the bucket is busy")
    assert "What serves" in body(browser)


def test_bars_are_shares_of_their_own_table(browser: webdriver.Chrome, page: str) -> None:
    browser.get(f"{page}#/models/penguins")
    wait(browser, "values drifted")
    browser.find_element(By.ID, "column-0").click()
    wait(browser, "Distance of body_mass_g")

    drawn = browser.find_elements(By.CSS_SELECTOR, "#column-0-detail rect")
    told = [bar.find_element(By.TAG_NAME, "title").get_attribute("textContent") for bar in drawn]
    assert told[:4] == ["below 3,300: 25 % in training", "below 3,300: 62 % live",
                        "3,300: 25 % in training", "3,300: 16 % live"]  # fmt: skip
    heights = [float(bar.get_attribute("height") or 0) for bar in drawn]
    assert heights[1] / heights[0] == pytest.approx(560 / 900 / 0.25, rel=0.01)
    assert browser.find_elements(By.CSS_SELECTOR, "#column-0-detail svg text")[2].text == "62 %"


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
    wait(browser, labels[0])

    texts = "return [...document.querySelectorAll('#column-0-detail svg text')].map((text) => text.textContent)"
    drawn = browser.execute_script(texts)[3:]  # in one step: a refresh may redraw them
    assert len(drawn) >= 10
    assert set(drawn) <= set(labels)


def test_the_list_says_whether_anything_is_wrong(api: Any, browser: webdriver.Chrome, page: str) -> None:
    calm = MODEL | {"name": "calm", "drift": {"status": "ok", "drifted": 0}, "run": None}
    watched = calm | {"name": "watched", "drift": {"status": "ok", "drifted": 2}}
    failed = calm | {"name": "failed", "run": {"run_id": "r", "state": "FAILED"}, "drift": None, "quality": None}
    api.on("GET /models", (200, {"models": [calm, watched, failed, MODEL], "next": None}))
    browser.get(page)
    wait(browser, "2 of 4 models have an alarm or a failed run: failed, penguins")

    rows = [row.text.split("\n")[0] for row in browser.find_elements(By.CSS_SELECTOR, "tbody tr")]
    assert [row.split()[:4] for row in rows[:2]] == [["calm", "ok", "ok", NONE], ["watched", "watch", "ok", NONE]]
    assert rows[2].split()[:4] == ["failed", NONE, NONE, "FAILED"]
    assert rows[3].split()[:7] == ["penguins", "drift", "ok", "RUNNING", "fitting,", "40", "%"]
    api.on("GET /models", (200, {"models": [calm, watched], "next": None}))
    browser.refresh()
    wait(browser, "No model has an alarm or a failed run")


def test_quality_is_told_with_its_estimate_labels_and_slices(browser: webdriver.Chrome, page: str) -> None:
    browser.get(f"{page}#/models/penguins")
    wait(browser, "accuracy 0.961, 0.952 to 0.973, from 900 rows")

    shown = body(browser)
    assert "212 came back: 200 matured and judged, 7 pending, 3 unknown, 2 repeated" in shown
    browser.find_element(By.ID, "figures-slices").click()
    wait(browser, "sex = female")
    assert "0.912" in body(browser)


def test_cost_pins_and_the_judges_findings_are_shown(api: Any, browser: webdriver.Chrome, page: str) -> None:
    api.on("GET /models/penguins", (200, MODEL | {"pins": [1, 2]}))
    browser.get(f"{page}#/models/penguins")
    wait(browser, "0.00412 per 1,000 predictions, 0.000313 in all (US dollars")

    shown = body(browser)
    assert "version 1, version 2" in shown
    assert "canary: hold" in shown
    assert "not sure yet" in shown
    browser.find_element(By.ID, "figures-judge-canary").click()
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
    wait(browser, "Nothing serves: the newest run was failed: the target has one class")

    assert "No traffic was counted" in body(browser)
    for name in ("freeze", "retrain", "rollback"):
        assert browser.find_elements(By.ID, name) == []
    assert browser.find_elements(By.CSS_SELECTOR, "svg.chart") == []
    assert complaints(browser) == []


def test_no_model_yet_says_how_to_make_one(api: Any, browser: webdriver.Chrome, page: str) -> None:
    api.on("GET /models", (200, {"models": [], "next": None}))
    browser.get(page)
    wait(browser, "modelloop train table.csv --model NAME")


def test_it_works_by_keyboard_alone(browser: webdriver.Chrome, page: str) -> None:
    browser.get(page)
    wait(browser, "penguins")
    browser.find_element(By.LINK_TEXT, "penguins").send_keys(Keys.ENTER)
    wait(browser, "What serves")
    patience = WebDriverWait(browser, 5, ignored_exceptions=[StaleElementReferenceException])  # a refresh redraws it
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


def test_it_fits_a_phone(browser: webdriver.Chrome, page: str) -> None:
    phone = {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    try:
        browser.get(f"{page}#/models/penguins")
        wait(browser, "values drifted")
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 360
        keep_picture(browser, "dashboard-phone")
        for name in ("promote-2", "report-2"):
            reach = browser.execute_script(f"return document.getElementById('{name}').getBoundingClientRect().right")
            assert reach <= 360
        labels = browser.execute_script(
            "return [...document.querySelectorAll('svg.chart')].flatMap(chart => [...chart.querySelectorAll('text')]"
            ".map(text => text.getBoundingClientRect().left - chart.getBoundingClientRect().left))"
        )
        assert min(labels) >= 0
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_it_asks_nobody_but_its_own_proxy(browser: webdriver.Chrome, page: str) -> None:
    browser.get(f"{page}#/models/penguins")
    wait(browser, "values drifted")

    asked = browser.execute_script("return performance.getEntriesByType('resource').map(entry => entry.name)")
    origin = page.removesuffix(PREFIX)
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
