"""The parts of the documentation that are made from the code; `make docs` writes them, a test checks them."""

import ast
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any, Final

import click

import driftline
from driftline.cli import main as driftline_command
from driftline.semconv import TERMS
from driftline.settings import Settings
from driftline_processor.__main__ import main as processor_command
from driftline_processor.config import config_keys
from driftline_processor.encode.metrics import METRICS
from driftline_processor.encode.performance import PERFORMANCE_METRICS
from driftline_processor.monitors.drift.statistics import STATISTICS
from driftline_processor.service.internal_metrics import INTERNAL_METRICS, METRIC_PREFIX

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT: Final = Path(__file__).parents[2]
DOCS: Final = ROOT / "docs"
WIDTH: Final = 100
"""Characters in a line of the commands' help."""


def markdown_table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A row a line; a bar within a cell is escaped."""
    body = "".join(_line([str(cell).replace("|", "\\|") for cell in row]) for row in rows)
    return _line(headings) + "|---" * len(headings) + "|\n" + body


def _line(cells: Sequence[str]) -> str:
    return "|" + "".join(f" {cell} |" if cell else " |" for cell in cells) + "\n"


def code(text: object) -> str:
    """As Markdown sets code; nothing for an empty text."""
    return f"`{text}`" if text != "" else ""


def settings_table() -> str:
    """Every setting of the instrumentation."""
    rows = (
        (
            code(each.metadata["variable"]),
            code(each.name),
            code(each.default if isinstance(each.default, int | str) else ""),
            each.metadata["meaning"],
        )
        for each in fields(Settings)
    )
    return markdown_table(("variable", "keyword of `instrument()`", "default", "meaning"), rows)


def config_table() -> str:
    """Every key of processor.yaml."""
    rows = ((code(key.name), code(key.default), key.meaning) for key in config_keys())
    return markdown_table(("key", "default", "meaning"), rows)


def metrics_table() -> str:
    """Every metric of results."""
    rows = (
        (code(each.name), code(each.unit), each.description, each.reading) for each in (*METRICS, *PERFORMANCE_METRICS)
    )
    return markdown_table(("metric", "unit", "meaning", "how to read it"), rows)


def internal_metrics_table() -> str:
    """Every metric that the processor has of itself."""
    rows = (
        (code(f"{METRIC_PREFIX}.{each.name}"), code(each.unit), code(each.attributes or ""), each.description)
        for each in INTERNAL_METRICS
    )
    return markdown_table(("metric", "unit", "attributes", "meaning"), rows)


def names_table() -> str:
    """Every name on the wire that a model server sends, or that a reference holds."""
    rows = ((code(term.name), term.kind, term.meaning) for term in TERMS)
    return markdown_table(("name", "kind", "meaning"), rows)


def statistics_table() -> str:
    """Every statistic, and the columns that it applies to."""
    rows = ((each.title, code(each.name), ", ".join(sorted(each.kinds))) for each in STATISTICS)
    return markdown_table(("statistic", "name", "columns"), rows)


def layers_table(package: Path) -> str:
    """The folders and modules of a package in the order that import-linter holds, each with its job."""
    options = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = next(each["layers"] for each in options["contracts"] if each.get("containers") == [package.name])
    rows = (
        (number, code(_module(package, name)), _job(package / _module(package, name)))
        for number, layer in enumerate(layers, 1)
        for name in layer.split(" : ")
    )
    return markdown_table(("layer", f"in `{package.relative_to(ROOT)}`", "its job"), rows)


def _module(package: Path, name: str) -> str:
    return f"{name}/" if (package / name).is_dir() else f"{name}.py"


def _job(module: Path) -> str:
    """The first paragraph of its docstring."""
    file = module / "__init__.py" if module.is_dir() else module
    docstring = ast.get_docstring(ast.parse(file.read_text())) or ""
    return " ".join(docstring.partition("\n\n")[0].split()).replace("|", "\\|")


def commands() -> str:
    """The help of every command."""
    root = click.Context(driftline_command, info_name="driftline")
    found: dict[str, click.Command | None] = {"driftline": driftline_command}
    for name in driftline_command.list_commands(root):
        found[f"driftline {name}"] = driftline_command.get_command(root, name)
    found["driftline-processor"] = processor_command
    return "\n".join(
        f"## {name}\n\n```text\n{_help(name, command)}\n```\n" for name, command in found.items() if command
    )


def _help(name: str, command: click.Command) -> str:
    # With the command's own settings, as when it runs: click keeps what it once made of its help option.
    context = click.Context(
        command, info_name=name, terminal_width=WIDTH, max_content_width=WIDTH, **command.context_settings
    )
    return "\n".join(line.rstrip() for line in command.get_help(context).splitlines())


def python_api() -> str:
    """The signature and the docstring of every public name."""
    return "\n".join(_documented(f"driftline.{name}", getattr(driftline, name), "##") for name in driftline.__all__)


def _documented(name: str, item: Any, heading: str) -> str:
    if inspect.isclass(item):  # made by functions: how to call it tells nobody anything
        methods = ((key, value) for key, value in vars(item).items() if inspect.isfunction(value) and key[0] != "_")
        own = f"{heading} {name}\n\n{_prose(inspect.getdoc(item) or '')}"
        return "\n".join([own, *(_documented(f"{name}.{key}", value, f"{heading}#") for key, value in methods)])
    called = f"{name.rpartition('.')[2]}{_signature(item)}"
    return f"{heading} {name}\n\n```text\n{called}\n```\n\n{_prose(inspect.getdoc(item) or '')}"


def _signature(item: Any) -> str:
    """Without the modules of types, a parameter a line where one line does not hold them."""
    signature = inspect.signature(item)
    shown = _without_modules(str(signature))
    if len(shown) <= WIDTH:
        return shown
    parameters = [_without_modules(str(each)) for each in signature.parameters.values()]
    keyword_only = [each.kind is each.KEYWORD_ONLY for each in signature.parameters.values()]
    if True in keyword_only:
        parameters.insert(keyword_only.index(True), "*")
    returned = _without_modules(inspect.formatannotation(signature.return_annotation))
    return "(\n" + "".join(f"    {each},\n" for each in parameters) + f") -> {returned}"


def _without_modules(text: str) -> str:
    return re.sub(r"\b(?:[a-z_]+\.)+(?=[A-Z])", "", text).replace("'", '"')


_NAMED: Final = re.compile(r"(Args|Attributes|Raises):")
_UNNAMED: Final = re.compile(r"(Returns|Yields|Examples?):")


def _prose(docstring: str) -> str:
    """A docstring in Google's style as Markdown: names with their meanings as a list, doctests as they are."""
    return "\n\n".join(_paragraphs(docstring)) + "\n"


