"""The page in a real browser: what it shows, what it changes, and that it keeps to itself."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

from infra.cli.client import Client
from infra.cli.proxy import Proxy, running
from infra.cli.target import find_stack
from infra.dashboard import PREFIX, pages
from modelloop import clock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(not CHROMIUM or not DRIVER, reason="there is no chromium with its driver")

STAMP = clock.later(clock.now(), minutes=-5)  # the page asks for older verdicts until it knows a day
MODEL = {
    "name": "penguins", "champion": 1, "challenger": 2, "weight": 10.0, "shadow": None, "previous": None, "pins": [],
    "frozen": False, "policy": "auto", "updated_at": STAMP, "action": "release", "who": "trainer", "why": "gate",
}  # fmt: skip
BINS = {"labels": ["below 3,300", "3,300", "3,800", "4,500", "missing"], "baseline": [50, 50, 50, 49, 1],
        "window": [560, 140, 100, 99, 1]}  # fmt: skip
COLUMN = {"psi": 0.01, "cdf_gap": 0.02, "p_value": 0.6, "threshold": 0.15, "missing": 0.0, "unseen": 0.0, "bins": BINS}
DRIFT = {
    "model": "penguins", "version": 1, "status": "drift", "rows": 900, "updated_at": STAMP,
    "window": {"from": clock.later(STAMP, minutes=-60), "to": STAMP},
    "reasons": ["body_mass_g: values drifted, distance 0.549 against a threshold of 0.150"],
    "columns": [COLUMN | {"name": "body_mass_g", "distance": 0.549, "drifted": True},
                COLUMN | {"name": "<b>island</b>", "distance": 0.03, "drifted": False},
                COLUMN | {"name": "flipper_mm", "distance": 0.02, "drifted": False, "bins": None}],
    "prediction": None,
}  # fmt: skip
LATENCY = {"p50": 0.8, "p99": 4.4}
ONE = {"requests": 76, "rows": 900, "errors": 3, "latency_ms": LATENCY}
SUMMARY = ONE | {"model": "penguins", "versions": [ONE | {"version": 1, "variants": {"champion": ONE}}]}
QUALITY = {
    "status": "ok", "rows": 200, "coverage": 0.22, "reasons": [],
    "metrics": {"accuracy": {"value": 0.97, "low": 0.94, "high": 0.99, "holdout": {"value": 0.98}}},
}  # fmt: skip
TIMES = [clock.later(STAMP, minutes=minute - 60) for minute in range(0, 65, 5)]
HISTORY = [
    {"updated_at": at, "version": 1, "status": "drift" if turn > 9 else "ok", "rows": 900,
     "drifted": ["body_mass_g"] if turn > 9 else [],
     "worst": {"name": "body_mass_g", "distance": 0.03 + 0.045 * turn, "threshold": 0.15},
     "column": {"name": "body_mass_g", "distance": 0.03 + 0.045 * turn, "threshold": 0.15, "drifted": turn > 9}}
    for turn, at in enumerate(TIMES)
][::-1]  # fmt: skip
PAST_QUALITY = [
    {"updated_at": at, "version": 1, "status": "ok", "rows": 200, "coverage": 0.22,
     "metrics": {"accuracy": {"value": 0.98 - 0.001 * turn, "low": 0.95, "high": 0.99, "holdout": {"value": 0.98}}}}
    for turn, at in enumerate(TIMES)
][::-1]  # fmt: skip
FLIPPERS = {
    "name": "flipper_mm", "distance": 0.02, "threshold": 0.15, "rows": {"baseline": 275, "window": 900},
    "mean": {"baseline": 200.9, "window": 201.5},
    "bins": {"labels": ["≤ 190", "≤ 200", "> 200"], "baseline": [90, 95, 90], "window": [300, 310, 290]},
}  # fmt: skip
VERSIONS = [
    {"version": 2, "role": "challenger", "family": "linear", "decision": "release", "created_at": STAMP,
     "metrics": {"log_loss": {"value": 0.09}}, "reasons": ["not worse than the champion"]},
    {"version": 1, "role": "champion", "family": "linear", "decision": "release", "created_at": STAMP,
     "metrics": {"log_loss": {"value": 0.11}}, "reasons": []},
]  # fmt: skip
RUN = {"run_id": "r-2", "state": "RUNNING", "stage": "fitting", "percent": 40, "cause": "upload", "reason": None,
       "created_at": STAMP}  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for word in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1100,1400"):
        options.add_argument(word)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(executable_path=DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def page(api: Any, browser: webdriver.Chrome, stack_file: Path) -> Iterator[str]:  # noqa: ARG001  names the stack
    seed(api)
    log(browser)
    with Client(find_stack()) as client, running(Proxy(client, 0, pages())) as proxy:
        yield proxy.url + PREFIX
        browser.get("about:blank")


def seed(api: Any) -> None:
    model = dict(MODEL)

    def promote(asked: Any) -> tuple[int, Any]:
        model.update(champion=asked.json["version"], challenger=None, weight=0.0, previous=1, action="promote")
        return 200, {"model": "penguins"}

    api.on("GET /models", lambda _: (200, {"models": [model], "next": None}))
    api.on("GET /models/penguins", lambda _: (200, model))
    api.on("GET /models/penguins/versions", (200, {"versions": VERSIONS}))
    api.on("GET /models/penguins/runs", (200, {"runs": [RUN]}))
    api.on("GET /models/penguins/drift", drift)
    api.on("GET /models/penguins/quality", (200, QUALITY | {"history": PAST_QUALITY, "next": None}))
    api.on("GET /models/penguins/summary", (200, SUMMARY))
    api.on("GET /models/penguins/audit", (200, {"audit": []}))
    api.on("POST /models/penguins/promote", promote)
    api.on("POST /models/penguins/freeze", (409, {"error": "somebody else was first"}))


def drift(asked: Any) -> tuple[int, Any]:
    """Answer the verdict with eight older ones a page, and a column's detail when it is asked for."""
    name, start = asked.query.get("column"), int(asked.query.get("next", 0))
    if name == "<b>island</b>":
        return 503, {"error": "the bucket is busy"}
    found = {"body_mass_g": COLUMN | FLIPPERS | {"name": name, "bins": BINS}, "flipper_mm": FLIPPERS}
    end = len(HISTORY) if name else start + 8
    more = str(end) if end < len(HISTORY) else None
    return 200, DRIFT | {"history": HISTORY[start:end], "next": more} | ({"column": found[name]} if name else {})


