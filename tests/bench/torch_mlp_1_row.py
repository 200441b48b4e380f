"""torch_mlp_1_row: what Driftline adds to one row through a small network whose trace is not sampled.

Measured: the caller's time of one row of 30 floats through a 30-16-2 network, recorded, inside an unsampled parent
span; less the same of a network that is not recorded. Against: what a span of the SDK around that call adds (sampled,
no attributes, batch processor, encoding exporter). Medians of 1,000 calls; all else happens between the blocks.
"""

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from opentelemetry.trace import NonRecordingSpan, SpanContext, use_span
from torch import nn

from bench.harness import Figure, interleaved, typical
from bench.rig import FEATURES, Rig, rig

CALLS: Final = 1000
"""In a block: fewer than wake the aggregating thread."""


def measure() -> NDArray[np.float64]:
    torch.set_num_threads(1)
    row = torch.randn(1, FEATURES)
    with rig() as process, torch.inference_mode():
        model = nn.Sequential(nn.Linear(FEATURES, 16), nn.ReLU(), nn.Linear(16, 2)).eval()
        bare = nn.Sequential(*model)  # nobody was told that this one is a model

        def in_span() -> None:
            with process.tracer.start_as_current_span("forward"):
                bare(row)

        seconds = interleaved(
            {
                "bare": lambda: typical(lambda: bare(row), CALLS),
                "span": lambda: _settled(process, typical(in_span, CALLS)),
                "capture": lambda: _settled(process, _unsampled(model, row)),
            }
        )
    return (seconds["capture"] - seconds["bare"]) / (seconds["span"] - seconds["bare"])


def _unsampled(model: nn.Module, row: torch.Tensor) -> float:
    with use_span(NonRecordingSpan(SpanContext(1, 1, is_remote=True))):
        return typical(lambda: model(row), CALLS)


def _settled(process: Rig, seconds: float) -> float:
    process.settle()
    return seconds


FIGURE: Final = Figure(
    "torch_mlp_1_row", "a bare SDK span around the same network", gate=0.75, goal=0.5, measure=measure
)
