"""The tables of the README that are made from the code; `make docs` writes them, a test checks them."""

import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

from driftline.semconv import TERMS
from driftline.settings import Settings
from driftline_processor.config import config_table
from driftline_processor.encode.metrics import table as metrics_table
from driftline_processor.service.internal_metrics import internal_metrics_table

README = Path(__file__).parents[1] / "README.md"


def names_table() -> str:
    """Every name on the wire that a model server sends, or that a reference holds."""
    rows = "".join(f"| `{term.name}` | {term.kind} | {term.meaning} |\n" for term in TERMS)
    return f"| name | kind | meaning |\n|---|---|---|\n{rows}"


def settings_table() -> str:
    """Every setting of the instrumentation."""
    rows = ""
    for each in fields(Settings):
        default = each.default if isinstance(each.default, int | str) else ""
        shown = f"`{default}`" if default else ""
        rows += f"| `{each.metadata['variable']}` | `{each.name}` | {shown} | {each.metadata['meaning']} |\n"
    return f"| variable | keyword of `instrument()` | default | meaning |\n|---|---|---|---|\n{rows}"


TABLES: dict[str, Callable[[], str]] = {
    "settings": settings_table,
    "configuration": config_table,
    "results": metrics_table,
    "names": names_table,
    "own": internal_metrics_table,
}


def filled(text: str) -> str:
    """The README with every table as the code has it now."""
    for name, make in TABLES.items():
        begin, end = f"<!-- begin: {name} -->\n", f"<!-- end: {name} -->"
        before, found, rest = text.partition(begin)
        _, closed, after = rest.partition(end)
        assert found, f"README.md has no place for the table {name!r}"
        assert closed, f"README.md does not end the table {name!r}"
        text = f"{before}{begin}{make()}{end}{after}"
    return text


if __name__ == "__main__":
    README.write_text(filled(README.read_text()))
    sys.stdout.write(f"{README.name}: {len(TABLES)} tables\n")
