"""Conditions on the columns of a row, as text: parsed once, evaluated on whole columns, never executed as code.

The language is the part of Python's expressions that says something of a row: names of columns, numbers and texts,
`+ - * / %`, comparisons, `in`, `and`, `or`, `not`, `abs(x)` and `missing(x)`. A name that is no identifier stands in
backticks. A condition on a missing value is unknown, as in SQL: neither kept nor broken.
"""

import ast
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from driftline.sketch.values import aligned, class_name, is_missing

Columns: TypeAlias = Mapping[str, NDArray[Any]]
Truth: TypeAlias = NDArray[np.float64]
"""1 for true, 0 for false, NaN for unknown, [rows]."""

_MOST_CHARACTERS: Final = 2000
_MOST_NODES: Final = 200

_QUOTED: Final = re.compile(r"`([^`]+)`")

_ARITHMETIC: Final[Mapping[type, Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: np.divide,
    ast.Mod: np.mod,
}
_COMPARISONS: Final[Mapping[type, Callable[[Any, Any], Any]]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_FUNCTIONS: Final = ("abs", "missing")


class Expression:
    """A condition.

    text: as it was written. names: the columns that it needs. column: the one that is all there is of it, or None.
    """

    def __init__(self, text: str) -> None:
        """Parse a condition.

        Raises:
            ValueError: it is not one; the message names the part and the text.

        """
        self.text = text
        self._columns: dict[str, str] = {}
        self._tree = self._parse(text)
        try:
            for node in ast.walk(self._tree):
                _check(node)
        except ValueError as error:
            raise ValueError(f"{error} (got {text!r})") from None
        called = {node.func for node in ast.walk(self._tree) if isinstance(node, ast.Call)}
        found = [node for node in ast.walk(self._tree) if isinstance(node, ast.Name) and node not in called]
        found.sort(key=lambda node: (node.lineno, node.col_offset))
        self.names = tuple(dict.fromkeys(self._columns.get(node.id, node.id) for node in found))
        self.column = self.names[0] if isinstance(self._tree, ast.Name) else None

    def _parse(self, text: str) -> ast.expr:
        if len(text) > _MOST_CHARACTERS:
            raise ValueError(f"must have at most {_MOST_CHARACTERS} characters (got {len(text)})")

        def stand_in(quoted: re.Match[str]) -> str:
            name = f"_column_{len(self._columns)}"
            self._columns[name] = quoted[1]
            return name

        try:
            tree = ast.parse(_QUOTED.sub(stand_in, text).strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            reason = error.msg if isinstance(error, SyntaxError) else str(error)
            raise ValueError(f"must be a condition on columns: {reason} (got {text!r})") from None
        if sum(1 for _ in ast.walk(tree)) > _MOST_NODES:
            raise ValueError(f"must have at most {_MOST_NODES} parts (got {text!r})")
        return tree

    def truth(self, columns: Columns, rows: int) -> Truth:
        """Whether the condition holds for each row."""
        return np.broadcast_to(_Evaluation(columns, self._columns).truth(self._tree), (rows,))


def _check(node: ast.AST) -> None:
    allowed = (ast.Compare, ast.BoolOp, ast.And, ast.Or, ast.Name, ast.Load, ast.BinOp, ast.In, ast.NotIn)
    if isinstance(node, (*allowed, *_ARITHMETIC, *_COMPARISONS, ast.UnaryOp, ast.Not, ast.USub, ast.Tuple, ast.List)):
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float, str)):
        return
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Name) and node.func.id in _FUNCTIONS and len(node.args) == 1 and not node.keywords:
            return
        raise ValueError(f"must call nothing but {' and '.join(_FUNCTIONS)} of one column")
    raise ValueError(f"must have no {type(node).__name__.lower()}")


class _Evaluation:
    """Evaluates a parsed condition on some columns. stand_ins: the names of columns that were quoted."""

    def __init__(self, columns: Columns, stand_ins: Mapping[str, str]) -> None:
        self._columns = columns
        self._stand_ins = stand_ins

    def truth(self, node: ast.expr) -> Truth:
        if isinstance(node, ast.BoolOp):
            parts = [self.truth(each) for each in node.values]
            return _all(parts) if isinstance(node.op, ast.And) else 1.0 - _all([1.0 - part for part in parts])
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return 1.0 - self.truth(node.operand)
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            return _all([self._compared(*each) for each in zip(sides, node.ops, sides[1:], strict=False)])
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "missing":
            values = self._values(node.args[0])
            return np.array([is_missing(each) or each == "" for each in values.tolist()], np.float64)
        return np.where(np.isnan(numbers := self._numbers(node)), np.nan, numbers != 0.0)

    def _compared(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> Truth:
        if isinstance(op, (ast.In, ast.NotIn)):
            choices = right.elts if isinstance(right, (ast.Tuple, ast.List)) else [right]
            among = 1.0 - _all([1.0 - self._compared(left, ast.Eq(), each) for each in choices])
            return among if isinstance(op, ast.In) else 1.0 - among
        texts = _is_text(left) or _is_text(right)
        read = self._texts if texts else self._numbers
        a, b = np.broadcast_arrays(read(left), read(right))
        unknown = (a == None) | (b == None) if texts else np.isnan(a) | np.isnan(b)  # noqa: E711  # of each element
        told = np.zeros(a.shape)
        told[~unknown] = _COMPARISONS[type(op)](a[~unknown], b[~unknown])
        return np.where(unknown, np.nan, told)

    def _numbers(self, node: ast.expr) -> NDArray[np.float64]:
        if isinstance(node, ast.Constant):
            return np.array(float(node.value))  # type: ignore[arg-type]  # a number, `_check` has seen to that
        if isinstance(node, ast.UnaryOp):
            return -self._numbers(node.operand) if isinstance(node.op, ast.USub) else self.truth(node)
        if isinstance(node, ast.BinOp):
            with np.errstate(all="ignore"):
                made = _ARITHMETIC[type(node.op)](self._numbers(node.left), self._numbers(node.right))
            return np.asarray(made, np.float64)
        if isinstance(node, ast.Call):
            return np.abs(self._numbers(node.args[0]))
        if isinstance(node, ast.Name):
            return np.asarray(aligned(self._values(node)), np.float64)
        return self.truth(node)

    def _texts(self, node: ast.expr) -> NDArray[np.object_]:
        if isinstance(node, ast.Constant):
            return np.array(str(node.value), object)
        items = self._values(node).tolist()
        texts = np.empty(len(items), object)
        texts[:] = [None if is_missing(each) else class_name(each) for each in items]
        return texts

    def _values(self, node: ast.expr) -> NDArray[Any]:
        assert isinstance(node, ast.Name)
        return np.asarray(self._columns[self._stand_ins.get(node.id, node.id)])


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _all(parts: list[Truth]) -> Truth:
    """Kleene's conjunction: false if any part is false, else unknown if any is unknown."""
    stacked = np.stack(np.broadcast_arrays(*parts))
    return np.where((stacked == 0.0).any(axis=0), 0.0, np.where(np.isnan(stacked).any(axis=0), np.nan, 1.0))
