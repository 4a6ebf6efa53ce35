"""The page in a real browser: a headless Chromium of its own, what it shows, and what it complains about."""

from __future__ import annotations

import os
import shutil
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")


@contextmanager
def opened() -> Iterator[webdriver.Chrome]:
    """Open a browser for the block."""
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for word in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1100,1400"):
        options.add_argument(word)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(executable_path=DRIVER))
    try:
        yield driver
    finally:
        driver.quit()


def wait(browser: webdriver.Chrome, text: str) -> None:
    WebDriverWait(browser, 20, poll_frequency=0.05).until(lambda driver: text in body(driver), f"{text!r} is not shown")


def wait_until(come_true: Callable[[], bool]) -> None:
    """Wait until something is true that no page shows."""
    end = time.monotonic() + 20
    while not come_true():
        assert time.monotonic() < end
        time.sleep(0.05)


def announced(browser: webdriver.Chrome) -> str:
    """Return what the live region says."""
    return str(browser.find_element(By.ID, "announcer").get_attribute("textContent"))


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


def keep_picture(browser: webdriver.Chrome, name: str) -> None:
    """Save a picture of the page where MODELLOOP_PICTURES says, for the README."""
    if folder := os.environ.get("MODELLOOP_PICTURES"):
        browser.save_screenshot(f"{folder}/{name}.png")
