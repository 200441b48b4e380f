"""Pictures as inline SVG, for the page and reports: shapes stretch, text does not; no style attribute."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from markupsafe import Markup, escape

from driftline_processor.verdicts.numbers import percent

WIDTH: Final = 1000
"""Units across a picture, whatever its size on the screen."""

HIGHEST: Final = 10.0
"""Tolerances that a sparkline shows at its top; its scale is linear to one, and logarithmic beyond."""

_LINEAR: Final = 0.6
"""Of a sparkline's height, up to its tolerance."""

_POINTS: Final = 110


def mark(state: str | None) -> Markup:
    """The mark of a state; a word stands beside it."""
    inner = _MARKS.get(state or "", _MARKS[""])
    return _safe(f'<svg class="mk" viewBox="0 0 12 12" aria-hidden="true">{inner}</svg>')


_MARKS: Final = {
    "alarm": '<path class="gl-a" d="M6 0l6 6-6 6-6-6z"/>',
    "warning": '<path class="gl-w" d="M6 1.6L10.8 10.4H1.2z"/>',
    "healthy": '<circle class="gl-h" cx="6" cy="6" r="4.6"/>',
    "": '<circle class="gl-u" cx="6" cy="6" r="4.6"/>',
}


def spark(points: Sequence[Sequence[Any]], start: float, end: float, width: int = 110, height: int = 24) -> Markup:
    """Bounds in tolerances over time. points: seconds and ratio, None where there is a gap."""
    level = round(height * (1.0 - _LINEAR))
    runs: list[list[tuple[int, int]]] = [[]]
    for at, ratio in _thinned(points, start, end, width):
        if ratio is None:
            runs.append([])
        else:
            runs[-1].append((at, round(height * (1.0 - _height(ratio)))))
    known = [run for run in runs if run]
    line = "".join(_path(run) for run in known)
    beyond = "".join(_area(run, level) for run in known if any(y < level for _, y in run))
    return _svg(
        width,
        height,
        f'<path class="tol" d="M0 {level}h{width}"/>'
        + (f'<path class="spa" d="{beyond}"/>' if beyond else "")
        + (f'<path class="sp" d="{line}"/>' if line else ""),
    )


def _thinned(
    points: Sequence[Sequence[Any]], start: float, end: float, width: int
) -> Iterable[tuple[int, float | None]]:
    """One point a place, the highest of those that share it."""
    length = max(end - start, 1e-9)
    highest: dict[int, float | None] = {}
    places = min(width, _POINTS)
    for at, ratio in points:
        if start <= at <= end:
            place = round((at - start) / length * places)
            before = highest.get(place)
            highest[place] = ratio if before is None else max(before, before if ratio is None else ratio)
    return [(round(place * width / places), highest[place]) for place in sorted(highest)]


def _height(ratio: float) -> float:
    """As a share of the picture's."""
    if ratio <= 1.0:
        return _LINEAR * max(ratio, 0.0)
    return _LINEAR + (1.0 - _LINEAR) * min(math.log(ratio) / math.log(HIGHEST), 1.0)


def _path(run: Sequence[tuple[int, int]]) -> str:
    first, *others = run
    text, (x, y) = f"M{first[0]} {first[1]}", first
    for a, b in others:
        text += f"l{a - x} {b - y}"
        x, y = a, b
    return text if others else text + "h1"


def _area(run: Sequence[tuple[int, int]], level: int) -> str:
    """What is above the tolerance."""
    clipped = [(x, min(y, level)) for x, y in run]
    first, last = clipped[0][0], max(clipped[-1][0], clipped[0][0] + 1)
    return _path([(first, level), *clipped, (last, level)]) + "z"


def distance_bar(column: Mapping[str, Any], width: int = 120) -> Markup:
    """Thick: moved for sure; thin: at most likely; upright: tolerated."""
    distance, bound, tolerance = (column[name] or 0.0 for name in ("distance", "lower_bound", "tolerance"))
    longest = max(distance, bound, 2.0 * tolerance, 1e-9)
    likely, sure, limit = (round(width * min(each / longest, 1.0)) for each in (distance, bound, tolerance))
    kind = "af" if bound > tolerance else "nf"
    return _svg(
        width,
        12,
        f'<path class="axis" d="M0 6h{width}"/><rect class="{kind}" y="5" width="{likely}" height="2"/>'
        f'<rect class="{kind}" y="3" width="{sure}" height="6"/>'
        f'<rect class="ti" x="{min(limit, width - 2)}" width="2" height="12"/>',
    )


def small(column: Mapping[str, Any], width: int = 120, height: int = 28) -> Markup:
    """Training against now: a histogram, or the first bars of categories."""
    if column["histogram"]:
        return _svg(width, height, _steps(column["histogram"], width, height))
    pairs = paired_shares(column, 6)
    if not pairs:
        return Markup("")
    highest = max(max(before, now) for _, before, now in pairs) or 1.0
    wide = width / len(pairs)
    bars = "".join(
        f'<rect class="{kind}" x="{round(wide * at + shift * wide * 0.42)}" width="{max(round(wide * 0.38), 1)}" '
        f'y="{round(height - (height - 2) * share / highest)}" height="{round((height - 2) * share / highest)}"/>'
        for at, (_, before, now) in enumerate(pairs)
        for shift, (kind, share) in enumerate((("rf", before), ("nf", now)))
    )
    return _svg(width, height, bars)


