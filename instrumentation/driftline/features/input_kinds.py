"""Determines the kind of an input (table, image, audio, embedding, tokens) from its description, shape and name."""

from typing import Any, Final

from driftline.records import InputFacts

TABULAR: Final = "tabular"
IMAGE: Final = "image"
AUDIO: Final = "audio"
EMBEDDING: Final = "embedding"
TOKENS: Final = "tokens"
TENSOR: Final = "tensor"
"""Any other input of more than two dimensions."""

KINDS: Final = (TABULAR, IMAGE, AUDIO, EMBEDDING, TOKENS, TENSOR)

WIDEST_TABLE: Final = 127
"""Rows of up to this many unnamed numbers are a table; longer ones are a vector."""

_SHORTEST_SOUND: Final = 4000
_SMALLEST_SIDE: Final = 8
_CHANNELS: Final = (1, 3, 4)
_FEWEST_WORDS: Final = 1000
_SOUNDS: Final = ("input_values", "waveform")


def input_kind(name: str | None, shape: tuple[int, ...], dtype: Any, facts: InputFacts) -> str:
    """The kind of an input part. shape: of a row. dtype: numpy's."""
    if not shape:
        return TABULAR
    if facts.kind is not None and _may_be(facts.kind, shape, dtype):
        return facts.kind
    if len(shape) < 2:
        return _kind_of_vector(name, shape[0], dtype, facts)
    return IMAGE if channel_axis(shape) is not None else AUDIO if name in _SOUNDS else TENSOR


def _may_be(kind: str, shape: tuple[int, ...], dtype: Any) -> bool:
    """Whether a part of an input can be of the kind described for the model."""
    if kind == IMAGE:
        return channel_axis(shape) is not None
    if kind == TOKENS:
        return len(shape) == 1 and dtype.kind in "iu"
    if kind in (EMBEDDING, TABULAR):
        return len(shape) == 1
    return True


def _kind_of_vector(name: str | None, width: int, dtype: Any, facts: InputFacts) -> str:
    if dtype.kind in "iu":
        return TOKENS if facts.vocabulary >= _FEWEST_WORDS and _names_tokens(name) else TABULAR
    if dtype.kind not in "fV":  # V: bfloat16
        return TABULAR
    if name in _SOUNDS or width > _SHORTEST_SOUND:
        return AUDIO
    return EMBEDDING if width > WIDEST_TABLE else TABULAR


def _names_tokens(name: str | None) -> bool:
    return name is not None and (name.endswith("_ids") or name in ("ids", "tokens"))


def is_auxiliary(name: str) -> bool:
    """Whether a part of an input only tells how to read another one (masks, positions)."""
    return name.endswith("_mask") or name in ("token_type_ids", "position_ids")


def channel_axis(shape: tuple[int, ...]) -> int | None:
    """The channel axis, 0 or 2, of an image of this shape; None if it is not an image."""
    if len(shape) == 3:
        for axis, sides in ((0, shape[1:]), (2, shape[:2])):
            if shape[axis] in _CHANNELS and min(sides) >= _SMALLEST_SIDE:
                return axis
    return None
