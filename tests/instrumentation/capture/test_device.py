"""Tensors of another device: copied without waiting, read when they arrived. A made-up device; CUDA where it is."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from driftline.capture import device  # noqa: E402
from driftline.capture.buffer_pool import BufferPool  # noqa: E402
from driftline.capture.copies import capture, release  # noqa: E402
from driftline.capture.device import SlabRing, capture_into  # noqa: E402
from driftline.capture.strided_sample import MOST_VALUES  # noqa: E402
from driftline.features import blocks, columns, first_rows  # noqa: E402
from driftline.records import LOST, InputFacts, ModelFacts  # noqa: E402

MODEL = ModelFacts("m", None, "M", "pytorch", None, None, None, lambda *_: [], InputFacts())
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device is here")


class SlowSlab:
    """Of a device that does what it was asked for when `deliver` is called."""

    def __init__(self, size: int) -> None:
        self.memory = np.zeros(size, np.uint8)
        self._asked: list[Any] = []

    def receive(self, tensor: Any) -> None:
        assert tensor.is_contiguous()
        self._asked.append(tensor.clone())  # stream order: what the tensor holds now

    @property
    def arrived(self) -> bool:
        return not self._asked

    def deliver(self) -> None:
        for tensor in self._asked:
            data = tensor.view(torch.uint8).numpy().reshape(-1)
            self.memory[: len(data)] = data
        self._asked.clear()


@pytest.fixture
def slabs() -> list[SlowSlab]:
    return [SlowSlab(4096), SlowSlab(4096), SlowSlab(2**20)]


@pytest.fixture
def ring(slabs: list[SlowSlab]) -> SlabRing:
    return SlabRing(lambda: slabs)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.bool])
def test_what_arrives_is_what_was_sent(ring: SlabRing, slabs: list[SlowSlab], dtype: Any) -> None:
    """Of every dtype, also where the tensor changes between the call and the arrival."""
    given = (torch.arange(12).reshape(3, 4) % 5).to(dtype)
    expected = given.double().numpy()
    taken = capture_into(ring, given)
    given.zero_()
    slabs[0].deliver()

    (block,) = blocks.join([taken])
    assert taken.rows == 3
    np.testing.assert_array_equal(np.stack(block.columns).T.astype(float), expected)


def test_nothing_is_read_before_it_is_here(ring: SlabRing, slabs: list[SlowSlab]) -> None:
    """A span does without the rows; the background waits, and says so where nothing comes."""
    taken = capture_into(ring, torch.ones(2, 3))
    assert first_rows.first_rows(MODEL, taken, 1) is None
    assert first_rows.only_row(MODEL, taken) is None

    slabs[0].deliver()
    shown = first_rows.first_rows(MODEL, taken, 1)
    assert shown is not None
    assert [column.tolist() for column in shown.columns] == [[1], [1], [1]]


def test_a_device_that_never_answers(ring: SlabRing, monkeypatch: pytest.MonkeyPatch) -> None:
    """The background gives up after a time, with an error that says why."""
    monkeypatch.setattr(device, "_ARRIVAL_SECONDS", 0.01)
    taken = capture_into(ring, torch.ones(2, 3))

    with pytest.raises(TimeoutError, match=r"device copy did not complete within 0\.01 s"):
        list(blocks.join([taken]))


def test_without_a_free_slab_rows_are_dropped_and_counted(ring: SlabRing, slabs: list[SlowSlab]) -> None:
    """A slab is free when it was given back *and* its copy has arrived: the device still writes until then."""
    held = [capture_into(ring, torch.ones(2, 3)) for _ in range(3)]
    assert capture_into(ring, torch.ones(2, 3))[:3] == (LOST, None, 2)

    for taken in held:
        release(taken)
    assert capture_into(ring, torch.ones(2, 3)).kind == LOST
    slabs[1].deliver()
    assert capture_into(ring, torch.ones(2, 3)).kind == "pooled"


def test_what_no_slab_holds_is_dropped(ring: SlabRing) -> None:
    """Larger than the largest."""
    assert capture_into(ring, torch.ones(2**19, 1))[:3] == (LOST, None, 2**19)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_the_device_takes_the_grid_out_of_large_rows(ring: SlabRing, slabs: list[SlowSlab], layout: Any) -> None:
    """Only that travels, and its statistics are those of the whole."""
    given = torch.rand(8, 3, 224, 224).contiguous(memory_format=layout)
    given[0, 1] = 0
    taken = capture_into(ring, given)
    slabs[2].deliver()

    assert taken.size <= 8 * MOST_VALUES * 4
    (block,) = columns.inputs(MODEL, [taken])
    found = dict(zip(block.names or (), block.columns, strict=True))
    np.testing.assert_allclose(found["image.mean"], given.mean((1, 2, 3)), atol=0.03)
    assert found["image.mean.1"][0] == 0
    assert found["image.mean.0"][0] == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("mode", [torch.inference_mode, torch.no_grad, torch.enable_grad])
def test_the_slabs_of_cuda_keep_bytes_and_flag_apart(monkeypatch: pytest.MonkeyPatch, mode: Any) -> None:
    """The same code on memory that is not pinned: any dtype and shape, again and again, in every mode of autograd."""
    monkeypatch.setattr(device, "_one", lambda _: torch.ones(1, dtype=torch.int32))
    data, flags = torch.zeros(4096, dtype=torch.uint8), torch.ones(2, dtype=torch.int32)
    ring = SlabRing(lambda: [device._CudaSlab(data, flags[:1])])
    for dtype in (torch.float64, torch.bfloat16, torch.bool, torch.int16):
        with mode():
            given = (torch.arange(15).reshape(3, 5).T % 7).to(dtype)
            taken = capture_into(ring, given.requires_grad_() if dtype is torch.float64 else given)
        (block,) = blocks.join([taken])
        np.testing.assert_array_equal(np.stack(block.columns).T.astype(float), given.detach().double().numpy())
        assert not data.requires_grad
        release(taken)
    flags[0] = 0
    assert capture_into(ring, torch.ones(1, 1)).kind == LOST


def test_of_an_unknown_device_only_the_shape_is_kept() -> None:
    """No ring, no copy, no error."""
    assert capture(torch.empty(5, 2, device="meta"), BufferPool(2**20))[:3] == ("opaque", None, 5)


@needs_cuda
@pytest.mark.parametrize("make", [lambda: torch.rand(64, 30), lambda: torch.rand(16, 3, 224, 224)])
def test_cuda_is_never_waited_for(make: Callable[[], Any]) -> None:
    """No call of ours synchronises, in any mode; the rows arrive, also where the tensor is overwritten at once."""
    given = make().cuda()
    expected = given.flatten(1).mean(1).cpu().numpy()
    release(capture(given, BufferPool(2**20)))  # the first one allocates
    torch.cuda.set_sync_debug_mode("error")
    try:
        with torch.inference_mode():
            taken = capture(given, BufferPool(2**20))
        given.zero_()
    finally:
        torch.cuda.set_sync_debug_mode("default")

    (block,) = columns.inputs(MODEL, [taken])
    found = dict(zip(block.names or (), block.columns, strict=True))
    means = found["image.mean"] if "image.mean" in found else np.stack(list(found.values())).mean(0)
    np.testing.assert_allclose(means, expected, atol=0.03)


@needs_cuda
def test_cuda_graphs_are_left_alone() -> None:
    """Nothing is copied while a graph is captured."""
    given = torch.rand(4, 3, device="cuda")
    with torch.cuda.graph(torch.cuda.CUDAGraph()):
        taken = capture(given, BufferPool(2**20))

    assert taken.kind == "opaque"