def histogram(column: Mapping[str, Any], title: str) -> Markup:
    """Of a numeric column, with its edges below."""
    found = column["histogram"]
    edges = found["edges"]
    inner = _svg(WIDTH, 240, _steps(found, WIDTH, 240) + f'<path class="axis" d="M0 240h{WIDTH}"/>', stretched=True)
    labels = "".join(
        f'<text x="{100.0 * at:.1f}%" y="258" text-anchor="{anchor}"{alt}>{escape(_short(value))}</text>'
        for at, value, anchor, alt in _ticks(edges)
    )
    return _safe(f'<svg width="100%" height="264" role="img" aria-label="{escape(title)}">{inner}{labels}</svg>')


def paired_shares(column: Mapping[str, Any], most: int = 12) -> list[tuple[str, float, float]]:
    """Categories with their shares in training and now, the largest first."""
    before, now = column["shares"]["reference"], column["shares"]["current"]
    names = sorted({*before, *now}, key=lambda name: (-max(before.get(name, 0.0), now.get(name, 0.0)), name))
    return [(name, before.get(name, 0.0), now.get(name, 0.0)) for name in names[:most]]


def share_bar(share: float, kind: str, width: int = 300) -> Markup:
    """A share of the rows as a bar. kind: `rf` of training, `nf` of now."""
    return _svg(width, 9, f'<rect class="{kind}" width="{round(width * min(share, 1.0))}" height="9"/>')


def over_time(points: Sequence[Mapping[str, Any]], name: str, title: str) -> Markup:
    """A share of rows by time, with what is tolerated of the distance. Gaps are gaps."""
    if len(points) < 2:
        return Markup("")
    start, end = points[0]["end"], points[-1]["end"]
    highest = max([each[name] or 0.0 for each in points] + [1e-9])
    runs: list[list[tuple[int, int]]] = [[]]
    for each in points:
        if each[name] is None or each["state"] == "insufficient_data":
            runs.append([])
            continue
        at = round(WIDTH * (each["end"] - start) / max(end - start, 1e-9))
        runs[-1].append((at, round(150 - 145 * each[name] / highest)))
    line = "".join(_path(run) for run in runs if run)
    inner = _svg(WIDTH, 150, f'<path class="nl" d="{line}"/><path class="axis" d="M0 150h{WIDTH}"/>', stretched=True)
    top = f'<text x="100%" y="-4" text-anchor="end">{escape(f"{percent(highest)} of rows")}</text>'
    return _safe(f'<svg width="100%" height="156" role="img" aria-label="{escape(title)}">{inner}{top}</svg>')


def _steps(found: Mapping[str, Any], width: int, height: int) -> str:
    """Two outlines, training filled: shares by how wide a bin is on the screen."""
    places, shown = _places(found["edges"], width)
    heights = [[_density(share, wide) for share, wide in zip(found[name], shown, strict=True)] for name in _BOTH]
    highest = max(max(each) for each in heights) or 1.0
    reference, current = (_outline(each, places, highest, height) for each in heights)
    training = f'<path class="rf" d="{reference}V{height}z"/><path class="rl" d="{reference}"/>'
    return f'{training}<path class="nl" d="{current}"/>'


_BOTH: Final = ("reference", "current")


def _density(share: float, wide: int) -> float:
    return float(share) / max(wide, 1)


def _places(edges: Sequence[float], width: int) -> tuple[list[int], list[int]]:
    """Where bins end: the outer two take a tenth of the width each, the others are as wide as their values."""
    outer = width // 10
    low, length = edges[0], max(edges[-1] - edges[0], 1e-300)
    inside = [outer + round((width - 2 * outer) * (edge / length - low / length)) for edge in edges]
    places = [*inside, width]
    return places, [after - before for before, after in zip([0, *places], places, strict=False)]


def _outline(heights: Sequence[float], places: Sequence[int], highest: float, height: int) -> str:
    tops = [round(height - (height - 4) * each / highest) for each in heights]
    return f"M0 {height}" + "".join(f"V{top}H{place}" for top, place in zip(tops, places, strict=True))


def _ticks(edges: Sequence[float]) -> Iterable[tuple[float, float, str, str]]:
    """The ends of training and the middle between them."""
    low, high = edges[0], edges[-1]
    yield 0.1, low, "middle", ""
    if high > low:
        yield 0.5, low / 2 + high / 2, "middle", ' class="alt"'
        yield 0.9, high, "middle", ""


def _short(value: float) -> str:
    return f"{value:,.4g}" if 1e-4 <= abs(value) < 1e7 or not value else f"{value:.3g}"


def _svg(width: int, height: int, inner: str, *, stretched: bool = False) -> Markup:
    size = f'width="100%" height="{height}"' if stretched else f'width="{width}" height="{height}"'
    box = f'viewBox="0 0 {width} {height}" preserveAspectRatio="none" aria-hidden="true"'
    return _safe(f'<svg class="nv" {size} {box}>{inner}</svg>')


def _safe(svg: str) -> Markup:
    """Made of numbers, and of texts that were escaped."""
    return Markup(svg)  # noqa: S704
