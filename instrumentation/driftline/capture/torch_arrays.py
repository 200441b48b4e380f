"""Tensors in the memory of this process, as arrays. torch is never imported: where there is a tensor, it is there."""

import sys
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

BFLOAT16: Final = np.dtype([("bfloat16", "<u2")])
"""numpy has no bfloat16: its bits travel under this name, and `widened` makes numbers of them, in the background."""


def as_array(tensor: Any) -> NDArray[Any] | None:
    """A view, to be copied at once; None where there are no values that numpy could hold. Never raises."""
    try:
        # To be asked is a hundredth of what it costs to be refused: torch's errors hold their C++ stack.
        array: NDArray[Any] = (tensor.detach() if tensor.requires_grad else tensor).numpy()
    except Exception:  # noqa: BLE001  # of a kind that numpy does not know
        return _as_array_slowly(tensor)
    return array if array.dtype.kind in "fiub" else None


def _as_array_slowly(tensor: Any) -> NDArray[Any] | None:
    try:
        array: NDArray[Any] = _plain(sys.modules["torch"], tensor.detach())
    except Exception:  # noqa: BLE001  # meta, sparse, nested, MKL-DNN: what has no strided memory
        return None
    return array if array.dtype.kind in "fiub" or array.dtype == BFLOAT16 else None


def _plain(torch: Any, tensor: Any) -> Any:
    if tensor.is_quantized:
        tensor = tensor.dequantize()
    if tensor.dtype is torch.bfloat16:
        return tensor.resolve_neg().view(torch.int16).numpy().view(BFLOAT16)
    if tensor.is_floating_point() and tensor.element_size() == 1:
        tensor = tensor.float()
    return tensor.resolve_conj().resolve_neg().numpy()


def widened(array: NDArray[Any]) -> NDArray[Any]:
    """Numbers: a bfloat16 is the upper half of a float32, so nothing is lost."""
    if array.dtype != BFLOAT16:
        return array
    bits = np.ascontiguousarray(array).view(np.uint16).astype(np.uint32) << np.uint32(16)
    numbers: NDArray[Any] = bits.view(np.float32)
    return numbers.reshape(array.shape)


def rows_of(tensor: Any) -> int:
    """Also of nested tensors, which have no shape. A tensor without dimensions is one row."""
    return int(tensor.size(0)) if tensor.dim() else 1


def stacked(tensors: Sequence[Any]) -> Any:
    """Tensors of one shape as rows of one; None where they have several shapes."""
    try:
        return sys.modules["torch"].stack(list(tensors))
    except Exception:  # noqa: BLE001  # then they are nobody's rows
        return None