def wait(browser: webdriver.Chrome, text: str) -> None:
    WebDriverWait(browser, 20, poll_frequency=0.05).until(lambda driver: text in body(driver), f"{text!r} is not shown")


def body(browser: webdriver.Chrome) -> str:
    return str(browser.find_element(By.TAG_NAME, "body").text)


def attribute(browser: webdriver.Chrome, name: str, wanted: str) -> str | None:
    return browser.find_element(By.ID, name).get_attribute(wanted)


def confirm(browser: webdriver.Chrome, button: str, reason: str) -> None:
    browser.find_element(By.ID, button).click()
    browser.switch_to.active_element.send_keys(reason)
    browser.find_element(By.ID, "confirm-go").click()


def complaints(browser: webdriver.Chrome) -> list[str]:
    return [entry["message"] for entry in log(browser) if entry["level"] in {"SEVERE", "WARNING"}]


def log(browser: Any) -> list[dict[str, Any]]:
    """Take what the console holds."""
    found: list[dict[str, Any]] = browser.get_log("browser")
    return found


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
    assert attribute(browser, "column-body_mass_g", "aria-expanded") == "false"
    browser.find_element(By.ID, "column-body_mass_g").click()
    wait(browser, "Distance of body_mass_g")
    assert attribute(browser, "column-body_mass_g", "aria-expanded") == "true"
    assert browser.switch_to.active_element.get_attribute("id") == "column-body_mass_g"
    assert len(browser.find_elements(By.CSS_SELECTOR, "#column-body_mass_g-detail rect.live")) == 5
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
    browser.find_element(By.ID, "column-body_mass_g").click()
    wait(browser, "Distance of body_mass_g")
    rows = "[aria-label^='Most shifted'][role=region] tbody tr"
    assert [bool(row.text) for row in browser.find_elements(By.CSS_SELECTOR, rows)] == [True] * len(HISTORY)
    assert complaints(browser) == []


def test_every_chart_has_its_figures_as_a_table(browser: webdriver.Chrome, page: str) -> None:
    browser.get(f"{page}#/models/penguins")
    wait(browser, "Quality over time")
    browser.find_element(By.ID, "column-body_mass_g").click()
    wait(browser, "Distance of body_mass_g")

    charts = browser.find_elements(By.CSS_SELECTOR, "svg.chart")
    assert len(charts) == 5
    for chart in charts:
        assert chart.accessible_name
        assert chart.find_elements(By.XPATH, "..//details//tbody/tr")


