"""The page in a real browser: how it stays fresh, what it keeps, and what it says when a part cannot be had."""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING, Any

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.support.browser import CHROMIUM, DRIVER, announced, body, complaints, wait, wait_until
from tests.support.penguins_page import COLUMN, DRIFT, MODEL, QUALITY, RUN, STAMP, VERSIONS

if TYPE_CHECKING:
    from selenium import webdriver

pytestmark = pytest.mark.skipif(not CHROMIUM or not DRIVER, reason="there is no chromium with its driver")

MANY = [VERSIONS[1] | {"version": number, "role": None, "status": "cleared"} for number in range(60, 0, -1)]


def count(api: Any, path: str) -> int:
    return sum(asked.path == path for asked in api.asked)


def let_pass(browser: webdriver.Chrome, milliseconds: int) -> None:
    """Wait by the page's own timer: whatever timer of it was due before has run by then, on a busy machine too."""
    browser.execute_async_script("setTimeout(arguments[1], arguments[0])", milliseconds)


def page_of(items: list[Any], field: str, asked: Any) -> tuple[int, Any]:
    start, limit = int(asked.query.get("next", 0)), int(asked.query["limit"])
    end = start + limit
    return 200, {field: items[start:end], "next": str(end) if end < len(items) else None}


def test_a_slow_answer_about_a_model_that_was_left_is_not_shown(api: Any, browser: webdriver.Chrome, page: str) -> None:
    asked, shown = Event(), Event()

    def slow(_: Any) -> tuple[int, Any]:
        asked.set()
        shown.wait(60)
        return 200, MODEL | {"name": "slow"}

    api.on("GET /models/slow", slow)
    for topic, field in (("versions", "versions"), ("runs", "runs"), ("audit", "audit")):
        api.on(f"GET /models/slow/{topic}", (200, {field: []}))
    api.on("GET /models/slow/drift", (200, DRIFT))
    api.on("GET /models/slow/quality", (200, QUALITY))
    browser.get(f"{page}#/models/slow")
    assert asked.wait(60)
    browser.execute_script("location.hash = '#/models/penguins'")
    wait(browser, "values drifted")
    shown.set()

    wait_until(lambda: count(api, "/models/slow/summary") > 0)
    let_pass(browser, 300)
    assert browser.find_element(By.TAG_NAME, "h1").text.startswith("penguins")


def test_one_part_that_fails_keeps_its_last_figures_and_leaves_the_others(
    api: Any, browser: webdriver.Chrome, page: str
) -> None:
    browser.get(f"{page}#/models/penguins")
    wait(browser, "0.94 to 0.99")
    browser.execute_script(
        "window.alerts = 0; new MutationObserver(all => all.forEach(one => one.addedNodes.forEach(node => {"
        "if (node.querySelector?.('[role=alert]')) window.alerts += 1; }))).observe(document.getElementById('main'),"
        "{childList: true, subtree: true})"
    )
    judged = MODEL | {"quality": {"status": "ok", "updated_at": "2030-01-01T00:00:00.000Z"}}
    api.on("GET /models/penguins/quality", (503, {"error": "the table is slow"}))
    api.on("GET /models/penguins", (200, judged))
    wait(browser, "Loading it again failed: the table is slow")

    assert "0.94 to 0.99" in body(browser)
    assert "values drifted" in body(browser)
    assert announced(browser) == "quality could not be loaded: the table is slow"
    asked = count(api, "/models/penguins/quality")
    wait_until(lambda: count(api, "/models/penguins/quality") >= asked + 2)
    assert browser.execute_script("return window.alerts") == 0
    api.on("GET /models/penguins/quality", (200, QUALITY | {"rows": 201, "history": [], "next": None}))
    wait(browser, "201 labelled rows")
    assert "Loading it again failed" not in browser.find_element(By.TAG_NAME, "main").text


def test_a_part_that_was_never_had_says_so_and_the_rest_is_shown(
    api: Any, browser: webdriver.Chrome, page: str
) -> None:
    api.on("GET /models/penguins/audit", (503, {"error": "the table is slow"}))
    browser.get(f"{page}#/models/penguins")

    wait(browser, "It could not be loaded: the table is slow")
    assert "values drifted" in body(browser)


