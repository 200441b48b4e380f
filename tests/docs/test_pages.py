"""README and docs: nothing in them is dead, doubled or out of date."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from docs.draw_demo import PICTURE, draw
from docs.generate import PARTS, filled
from docs.pages import DOCS, PAGES, README, ROOT, anchors, links

MOST_README_LINES = 120


@pytest.mark.parametrize("page", sorted({page for page, _ in PARTS.values()}))
def test_generated_parts_are_those_of_the_code(page: str) -> None:
    """Tables, commands and API are as `make docs` writes them."""
    text = (DOCS / page).read_text()

    assert text == filled(page, text), "run `make docs`"


def test_the_picture_is_that_of_the_demo() -> None:
    """The README's picture is drawn from what the processor says of the demo's rows today."""
    assert PICTURE.read_text() == draw(), "run `make docs`"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Each link names a file of the repository, with an anchor that it has, or has the shape of a URL."""
    assert [link for link in links(page) if not _leads_somewhere(page, link)] == []


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda page: str(page.relative_to(DOCS)))
def test_the_site_holds_what_it_links(page: Path) -> None:
    """A page of the site links only to what is built with it."""
    local = [urlsplit(link).path for link in links(page) if not urlsplit(link).scheme]

    assert [path for path in local if path and not (page.parent / path).resolve().is_relative_to(DOCS)] == []


def _leads_somewhere(page: Path, link: str) -> bool:
    url = urlsplit(link)
    if url.scheme:
        return url.scheme == "https" and "." in url.netloc
    target = (page.parent / url.path).resolve() if url.path else page
    if not target.exists():
        return False
    return not url.fragment or (target.suffix == ".md" and url.fragment in anchors(target))


def test_a_dead_link_is_seen() -> None:
    """A missing file, a missing anchor, and a URL without a host are dead; a heading is not."""
    page = DOCS / "getting-started.md"

    dead = ("nowhere.md", "index.md#nowhere", "#nowhere", "https:///path", "ftp://a.org", "../README.md#nowhere")
    assert [link for link in dead if _leads_somewhere(page, link)] == []
    assert all(_leads_somewhere(page, link) for link in ("#the-demo", "concepts/limits.md#what-is-kept", "index.md"))


def test_the_site_builds(tmp_path: Path) -> None:
    """Strictly: what the builder warns of is an error."""
    shutil.copy(ROOT / "mkdocs.yml", tmp_path)
    shutil.copytree(DOCS, tmp_path / "docs")
    command = [sys.executable, "-m", "zensical", "build", "--strict"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)

    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "build/site/concepts/verdict/index.html").exists()


def test_every_page_is_in_the_navigation() -> None:
    """`nav` in mkdocs.yml names each page once, and none that is not there."""
    nav = yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"]

    assert sorted(_pages(nav)) == sorted(str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md"))


def _pages(nav: Any) -> Iterator[str]:
    if isinstance(nav, str):
        yield nav
    else:
        for each in nav.values() if isinstance(nav, dict) else nav:
            yield from _pages(each)


def test_the_readme_is_one_screen() -> None:
    """It says what this is and how to begin; the rest is in docs/."""
    assert len(README.read_text().splitlines()) <= MOST_README_LINES


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_of_make_exists(page: Path) -> None:
    """What a page tells a user to make is a target of the Makefile."""
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)

    assert set(re.findall(r"(?:^|`)make ([a-z-]+)", page.read_text(), re.MULTILINE)) <= set(targets)


def test_the_way_of_a_row_is_short_and_there() -> None:
    """It takes at most 15 steps, and each file that it passes exists."""
    text = (
        (DOCS / "contributing/architecture.md").read_text().partition("## The path of one row")[2].partition("\n## ")[0]
    )
    server, _, processor = text.partition("\n8. ")

    assert 10 < len(re.findall(r"^\d+\. ", text, re.MULTILINE)) <= 15
    for part, package in ((server, "instrumentation/driftline"), (processor, "processor/driftline_processor")):
        files = re.findall(r"`([\w/]+\.py)`", part)
        assert files
        assert [file for file in files if not (ROOT / package / file).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_paths_exist(page: Path) -> None:
    """A path that begins with a folder of the repository names something that is there."""
    paths = re.findall(r"`((?:instrumentation|processor|tests|collector-config|docs)/[\w./-]+)`", page.read_text())

    assert [path for path in paths if not (ROOT / path).exists()] == []
