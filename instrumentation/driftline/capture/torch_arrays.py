"""CPU tensors as numpy arrays. Never imports torch: where there is a tensor, it is loaded."""

import sys
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

BFLOAT16: Final = np.dtype([("bfloat16", "<u2")])
"""numpy has no bfloat16: its raw bits are kept under this dtype until `widened` converts them in the background."""


def as_array(tensor: Any) -> NDArray[Any] | None:
    """A view, to be copied at once; None if numpy cannot represent the values. Never raises."""
    try:
        # Asking costs a hundredth of an exception: torch's errors carry their C++ stack.
        array: NDArray[Any] = (tensor.detach() if tensor.requires_grad else tensor).numpy()
    except Exception:  # noqa: BLE001  # a dtype that numpy does not have
        return _as_array_slowly(tensor)
    return array if array.dtype.kind in "fiub" else None


def _as_array_slowly(tensor: Any) -> NDArray[Any] | None:
    try:
        array: NDArray[Any] = _plain(sys.modules["torch"], tensor.detach())
    except Exception:  # noqa: BLE001  # no strided memory: meta, sparse, nested, MKL-DNN
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
    """Convert bfloat16 bits to float32, of which they are the upper half; other arrays pass through."""
    if array.dtype != BFLOAT16:
        return array
    bits = np.ascontiguousarray(array).view(np.uint16).astype(np.uint32) << np.uint32(16)
    numbers: NDArray[Any] = bits.view(np.float32)
    return numbers.reshape(array.shape)


def row_count(tensor: Any) -> int:
    """Number of rows, also of nested tensors, which have no shape; a scalar tensor is one row."""
    return int(tensor.size(0)) if tensor.dim() else 1


def stacked(tensors: Sequence[Any]) -> Any:
    """Stack tensors of one shape as rows; None if their shapes differ."""
    try:
        return sys.modules["torch"].stack(list(tensors))
    except Exception:  # noqa: BLE001  # different shapes
        return None
