"""torch_200_layers: how much longer a call of a deep model takes: nothing may hang on its submodules.

Measured: the caller's time of one row through 200 layers Linear(16), its trace not sampled. Against: the same layers in
a container that is not recorded. Both take turns call by call; a round is the medians of 100 calls.
"""

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from opentelemetry.trace import NonRecordingSpan, SpanContext, use_span
from torch import nn

from bench.harness import ROUNDS, Figure, interleaved, typical
from bench.rig import rig

LAYERS: Final = 200
WIDTH: Final = 16
CALLS: Final = 100


def measure() -> NDArray[np.float64]:
    torch.set_num_threads(1)
    row = torch.randn(1, WIDTH)
    unsampled = NonRecordingSpan(SpanContext(1, 1, is_remote=True))
    with rig() as process, torch.inference_mode(), use_span(unsampled):
        model = nn.Sequential(*(nn.Linear(WIDTH, WIDTH) for _ in range(LAYERS))).eval()
        bare = nn.Sequential(*model)  # nobody was told that this one is a model
        variants = {"bare": lambda: typical(lambda: bare(row), 1), "driftline": lambda: typical(lambda: model(row), 1)}
        seconds = interleaved(variants, ROUNDS * CALLS)
        process.settle()
    medians = {name: np.median(times.reshape(ROUNDS, CALLS), axis=1) for name, times in seconds.items()}
    return medians["driftline"] / medians["bare"]


FIGURE: Final = Figure("torch_200_layers", "the same layers, not recorded", gate=1.05, goal=1.02, measure=measure)