def _paragraphs(docstring: str) -> Iterator[str]:
    for paragraph in docstring.split("\n\n"):
        head, _, body = paragraph.partition("\n")
        text = inspect.cleandoc(body)
        if _NAMED.fullmatch(head):
            yield f"**{head[:-1]}**"
            yield "\n".join(map(_item, re.split(r"\n(?=\S)", text)))
        elif _UNNAMED.fullmatch(head):
            yield f"**{head[:-1]}**"
            yield _code(text)
        else:
            yield _code(inspect.cleandoc(paragraph))


def _code(text: str) -> str:
    return f"```text\n{text}\n```" if text.startswith(">>>") else text


def _item(text: str) -> str:
    name, colon, meaning = re.sub(r"\s+", " ", text).partition(": ")
    return f"- `{name}`: {meaning}" if colon and "`" not in name else f"- {name}{colon}{meaning}"


PARTS: Final[dict[str, tuple[str, Callable[[], str]]]] = {
    "settings": ("reference/settings.md", settings_table),
    "configuration": ("reference/processor.md", config_table),
    "statistics": ("reference/metrics.md", statistics_table),
    "results": ("reference/metrics.md", metrics_table),
    "names": ("reference/metrics.md", names_table),
    "internal": ("reference/internal-metrics.md", internal_metrics_table),
    "layers of the instrumentation": (
        "contributing/architecture.md",
        partial(layers_table, ROOT / "instrumentation/driftline"),
    ),
    "layers of the processor": (
        "contributing/architecture.md",
        partial(layers_table, ROOT / "processor/driftline_processor"),
    ),
    "commands": ("reference/command-line.md", commands),
    "api": ("reference/python-api.md", python_api),
}
"""The page of each part, and what makes it."""


def filled(page: str, text: str) -> str:
    """A page with each of its parts as the code has it now."""
    for name, (home, make) in PARTS.items():
        if home != page:
            continue
        begin, end = f"<!-- begin: {name} -->\n", f"<!-- end: {name} -->"
        before, found, rest = text.partition(begin)
        _, closed, after = rest.partition(end)
        assert found, f"{page} has no place for {name!r}"
        assert closed, f"{page} does not end {name!r}"
        text = f"{before}{begin}\n{make()}\n{end}{after}"
    return text


if __name__ == "__main__":
    for page in sorted({page for page, _ in PARTS.values()}):
        file = DOCS / page
        file.write_text(filled(page, file.read_text()))
    sys.stdout.write(f"docs: {len(PARTS)} parts written\n")
