"""The page in a real browser: what its buttons change, and how it asks before."""

from __future__ import annotations

from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

from tests.support.browser import (
    CHROMIUM,
    DRIVER,
    announced,
    attribute,
    attributes,
    body,
    click,
    complaints,
    confirm,
    wait,
    wait_until,
)
from tests.support.penguins_page import MODEL, SUMMARY, VERSIONS

pytestmark = pytest.mark.skipif(not CHROMIUM or not DRIVER, reason="there is no chromium with its driver")


def test_a_promotion_needs_a_reason_and_is_seen(api: Any, browser: webdriver.Chrome, page: str) -> None:
    browser.get(f"{page}#/models/penguins")
    wait(browser, "version 2, 10 % of requests")
    browser.find_element(By.ID, "promote-2").click()
    click(browser, "confirm-go")
    assert [asked for asked in api.asked if asked.method == "POST"] == []
    browser.switch_to.active_element.send_keys("better on the new birds")
    click(browser, "confirm-go")

    wait(browser, "promote by trainer")
    assert not browser.find_element(By.ID, "confirm").is_displayed()
    assert announced(browser) == "Promote version 2: done"

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
    wait(browser, "needs approval: 78 rows")
    confirm(browser, "approve-2", "looked at the report")

    WebDriverWait(browser, 10).until(lambda _: any(asked.method == "POST" for asked in api.asked))
    assert [asked.json for asked in api.asked if asked.method == "POST"] == [
        {"version": 2, "reason": "looked at the report"}
    ]


def test_what_waits_stands_near_the_top_with_its_buttons(api: Any, browser: webdriver.Chrome, page: str) -> None:
    waiting = VERSIONS[0] | {"role": None, "status": "waiting", "gate": {"decision": "approve", "reasons": ["78 rows"]}}
    api.on("GET /models/penguins/versions", (200, {"versions": [waiting, VERSIONS[1]]}))
    api.on("POST /models/penguins/reject", (200, {"model": "penguins"}))
    browser.get(f"{page}#/models/penguins")
    wait(browser, "version 2 needs approval")

    cards = attributes(browser, "section.card", "aria-label")
    assert cards.index("Now") < cards.index("Serving")
    assert "approve: 78 rows" not in body(browser)
    confirm(browser, "now-reject-2", "not yet")
    wait_until(lambda: any(asked.path == "/models/penguins/reject" for asked in api.asked))


def test_captured_lines_that_could_not_be_read_ask_for_a_look(api: Any, browser: webdriver.Chrome, page: str) -> None:
    put_aside = {"not_json": 2, "unknown_version": 1_200}
    api.on("GET /models/penguins/summary", (200, SUMMARY | {"quarantined": put_aside}))
    browser.get(f"{page}#/models/penguins")
    wait(
        browser,
        "could not be read: not json 2, unknown version 1,200. List them with modelloop quarantine --model penguins",
    )


def test_a_reason_is_asked_for_anew_and_blanks_are_none(api: Any, browser: webdriver.Chrome, page: str) -> None:
    browser.get(f"{page}#/models/penguins")
    wait(browser, "Freeze…")
    confirm(browser, "freeze", "   ")
    wait(browser, "Enter a reason")
    assert [asked for asked in api.asked if asked.method == "POST"] == []
    browser.find_element(By.ID, "confirm-reason").send_keys("holiday")
    click(browser, "confirm-cancel")
    click(browser, "retrain")

    assert attribute(browser, "confirm-reason", "value") == ""
    assert "Enter a reason" not in body(browser)
    click(browser, "confirm-cancel")


def test_buttons_say_what_can_be_done(api: Any, browser: webdriver.Chrome, page: str) -> None:
    browser.get(f"{page}#/models/penguins")
    wait(browser, "Freeze…")
    assert not browser.find_element(By.ID, "rollback").is_enabled()
    assert not browser.find_element(By.ID, "promote-1").is_enabled()
    api.on("GET /models/penguins", (200, MODEL | {"previous": 7, "frozen": True}))
    api.on("GET /models/penguins/versions/7", (200, VERSIONS[1] | {"version": 7, "role": "previous"}))
    api.on("POST /models/penguins/freeze", (200, {"model": "penguins"}))

    wait(browser, "Unfreeze…")
    assert browser.find_element(By.ID, "rollback").is_enabled()
    confirm(browser, "freeze", "back from the holiday")
    wait_until(lambda: any(asked.method == "POST" for asked in api.asked))
    assert [asked.json for asked in api.asked if asked.method == "POST"] == [
        {"on": False, "reason": "back from the holiday"}
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
