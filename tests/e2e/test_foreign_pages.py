"""A web page in a real browser, against the embedded stack of whoever runs the browser: it gets nothing, does nothing.

Each attempt is one that works where the emulator itself answers, so each test fails without the stack's front door.
"""

from __future__ import annotations

import base64
import io
import json
import zipfile
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.support.browser import CHROMIUM, DRIVER, body, opened, wait
from tests.support.local_server import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selenium import webdriver

    from modelloop_stack.info import StackInfo

SECRET = "gentoo,biscoe,5076"
KEY = "datasets/foreign/secret.csv"
ATTEMPT = """
const [address, options] = arguments, done = arguments[arguments.length - 1];
fetch(address, options).then(async (answer) => done({ status: answer.status, text: await answer.text() }),
                             (error) => done({ refused: String(error) }));
"""
READING_ITSELF = f"""<!doctype html><title>stored</title><p id="told">waiting</p><script>
fetch("{KEY}").then((answer) => answer.text()).then((text) => told.textContent = `read ${{text}}`,
                                                     () => told.textContent = "could not read");
</script>"""

pytestmark = pytest.mark.skipif(not CHROMIUM or not DRIVER, reason="there is no chromium with its driver")


@dataclass
class Site:
    """A web server of somebody else's, with an empty page; remembers the paths that it was asked for."""

    port: int
    asked: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    class Exchange(BaseHTTPRequestHandler):
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            served.asked.append(self.path)
            content = b"<!doctype html><title>foreign</title><p>hello</p>"
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with serving(Exchange) as port:
        served = Site(port)
        yield served


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    """A browser for which every name that ends in `.test` is this machine, as a name under an attacker's control is."""
    with opened("--host-resolver-rules=MAP *.test 127.0.0.1") as driver:
        driver.set_script_timeout(60)
        yield driver


@pytest.fixture(scope="module")
def secret(stack: StackInfo) -> str:
    """The address of an object in the data bucket."""
    stack.client("s3").put_object(Bucket=stack.data_bucket, Key=KEY, Body=SECRET.encode())
    return f"{stack.endpoint_url}/{stack.data_bucket}/{KEY}"


@pytest.fixture(params=["evil.test", "127.0.0.1"])
def visitor(request: pytest.FixtureRequest, browser: webdriver.Chrome, site: Site) -> webdriver.Chrome:
    """The browser on a page of another name, and on one of another port of this machine."""
    browser.get(f"http://{request.param}:{site.port}/")
    wait(browser, "hello")
    return browser


def attempt(browser: webdriver.Chrome, address: str, **options: Any) -> dict[str, Any]:
    """Return what a page learns from a request: status and text, or why it was refused."""
    learnt: dict[str, Any] = browser.execute_async_script(ATTEMPT, address, options)
    return learnt


def test_it_cannot_read_what_is_stored(visitor: webdriver.Chrome, secret: str) -> None:
    assert "refused" in attempt(visitor, secret)


def test_it_cannot_read_what_aws_calls_answer(visitor: webdriver.Chrome, stack: StackInfo) -> None:
    table = json.dumps({"TableName": stack.table})
    headers = {"content-type": "application/x-amz-json-1.0", "x-amz-target": "DynamoDB_20120810.Scan"}
    assert "refused" in attempt(visitor, stack.endpoint_url, method="POST", headers=headers, body=table)
    assert "refused" in attempt(visitor, f"{stack.api_url}/ping", headers={"x-api-key": stack.api_key})


def test_it_cannot_run_code(visitor: webdriver.Chrome, stack: StackInfo, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("code.py", f"def handler(event, context):\n    open({str(marker)!r}, 'w').write('was here')\n")
    function = {
        "FunctionName": "foreign", "Runtime": "python3.13", "Role": "arn:aws:iam::000000000000:role/x",
        "Handler": "code.handler", "Code": {"ZipFile": base64.b64encode(packed.getvalue()).decode()},
    }  # fmt: skip
    plain = {"content-type": "text/plain"}  # such a request is sent without being asked for in advance
    functions = f"{stack.endpoint_url}/2015-03-31/functions"

    attempt(visitor, functions, method="POST", mode="no-cors", headers=plain, body=json.dumps(function))
    attempt(visitor, f"{functions}/foreign/invocations", method="POST", mode="no-cors", headers=plain, body="{}")

    names = {one["FunctionName"] for one in stack.client("lambda").list_functions()["Functions"]}
    if "foreign" in names:
        stack.client("lambda").delete_function(FunctionName="foreign")
    assert (marker.exists(), "foreign" in names) == (False, False)


def test_it_cannot_change_what_is_stored(visitor: webdriver.Chrome, stack: StackInfo, secret: str) -> None:
    attempt(visitor, secret, method="PUT", body="changed")
    attempt(visitor, secret, method="DELETE")
    visitor.execute_script(
        "const form = Object.assign(document.createElement('form'), { action: arguments[0], method: 'POST' });"
        "for (const [name, value] of Object.entries({ Action: 'CreateQueue', QueueName: 'foreign' }))"
        "  form.append(Object.assign(document.createElement('input'), { name, value }));"
        "document.body.append(form); form.submit();",
        f"{stack.endpoint_url}/",
    )
    wait(visitor, "another")

    stored = stack.client("s3").get_object(Bucket=stack.data_bucket, Key=KEY)
    assert stored["Body"].read().decode() == SECRET
    assert "foreign" not in json.dumps(stack.client("sqs").list_queues().get("QueueUrls", []))


def test_a_name_that_was_made_to_lead_here_reads_nothing(
    browser: webdriver.Chrome, stack: StackInfo, secret: str
) -> None:
    place = urlsplit(secret)
    browser.get(f"http://rebound.test:{place.port}{place.path}")

    assert SECRET not in body(browser)
    assert "only loopback names are answered" in body(browser)
    assert attempt(browser, f"http://rebound.test:{place.port}/{stack.data_bucket}")["status"] == 403


def test_a_page_that_is_stored_in_a_bucket_cannot_call_the_stack(
    browser: webdriver.Chrome, stack: StackInfo, secret: str
) -> None:
    stack.client("s3").put_object(
        Bucket=stack.data_bucket, Key="page.html", Body=READING_ITSELF.encode(), ContentType="text/html"
    )
    browser.get(secret.replace(KEY, "page.html"))

    wait(browser, "read")
    assert body(browser) == "could not read"


def test_the_stacks_own_user_still_opens_what_is_stored(
    browser: webdriver.Chrome, stack: StackInfo, site: Site
) -> None:
    key = "versions/foreign/run/report.html"
    page = {"Body": b"<p>a report</p>", "ContentType": "text/html"}
    stack.client("s3").put_object(Bucket=stack.artifacts_bucket, Key=key, **page)
    link = f"{stack.endpoint_url}/{stack.artifacts_bucket}/{key}"

    browser.get(link)
    wait(browser, "a report")
    browser.get(f"http://127.0.0.1:{site.port}/")  # as the dashboard, which is on a port of its own
    browser.execute_script("location.assign(arguments[0])", link)
    wait(browser, "a report")
