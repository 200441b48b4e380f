"""The same texts and categories written in another way."""

import html
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final
from urllib.parse import unquote_plus

import numpy as np

from driftline_processor.skew.explanation import ENCODING, FEWEST, Explanation, UnequalFeature
from driftline_processor.skew.feature import FeaturePair

_MOST_NAMES: Final = 100
_ROWS_A_NAME: Final = 2
_AGREE: Final = 0.9
_SHOWN: Final = 10

_CODE_PAGES: Final = ("cp1252", "latin-1")


def _mojibake(text: str) -> str:
    for page in _CODE_PAGES:
        with suppress(UnicodeError):
            return text.encode(page).decode("utf-8")
    return text


def _without_accents(text: str) -> str:
    return "".join(each for each in unicodedata.normalize("NFD", text) if not unicodedata.combining(each))


def _separators(text: str) -> str:
    return "".join(" " if each in "-_/." else each for each in text)


def _of_bytes(text: str) -> str:
    return text[2:-1] if text[:2] in ("b'", 'b"') else text


FORMS: Final[tuple[tuple[str, Callable[[str], str]], ...]] = (
    ("case", str.casefold),
    ("whitespace", lambda text: " ".join(text.split())),
    ("Unicode normalization", lambda text: unicodedata.normalize("NFKC", text)),
    ("UTF-8 read as Latin-1", _mojibake),
    ("accents", _without_accents),
    ("HTML escapes", html.unescape),
    ("URL escapes", unquote_plus),
    ("quotes", lambda text: text.strip("\"'")),
    ("text of bytes", _of_bytes),
    ("separators", _separators),
    ("decimal comma", lambda text: text.replace(",", ".")),
    ("lost characters", lambda text: "".join(each for each in text if each.isascii() and each not in "?\ufffd")),
)
"""What texts may differ in, and a form of them without it."""


def explain_text_form(feature: UnequalFeature) -> Explanation | None:
    """Texts that are equal in a common form; the smallest difference that says it."""
    pair = feature.unequal
    if pair.numeric or not pair.both.any():
        return None
    best: Explanation | None = None
    for what, form in FORMS:
        found = _equal_in(pair, what, form)
        best = found if best is None or found.coverage > best.coverage else best
    if best is not None and best.coverage < _AGREE:
        several = _equal_in(pair, "case and whitespace", lambda text: " ".join(text.split()).casefold())
        plain = _equal_in(
            pair,
            "case, whitespace and accents",
            lambda text: _without_accents(_separators(" ".join(text.split()))).casefold(),
        )
        best = max((best, several, plain), key=lambda each: each.coverage)
    return best if best is not None and best.explained.any() else None


def _equal_in(pair: FeaturePair, what: str, form: Callable[[str], str]) -> Explanation:
    forms: dict[Any, str] = {}

    def formed(text: Any) -> str:
        return forms.setdefault(text, form(text))

    sides = zip(pair.served.tolist(), pair.recomputed.tolist(), pair.both.tolist(), strict=True)
    hits = [there and formed(a) == formed(b) for a, b, there in sides]
    return Explanation(ENCODING, {"what": what}, np.array(hits, np.bool_))


def explain_mapping(feature: UnequalFeature) -> Explanation | None:
    """Each value became another of its own: names, or codes in another order."""
    pair = feature.unequal
    whole = feature.whole.recomputed[feature.whole.both].tolist()
    names = set(whole[:100_000])
    if len(names) > _MOST_NAMES or len(whole) < _ROWS_A_NAME * len(names):
        return None
    if pair.numeric and not all(float(each).is_integer() for each in names):
        return None
    counts: dict[Any, Counter[Any]] = defaultdict(Counter)
    for a, b, there in zip(pair.served.tolist(), pair.recomputed.tolist(), pair.both.tolist(), strict=True):
        if there:
            counts[b][a] += 1
    mapping = {before: found.most_common(1)[0][0] for before, found in counts.items()}
    steady = sum(found.most_common(1)[0][1] for found in counts.values())
    rows = sum(found.total() for found in counts.values())
    if len(set(mapping.values())) < len(mapping) or rows < FEWEST or steady < _AGREE * rows:
        return None
    if len(mapping) < 2 and (pair.numeric or rows < 2 * FEWEST):
        return None
    if set(mapping) == set(mapping.values()) and len(mapping) == 2 and len(feature.rows) < len(whole):
        return None  # of two values, any that is wrong is the other one
    hits = [
        there and mapping.get(b) == a
        for a, b, there in zip(pair.served.tolist(), pair.recomputed.tolist(), pair.both.tolist(), strict=True)
    ]
    shown = {_name(before): _name(mapping[before]) for before in sorted(mapping, key=str)[:_SHOWN]}
    return Explanation(ENCODING, {"what": "categories", "mapping": shown}, np.array(hits, np.bool_))


def _name(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
