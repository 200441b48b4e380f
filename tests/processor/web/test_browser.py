"""The pages in Chromium: accessible, narrow enough for a phone, of one origin, and the same without JavaScript."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from driftline_processor.records import WindowResult
from served_pages import judged, serving, site

sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
axe = pytest.importorskip("axe_playwright_python", reason="needs axe-playwright-python")

WIDTHS = (1280, 390)
SCHEMES = ("light", "dark")
SHOTS = os.environ.get("DRIFTLINE_SCREENSHOTS")
"""Where screenshots for the documentation go, if anywhere."""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[WindowResult]:
    return judged(tmp_path_factory.mktemp("judged"))


@pytest.fixture(scope="module")
def address(results: list[WindowResult]) -> Iterator[str]:
    with serving(site(results)) as base:
        yield base


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        assert not os.environ.get("CI"), "Chromium is not installed"
        pytest.skip("needs Chromium")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


def paths(results: list[WindowResult]) -> dict[str, str]:
    (incident,) = {event.id for result in results for event in result.incidents}
    return {
        "overview": "/",
        "model": "/models/churn",
        "column": "/models/churn/columns/input/age",
        "categories": "/models/churn/columns/input/plan",
        "incident": f"/incidents/{incident}",
        "incidents": "/incidents",
        "service": "/service",
    }


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_page_is_accessible_and_fits(
    browser: Any, address: str, results: list[WindowResult], scheme: str, width: int
) -> None:
    """axe-core finds nothing, nothing scrolls sideways, no console message, no request to elsewhere."""
    script = (Path(axe.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    messages: list[str] = []
    asked: set[str] = set()
    page.on("console", lambda message: messages.append(message.text))
    page.on("request", lambda request: asked.add(request.url))
    for name, path in paths(results).items():
        page.goto(address + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        if SHOTS:
            page.screenshot(path=f"{SHOTS}/{name}-{scheme}-{width}.png", full_page=True)
        page.evaluate(script)
        found = page.evaluate("axe.run()")
        assert [(each["id"], each["nodes"][0]["target"]) for each in found["violations"]] == [], name
    assert messages == []
    assert {url for url in asked if not url.startswith((f"{address}/", "data:"))} == set()
    context.close()


def test_without_javascript_the_facts_are_the_same(browser: Any, address: str, results: list[WindowResult]) -> None:
    """And under the policy that the server sends, which blocks nothing of it."""
    texts = []
    for enabled in (True, False):
        context = browser.new_context(java_script_enabled=enabled)
        page = context.new_page()
        page.goto(address + paths(results)["model"])
        texts.append(page.inner_text("main"))
        context.close()
    assert texts[0] == texts[1]
    assert "values never seen in training" in texts[0]


def test_a_keyboard_reaches_every_link_once_in_order(browser: Any, address: str, results: list[WindowResult]) -> None:
    """By Tab, from the skip link on."""
    page = browser.new_page()
    page.goto(address + paths(results)["model"])
    expected = page.evaluate(
        "[...document.querySelectorAll('a, input:not([type=hidden]), button, summary')].map(e => e.outerHTML)"
    )
    reached = []
    for _ in expected:
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.outerHTML"))
    assert reached == expected
    page.close()
