"""The pages of the documentation, and what is on them: blocks of code, links, and anchors."""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT: Final = Path(__file__).parents[2]
README: Final = ROOT / "README.md"
DOCS: Final = ROOT / "docs"
PAGES: Final = [
    README,
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    ROOT / "SECURITY.md",
    *sorted(DOCS.rglob("*.md")),
]

_MARKDOWN: Final = MarkdownIt("commonmark").enable("table")
_COMMENT: Final = re.compile(r"<!-- (not run|run until): (.+?) -->", re.DOTALL)


class Block(NamedTuple):
    """A fenced block. order, detail: of the comment before it, `not run` or `run until`; "" without one."""

    page: Path
    line: int
    language: str
    text: str
    order: str
    detail: str

    @property
    def name(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def tokens(page: Path) -> list[Token]:
    """What Markdown makes of a page."""
    return _MARKDOWN.parse(page.read_text())


def blocks(page: Path) -> Iterator[Block]:
    """Its fenced blocks, in order."""
    found = tokens(page)
    for before, token in zip([None, *found], found, strict=False):
        if token.type == "fence" and token.map is not None:
            comment = _COMMENT.match(before.content) if before is not None and before.type == "html_block" else None
            order, detail = comment.groups() if comment else ("", "")
            yield Block(page, token.map[0] + 1, token.info, token.content, order, " ".join(detail.split()))


def links(page: Path) -> list[str]:
    """Targets of its links and images."""
    inline = (child for token in tokens(page) for child in token.children or [])
    found = (
        (child.attrGet("href") or child.attrGet("src")) for child in inline if child.type in ("link_open", "image")
    )
    return [str(target) for target in found]


def anchors(page: Path) -> set[str]:
    """What `#…` may name on it: the headings for which GitHub and Python-Markdown make the same anchor."""
    found = tokens(page)
    headings = [inline.content.replace("`", "") for opened, inline in pairwise(found) if opened.type == "heading_open"]
    return {_github(heading) for heading in headings} & {_python_markdown(heading) for heading in headings}


def _github(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _python_markdown(heading: str) -> str:
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower())
