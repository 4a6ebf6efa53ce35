"""The page in a real browser: a headless Chromium of its own, what it shows, and what it complains about."""

from __future__ import annotations

import base64
import os
import shutil
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
PATIENCE = 60.0  # seconds for what a page shows in one or two, so that a busy machine is no fault


@contextmanager
def opened(*options_of_chromium: str) -> Iterator[webdriver.Chrome]:
    """Open a browser for the block, with some options of Chromium's besides the usual ones."""
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for word in (
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--window-size=1100,1400",
        *options_of_chromium,
    ):
        options.add_argument(word)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(executable_path=DRIVER))
    try:
        yield driver
    finally:
        driver.quit()


def wait(browser: webdriver.Chrome, text: str) -> None:
    WebDriverWait(browser, PATIENCE, poll_frequency=0.05).until(
        lambda driver: text in body(driver), f"{text!r} is not shown"
    )


def wait_until(come_true: Callable[[], bool]) -> None:
    """Wait until something is true that no page shows."""
    end = time.monotonic() + PATIENCE
    while not come_true():
        assert time.monotonic() < end
        time.sleep(0.05)


def announced(browser: webdriver.Chrome) -> str:
    """Return what the live region says."""
    return str(browser.find_element(By.ID, "announcer").get_attribute("textContent"))


def body(browser: webdriver.Chrome) -> str:
    return str(browser.find_element(By.TAG_NAME, "body").text)


def attributes(browser: webdriver.Chrome, selector: str, wanted: str) -> list[str | None]:
    """Return one attribute of all elements that a selector finds, at one moment."""
    values: list[str | None] = browser.execute_script(
        "return [...document.querySelectorAll(arguments[0])].map(one => one.getAttribute(arguments[1]))",
        selector,
        wanted,
    )
    return values


def attribute(browser: webdriver.Chrome, name: str, wanted: str) -> str | None:
    return browser.find_element(By.ID, name).get_attribute(wanted)


def click(browser: webdriver.Chrome, button: str) -> None:
    """Click a button, once; one that the page draws anew between finding and clicking it is looked for again."""

    def is_clicked(driver: webdriver.Chrome) -> bool:
        driver.find_element(By.ID, button).click()
        return True

    WebDriverWait(browser, PATIENCE, 0.05, [StaleElementReferenceException]).until(is_clicked)


def confirm(browser: webdriver.Chrome, button: str, reason: str) -> None:
    click(browser, button)
    browser.switch_to.active_element.send_keys(reason)
    click(browser, "confirm-go")


def drawing(browser: webdriver.Chrome, canvas: str) -> dict[str, Any]:
    """Return what Chart.js drew on a canvas, given by its selector.

    `labels` and `datasets`, a list of label and data; `ticks` of the x axis as shown; `painted`, the share of pixels
    that are not blank; `ink`, the colour of the axis labels.
    """
    drawn: dict[str, Any] = browser.execute_script(
        """
        const canvas = document.querySelector(arguments[0]), chart = Chart.getChart(canvas);
        const { labels, datasets } = chart.data;
        const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
        copy.drawImage(canvas, 0, 0);
        const pixels = copy.getImageData(0, 0, canvas.width, canvas.height).data;
        const painted = pixels.filter((value, at) => at % 4 === 3 && value > 0).length / (pixels.length / 4);
        return { labels, painted, datasets: datasets.map(({ label, data }) => [label, data]),
                 ticks: chart.scales.x.ticks.map((tick) => tick.label), ink: chart.scales.x.options.ticks.color };
        """,
        canvas,
    )
    return drawn


def table_of(browser: webdriver.Chrome, place: str) -> list[list[str]]:
    """Return the cells of the table inside an element, given by its selector; also of one that is folded away."""
    cells: list[list[str]] = browser.execute_script(
        "return [...document.querySelectorAll(`${arguments[0]} tbody tr`)]"
        ".map(row => [...row.cells].map(cell => cell.textContent))",
        place,
    )
    return cells


@contextmanager
def phone(browser: webdriver.Chrome, width: int) -> Iterator[None]:
    """Show the page as a phone of this width does, in CSS pixels, during the block."""
    metrics = {"width": width, "height": 740, "deviceScaleFactor": 2, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        yield
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@contextmanager
def scheme(browser: webdriver.Chrome, name: str) -> Iterator[None]:
    """Prefer `dark` or `light` colours during the block."""
    feature = {"name": "prefers-color-scheme", "value": name}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    try:
        yield
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def complaints(browser: webdriver.Chrome) -> list[str]:
    return [entry["message"] for entry in log(browser) if entry["level"] in {"SEVERE", "WARNING"}]


def log(browser: Any) -> list[dict[str, Any]]:
    """Take what the console holds."""
    found: list[dict[str, Any]] = browser.get_log("browser")
    return found


def keep_picture(browser: webdriver.Chrome, name: str, *, height: int) -> None:
    """Save a picture of the page's upper `height` CSS pixels, for the README, where MODELLOOP_PICTURES says."""
    if folder := os.environ.get("MODELLOOP_PICTURES"):
        browser.execute_script("scrollTo(0, 0)")
        size = browser.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], height), "scale": 1}
        picture = browser.execute_cdp_cmd("Page.captureScreenshot", {"clip": clip, "captureBeyondViewport": True})
        Path(folder, f"{name}.png").write_bytes(base64.b64decode(picture["data"]))
