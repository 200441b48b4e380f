"""Conditions of the Collector's filters (OTTL), judged for one item: true, false, or unknown."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

Truth = bool | None
"""None: unknown."""


class Unknown(NamedTuple):
    """The value of what is not known."""


UNKNOWN: Final = Unknown()

_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<string>"(?:[^"\\]|\\.)*")|(?P<number>-?\d+(?:\.\d+)?)|(?P<sign>[=!<>]=|[<>()\[\],])"""
    r"""|(?P<word>[A-Za-z_][\w.]*))"""
)
_LITERALS: Final[Mapping[str, Any]] = {"true": True, "false": False, "nil": None}


class Syntax(ValueError):  # noqa: N818  # what it is about
    """The condition is not understood."""


def holds(condition: str, item: Mapping[str, Any]) -> Truth:
    """Whether a condition is true of an item.

    item: values by path, as `metric.name`; maps of attributes as `attributes` and `resource.attributes`. Paths and
    attributes that are not in it are unknown.
    """
    try:
        return _Parser(list(_tokens(condition)), item).whole()
    except Syntax:
        return None


def _tokens(text: str) -> Iterator[str]:
    position, text = 0, text.strip()
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:
            raise Syntax(text[position:])
        yield found.group().strip()
        position = found.end()


class _Parser:
    """Reads and judges at once, by recursive descent."""

    def __init__(self, tokens: Sequence[str], item: Mapping[str, Any]) -> None:
        self._tokens = tokens
        self._item = item
        self._position = 0

    @property
    def _next(self) -> str:
        """The token to come, "" at the end."""
        return self._tokens[self._position] if self._position < len(self._tokens) else ""

    def _take(self, expected: str = "") -> str:
        token = self._next
        if not token or (expected and token != expected):
            raise Syntax(token)
        self._position += 1
        return token

    def whole(self) -> Truth:
        truth = self._either()
        if self._next:
            raise Syntax(self._next)
        return truth

    def _either(self) -> Truth:
        truths = [self._both()]
        while self._next == "or":
            self._take()
            truths.append(self._both())
        return True if True in truths else None if None in truths else False

    def _both(self) -> Truth:
        truths = [self._negated()]
        while self._next == "and":
            self._take()
            truths.append(self._negated())
        return False if False in truths else None if None in truths else True

    def _negated(self) -> Truth:
        if self._next == "not":
            self._take()
            truth = self._negated()
            return None if truth is None else not truth
        if self._next == "(":
            self._take()
            truth = self._either()
            self._take(")")
            return truth
        return self._comparison()

    def _comparison(self) -> Truth:
        left = self._value()
        if self._next not in _COMPARISONS:
            return left if isinstance(left, bool) else None
        compare = _COMPARISONS[self._take()]
        right = self._value()
        if UNKNOWN in (left, right):
            return None
        try:
            return compare(left, right)
        except TypeError:
            return None

    def _value(self) -> Any:
        token = self._take()
        if token.startswith('"'):
            return re.sub(r"\\(.)", r"\1", token[1:-1])
        if token[0].isdigit() or token[0] == "-":
            return float(token)
        if token in _LITERALS:
            return _LITERALS[token]
        if self._next == "(":
            return self._call(token)
        return self._path(token)

    def _path(self, name: str) -> Any:
        found: Any = self._item.get(name, UNKNOWN)
        while self._next == "[":
            self._take()
            key = self._value()
            self._take("]")
            found = found.get(key, UNKNOWN) if isinstance(found, Mapping) else UNKNOWN
        return found

    def _call(self, name: str) -> Any:
        self._take("(")
        arguments = []
        while self._next != ")":
            arguments.append(self._value())
            if self._next == ",":
                self._take()
        self._take(")")
        function = _FUNCTIONS.get(name)
        if function is None or UNKNOWN in arguments:
            return UNKNOWN
        try:
            return function(*arguments)
        except (TypeError, AttributeError, re.error):
            return UNKNOWN


_COMPARISONS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
}
_FUNCTIONS: Final[Mapping[str, Callable[..., Any]]] = {
    "IsMatch": lambda value, pattern: value is not None and re.search(pattern, value) is not None,
    "HasPrefix": lambda value, prefix: value is not None and value.startswith(prefix),
    "HasSuffix": lambda value, suffix: value is not None and value.endswith(suffix),
}
