"""Copies of tensors: of every kind, private, bounded, and without an error of ours."""

import threading
from collections import OrderedDict, namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from driftline.capture.buffer_pool import BufferPool  # noqa: E402
from driftline.capture.copies import Captures, capture, release  # noqa: E402
from driftline.capture.strided_sample import MOST_VALUES  # noqa: E402
from driftline.features import blocks, columns  # noqa: E402
from driftline.records import LOST, Capture, InputFacts, ModelFacts, NamedColumn, as_capture  # noqa: E402

POOL = BufferPool(2**28)
CAPTURES = Captures(POOL)
MODEL = ModelFacts(
    "m", None, "M", "pytorch", None, None, None, lambda _, found, head: [NamedColumn("y", found[0])], InputFacts()
)


def table(taken: Capture) -> Any:
    """[rows, columns], as the background reads it."""
    return np.stack([column for block in blocks.join([taken]) for column in block.columns]).T


@pytest.mark.parametrize(
    "dtype",
    ["float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool", "float8_e4m3fn"],
)
@pytest.mark.parametrize("rows", [1, 3, 3000])
def test_every_dtype_keeps_its_values(dtype: str, rows: int) -> None:
    """One row, a few, and a batch in a pooled buffer: exactly the numbers that torch widens them to."""
    given = (torch.arange(rows * 4).reshape(rows, 4) % 61 - 20.25).to(getattr(torch, dtype))
    taken = capture(given, POOL)

    assert taken.rows == rows
    np.testing.assert_array_equal(table(taken).astype(float), given.to(torch.float64).numpy())
    release(taken)


def test_half_precision_travels_as_it_is_and_widens_exactly() -> None:
    """Every bit pattern of bfloat16 and of float16, infinities and NaN among them; two bytes each on the way."""
    bits = torch.arange(-(2**15), 2**15, dtype=torch.int32).to(torch.int16).reshape(-1, 8)
    for dtype in (torch.bfloat16, torch.float16):
        given = bits.view(dtype)
        taken = capture(given, POOL)
        assert taken.size == 2 * bits.numel()
        np.testing.assert_array_equal(table(taken), given.to(torch.float32).numpy())
        release(taken)


def views() -> dict[str, Callable[[], tuple[Any, Any]]]:
    """Tensors that numpy takes no view of, or not as they lie in memory, and what they hold."""
    base = torch.arange(12.0).reshape(4, 3)
    return {
        "needs a gradient": lambda: (base.clone().requires_grad_(), base),
        "a result that needs one": lambda: (base.clone().requires_grad_() * 2, base * 2),
        "a parameter": lambda: (torch.nn.Parameter(base), base),
        "transposed": lambda: (base.T, base.T),
        "strided": lambda: (base[::2, 1:], base[::2, 1:]),
        "expanded": lambda: (base[:1].expand(5, 3), base[:1].expand(5, 3)),
        "negated view": lambda: (torch.complex(base, base).conj().imag, -base),
        "quantized": lambda: (torch.quantize_per_tensor(base, 1.0, 0, torch.quint8), base),
        "bfloat16, transposed": lambda: (base.to(torch.bfloat16).T, base.T),
        "bfloat16 that needs a gradient": lambda: (base.to(torch.bfloat16).requires_grad_(), base),
    }


@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor")  # they are still met
@pytest.mark.parametrize("name", views())
def test_tensors_that_numpy_refuses_are_read(name: str) -> None:
    """Their values are those that torch shows."""
    given, expected = views()[name]()

    np.testing.assert_array_equal(table(capture(given, POOL)), expected.numpy())


def shapeless() -> dict[str, Callable[[], Any]]:
    nested = lambda: torch.nested.nested_tensor([torch.ones(2), torch.ones(3)], layout=torch.jagged)  # noqa: E731
    return {
        "meta": lambda: torch.empty(2, 3, device="meta"),
        "sparse": lambda: torch.eye(2).to_sparse(),
        "MKL-DNN": lambda: torch.eye(2).to_mkldnn(),
        "nested": nested,
        "complex": lambda: torch.zeros(2, 3, dtype=torch.complex64),
    }


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", shapeless())
def test_of_what_has_no_plain_values_only_the_rows_are_kept(name: str) -> None:
    """Nothing is raised, and nothing is shown."""
    taken = capture(shapeless()[name](), POOL)

    assert (taken.kind, taken.rows, taken.size) == ("opaque", 2, 0)
    assert list(blocks.join([taken])) == []


@pytest.mark.parametrize("shape", [(1, 4), (64, 4), (5000, 4), (2, 3, 64, 64)])
def test_what_is_recorded_does_not_change_with_the_tensor(shape: tuple[int, ...]) -> None:
    """The copy is complete when `capture` returns: the caller's buffer can be used again at once."""
    given = torch.rand(shape)
    before = capture(given, POOL)
    kept = [block.columns for block in columns.inputs(MODEL, [before])]
    kept = [np.array(column) for found in kept for column in found]
    given.fill_(7)
    after = [column for block in columns.inputs(MODEL, [before]) for column in block.columns]

    for one, other in zip(kept, after, strict=True):
        np.testing.assert_array_equal(one, other)
    assert not any((column == 7).any() for column in after)
    release(before)