def test_a_column_beyond_the_twenty_worst_is_drawn_when_it_is_opened(browser: webdriver.Chrome, page: str) -> None:
    browser.get(f"{page}#/models/penguins")
    wait(browser, "flipper_mm")
    browser.find_element(By.ID, "column-flipper_mm").click()

    wait(browser, "275 in training, 900 live")
    wait(browser, "200.9 in training, 201.5 live")
    kinds = [len(browser.find_elements(By.CSS_SELECTOR, f"#column-flipper_mm-detail rect.{kind}"))
             for kind in ("baseline", "live")]  # fmt: skip
    assert kinds == [3, 3]


def test_a_column_that_cannot_be_told_says_why_and_the_page_stays(browser: webdriver.Chrome, page: str) -> None:
    browser.get(f"{page}#/models/penguins")
    wait(browser, "<b>island</b>")
    browser.find_element(By.ID, "column-<b>island</b>").click()

    wait(browser, "the bucket is busy")
    assert "What serves" in body(browser)


def test_a_promotion_needs_a_reason_and_is_seen(api: Any, browser: webdriver.Chrome, page: str) -> None:
    browser.get(f"{page}#/models/penguins")
    wait(browser, "version 2, 10 % of requests")
    browser.find_element(By.ID, "promote-2").click()
    browser.find_element(By.ID, "confirm-go").click()
    assert [asked for asked in api.asked if asked.method == "POST"] == []
    browser.switch_to.active_element.send_keys("better on the new birds")
    browser.find_element(By.ID, "confirm-go").click()

    wait(browser, "promote by trainer")

    sent = [asked for asked in api.asked if asked.method == "POST"]
    assert [(asked.path, asked.json) for asked in sent] == [
        ("/models/penguins/promote", {"version": 2, "reason": "better on the new birds"})
    ]
    assert sent[0].headers["authorization"].startswith("AWS4-HMAC-SHA256")
    assert complaints(browser) == []


def test_a_version_that_waits_can_be_approved(api: Any, browser: webdriver.Chrome, page: str) -> None:
    waiting = VERSIONS[0] | {"role": None, "status": "waiting", "gate": {"decision": "approve", "reasons": ["78 rows"]}}
    api.on("GET /models/penguins/versions", (200, {"versions": [waiting, VERSIONS[1]]}))
    api.on("POST /models/penguins/approve", (200, {"model": "penguins"}))
    browser.get(f"{page}#/models/penguins")
    wait(browser, "approve: 78 rows")
    confirm(browser, "approve-2", "looked at the report")

    WebDriverWait(browser, 10).until(lambda _: any(asked.method == "POST" for asked in api.asked))
    assert [asked.json for asked in api.asked if asked.method == "POST"] == [
        {"version": 2, "reason": "looked at the report"}
    ]


def test_a_refusal_is_told_in_the_dialog_which_escape_closes(browser: webdriver.Chrome, page: str) -> None:
    browser.get(f"{page}#/models/penguins")
    wait(browser, "Freeze…")
    confirm(browser, "freeze", "holiday")
    wait(browser, "somebody else was first")
    dialog = browser.find_element(By.ID, "confirm")
    assert dialog.is_displayed()

    browser.switch_to.active_element.send_keys(Keys.ESCAPE)

    WebDriverWait(browser, 5).until(lambda _: not dialog.is_displayed())


def test_it_works_by_keyboard_alone(browser: webdriver.Chrome, page: str) -> None:
    browser.get(page)
    wait(browser, "penguins")
    browser.find_element(By.LINK_TEXT, "penguins").send_keys(Keys.ENTER)
    wait(browser, "What serves")
    WebDriverWait(browser, 5).until(lambda driver: driver.switch_to.active_element.get_attribute("id") == "main")
    browser.find_element(By.ID, "column-body_mass_g").send_keys(Keys.SPACE)

    wait(browser, "Distance of body_mass_g")
    assert browser.find_element(By.ID, "column-body_mass_g-detail").is_displayed()


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
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_it_asks_nobody_but_its_own_proxy(browser: webdriver.Chrome, page: str) -> None:
    browser.get(f"{page}#/models/penguins")
    wait(browser, "values drifted")

    asked = browser.execute_script("return performance.getEntriesByType('resource').map(entry => entry.name)")
    origin = page.removesuffix(PREFIX)
    assert len(asked) > 10
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


def keep_picture(browser: webdriver.Chrome, name: str) -> None:
    """Save a picture of the page where MODELLOOP_PICTURES says, for the README."""
    if folder := os.environ.get("MODELLOOP_PICTURES"):
        browser.save_screenshot(f"{folder}/{name}.png")