def test_a_refresh_asks_for_what_changed_and_nothing_when_nobody_looks(
    api: Any, browser: webdriver.Chrome, page: str
) -> None:
    browser.get(f"{page}#/models/penguins")
    wait(browser, "Quality over time")
    wait_until(lambda: count(api, "/models/penguins") >= 3)  # an older page of verdicts comes with the second one
    before = len(api.asked)
    seen = count(api, "/models/penguins")
    wait_until(lambda: count(api, "/models/penguins") >= seen + 2)
    assert {asked.path for asked in api.asked[before:]} == {"/models/penguins"}

    asked, hidden = Event(), Event()

    def slow(_: Any) -> tuple[int, Any]:
        asked.set()
        hidden.wait(60)
        return 200, MODEL

    api.on("GET /models/penguins", slow)
    assert asked.wait(60)
    browser.execute_script(
        "Object.defineProperty(document, 'hidden', {value: true, configurable: true});"
        "document.dispatchEvent(new Event('visibilitychange'))"
    )
    hidden.set()  # an answer on its way does not begin it all anew
    let_pass(browser, 500)
    before = len(api.asked)
    let_pass(browser, 2600)  # more than the time between two refreshes
    assert len(api.asked) == before
    browser.execute_script("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    wait_until(lambda: len(api.asked) > before)


def test_the_end_of_a_run_is_announced(api: Any, browser: webdriver.Chrome, page: str) -> None:
    browser.get(f"{page}#/models/penguins")
    wait(browser, "Quality over time")
    done: dict[str, Any] = {"state": "SUCCEEDED", "updated_at": "2030-01-01T00:00:00.000Z"}
    api.on("GET /models/penguins/runs", (200, {"runs": [RUN | done], "next": None}))
    api.on("GET /models/penguins", (200, MODEL | {"run": MODEL["run"] | done}))  # type: ignore[operator]

    wait(browser, "succeeded")
    assert announced(browser) == "penguins, run started by upload: succeeded"


def test_focus_and_place_outlive_a_redraw(api: Any, browser: webdriver.Chrome, page: str) -> None:
    browser.set_window_size(420, 900)
    try:
        browser.get(f"{page}#/models/penguins")
        wait(browser, "Quality over time")
        box = "document.querySelector('[aria-label^=\"By version\"]')"
        browser.execute_script(f"{box}.scrollLeft = 60; {box}.focus({{preventScroll: true}}); scrollTo(0, 700)")
        assert browser.execute_script(f"return {box}.scrollLeft") == 60
        api.on("GET /models/penguins", (200, MODEL | {"why": "another reason"}))
        wait(browser, "another reason")

        kept = browser.execute_script(f"return [{box}.scrollLeft, scrollY, document.activeElement === {box}]")
        assert kept == [60, 700, True]
        browser.find_element(By.LINK_TEXT, "All models").send_keys("")
        api.on("GET /models/penguins", (200, MODEL | {"why": "a third reason"}))
        wait(browser, "a third reason")
        assert browser.switch_to.active_element.text == "All models"
    finally:
        browser.set_window_size(1100, 1400)


def test_older_entries_come_on_request_and_what_serves_is_always_among_the_versions(
    api: Any, browser: webdriver.Chrome, page: str
) -> None:
    api.on("GET /models/penguins", (200, MODEL | {"champion": 3, "challenger": 60}))
    api.on("GET /models/penguins/versions", lambda asked: page_of(MANY, "versions", asked))
    champion = MANY[57] | {"role": "champion", "metrics": {"holdout": {"log_loss": {"value": 0.5}}}}
    api.on("GET /models/penguins/versions/3", (200, champion))
    browser.get(f"{page}#/models/penguins")
    wait(browser, "version 41")

    rows = "[aria-label^='Versions'] tbody tr"
    assert len(browser.find_elements(By.CSS_SELECTOR, rows)) == 21
    assert browser.find_elements(By.CSS_SELECTOR, rows)[-1].text.startswith("version 3 champion")
    browser.find_element(By.ID, "older-versions").send_keys(Keys.ENTER)
    wait(browser, "version 1 cleared")
    assert len(browser.find_elements(By.CSS_SELECTOR, rows)) == 60
    assert browser.find_elements(By.ID, "older-versions") == []


@pytest.mark.parametrize("topic", ["runs", "audit"])
def test_older_runs_and_changes_come_on_request(api: Any, browser: webdriver.Chrome, page: str, topic: str) -> None:
    entries: dict[str, list[Any]] = {
        "runs": [RUN | {"run_id": f"r-{number:03}"} for number in range(130, 0, -1)],
        "audit": [
            {"time": STAMP, "action": f"step {number:03}", "who": "me", "why": "x"} for number in range(130, 0, -1)
        ],
    }
    told = {"runs": "r-{:03}", "audit": "step {:03}"}[topic]
    api.on(f"GET /models/penguins/{topic}", lambda asked: page_of(entries[topic], topic, asked))
    browser.get(f"{page}#/models/penguins")
    wait(browser, told.format(111))
    assert told.format(110) not in body(browser)
    for last in (61, 11, 1):
        browser.find_element(By.ID, f"older-{topic}").send_keys(Keys.ENTER)
        wait(browser, told.format(last))
    assert browser.find_elements(By.ID, f"older-{topic}") == []


def test_the_list_goes_on_after_a_hundred_models(api: Any, browser: webdriver.Chrome, page: str) -> None:
    many = [MODEL | {"name": f"m-{number:03}"} for number in range(120)]
    api.on("GET /models", lambda asked: page_of(many, "models", asked))
    browser.get(page)
    wait(browser, "m-099")
    assert "m-100" not in body(browser)
    browser.find_element(By.ID, "older-models").send_keys(Keys.ENTER)
    wait(browser, "m-119")


def test_the_skip_link_leads_to_the_content_of_this_model(browser: webdriver.Chrome, page: str) -> None:
    browser.get(f"{page}#/models/penguins")
    wait(browser, "values drifted")
    ActionChains(browser).send_keys(Keys.TAB).perform()  # the first stop of the keyboard

    wait_until(lambda: browser.switch_to.active_element.text == "Skip to content")
    link = "document.activeElement"
    seen = (
        f"const {{ x, y }} = {link}.getBoundingClientRect(); return document.elementFromPoint(x + 1, y + 1) === {link}"
    )
    assert browser.execute_script(seen), "a link that has the focus is visible"
    ActionChains(browser).send_keys(Keys.ENTER).perform()

    wait_until(lambda: browser.switch_to.active_element.get_attribute("id") == "main")
    assert browser.current_url.endswith("#/models/penguins")
    assert browser.find_element(By.TAG_NAME, "h1").text.startswith("penguins")


@pytest.mark.parametrize("address", ["#/models/%E0%A4%A", "#/nowhere", "#/models/a/b"])
def test_an_address_that_names_nothing_is_told(browser: webdriver.Chrome, page: str, address: str) -> None:
    browser.get(page + address)

    wait(browser, "there is no page at this address")
    assert browser.find_element(By.LINK_TEXT, "All models")
    assert complaints(browser) == []


def test_a_stack_that_does_not_answer_in_time_is_told_as_that(browser: webdriver.Chrome, page: str) -> None:
    browser.get("about:blank")
    script = browser.execute_cdp_cmd(
        "Page.addScriptToEvaluateOnNewDocument",
        {"source": "AbortSignal.timeout = () => AbortSignal.abort(new DOMException('late', 'TimeoutError'))"},
    )
    try:
        browser.get(page)
        wait(browser, "no answer within 35 seconds")
        assert "proxy" not in body(browser)
    finally:
        browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", script)


def test_any_name_of_a_column_makes_a_valid_page(api: Any, browser: webdriver.Chrome, page: str) -> None:
    columns = [COLUMN | {"name": name, "distance": 0.1, "drifted": False} for name in ("prediction", "body mass [g]")]
    predicted = COLUMN | {"distance": 0.2, "drifted": False}
    api.on("GET /models/penguins/drift", (200, DRIFT | {"columns": columns, "prediction": predicted, "history": []}))
    browser.get(f"{page}#/models/penguins")
    wait(browser, "body mass [g]")

    ids = [str(element.get_attribute("id")) for element in browser.find_elements(By.CSS_SELECTOR, "[id]")]
    assert sorted(ids) == sorted(set(ids))
    buttons = browser.find_elements(By.CSS_SELECTOR, "button.plain")
    controlled = [button.get_attribute("aria-controls") or "" for button in buttons]
    assert len(set(controlled)) == 3
    assert all(browser.find_elements(By.ID, name) for name in controlled)
    assert all(" " not in name for name in controlled)


def test_only_what_scrolls_is_a_stop_for_the_keyboard(browser: webdriver.Chrome, page: str) -> None:
    browser.get(f"{page}#/models/penguins")
    wait(browser, "values drifted")
    stops = "return [...document.querySelectorAll('.scroll')].filter(box => (box.scrollWidth > box.clientWidth)"
    assert browser.execute_script(f"{stops} !== (box.getAttribute('tabindex') === '0')).length") == 0
    assert browser.execute_script(f"{stops}).length") < len(browser.find_elements(By.CSS_SELECTOR, ".scroll"))