def test_modes_of_autograd_make_no_difference() -> None:
    """Inside `inference_mode`, `no_grad` and autocast the values are the same; no graph is kept alive."""
    layer = torch.nn.Linear(3, 2)
    given = torch.rand(4, 3)
    for mode in (torch.inference_mode, torch.no_grad, torch.enable_grad):
        with mode():
            result = layer(given)
            taken = as_capture(CAPTURES.of(result, returned=True))
        np.testing.assert_array_equal(table(taken), result.detach().numpy())
        assert taken.kind == "bytes"
    with torch.autocast("cpu", torch.bfloat16), torch.inference_mode():
        result = layer(given)
        np.testing.assert_array_equal(table(as_capture(CAPTURES.of(result, returned=True))), result.float().numpy())


def test_of_large_rows_a_grid_is_copied() -> None:
    """At most MOST_VALUES of each, whatever the size; a batch of 19 MB becomes one of half a megabyte."""
    batch = torch.rand(32, 3, 224, 224)
    for given in (batch, batch.to(memory_format=torch.channels_last), batch.bfloat16(), batch[:, :, ::2]):
        taken = capture(given, POOL)
        grid, inner = taken.payload
        assert taken.rows == 32
        assert MOST_VALUES // 2 < grid.values <= MOST_VALUES
        assert taken.size == inner.size <= 32 * MOST_VALUES * given.element_size()
        release(taken)


def test_without_room_only_the_rows_are_counted() -> None:
    """A pool bounds what waits: beyond it nothing is copied, of a record neither."""
    small = BufferPool(2**16)
    batch = torch.rand(5000, 30)

    assert capture(batch, small)[:3] == (LOST, None, 5000)
    assert capture({"a": batch, "b": batch[:, :1]}, small)[:3] == (LOST, None, 5000)


def test_buffers_come_back() -> None:
    """Also those of a record and of a grid: the same room does for any number of calls."""
    room = BufferPool(2**22)
    for _ in range(20):
        taken = capture({"image": torch.rand(32, 3, 64, 64), "age": torch.rand(5000)}, room)
        assert taken.kind == "record"
        release(taken)


def test_threads_do_not_share_copies() -> None:
    """Eight threads that reuse their own buffers: each copy holds the values of its own call."""
    wrong: list[int] = []

    def serve(number: int) -> None:
        buffer = torch.empty(3000, 3)
        for call in range(20):
            buffer.fill_(100 * number + call)
            taken = capture(buffer, POOL)
            buffer.fill_(-1)
            if not (table(taken) == 100 * number + call).all():
                wrong.append(number)
            release(taken)

    threads = [threading.Thread(target=serve, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


Pair = namedtuple("Pair", ["first", "second"])  # noqa: PYI024  # torch returns such


@dataclass
class Detection:
    boxes: Any
    scores: Any
    note: str = "none"


LOGITS, BOXES = torch.rand(4, 3), torch.rand(4, 2)


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ({"logits": LOGITS, "boxes": BOXES}, ["y.logits", "y.boxes"]),
        (OrderedDict(logits=LOGITS, loss=LOGITS.sum(), past_key_values=((LOGITS,),), hidden_states=(LOGITS,)), ["y"]),
        (Pair(LOGITS, BOXES), ["y.first", "y.second"]),
        (Detection(BOXES, LOGITS), ["y.boxes", "y.scores"]),
        ((LOGITS.sum(), LOGITS, None, BOXES), ["y.1", "y.3"]),
        ([LOGITS, BOXES], ["y.0", "y.1"]),
        ((LOGITS,), ["y"]),
        (LOGITS, ["y"]),
    ],
)
def test_outputs_are_named_by_their_keys(output: Any, expected: list[str]) -> None:
    """Dicts, tuples, named tuples and data classes; what is no output of the rows is left out."""
    taken = as_capture(CAPTURES.of(output, returned=True))

    assert taken.rows == 4
    assert [column.name for column in columns.outputs(MODEL, "forward", [taken])] == expected


def test_transformers_outputs_are_named_by_their_keys() -> None:
    """Hugging Face's ModelOutput is a mapping and a data class; empty fields are none of its keys."""
    outputs = pytest.importorskip("transformers.modeling_outputs")
    output = outputs.SequenceClassifierOutput(loss=LOGITS.sum(), logits=LOGITS, hidden_states=(LOGITS,))

    taken = as_capture(CAPTURES.of(output, returned=True))
    assert [column.name for column in columns.outputs(MODEL, "forward", [taken])] == ["y"]


def test_a_list_of_tensors_is_rows() -> None:
    """Of one shape they are stacked; of several only their number is known, as it is of results of many parts."""
    same = capture([torch.ones(3), torch.zeros(3)], POOL)

    assert table(same).tolist() == [[1, 1, 1], [0, 0, 0]]
    assert capture([torch.ones(3), torch.ones(4)], POOL)[:3] == ("opaque", None, 2)
    assert as_capture(CAPTURES.of([{"boxes": BOXES}, {"boxes": BOXES}], returned=True))[:3] == ("opaque", None, 2)
