"""The models that the servers under test serve: three numbers in, a class out. Nothing here knows of Driftline."""

from collections.abc import Callable
from typing import Final

Rows = list[list[float]]
Predict = Callable[[Rows], list[int]]


def scikit_learn() -> Predict:
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    X = np.random.default_rng(1).normal(size=(200, 3))
    model = LogisticRegression().fit(X, X[:, 0] > 0)
    return lambda rows: [int(label) for label in model.predict(np.asarray(rows))]


def pytorch() -> Predict:
    import torch

    torch.set_num_threads(1)
    model = torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2)).eval()

    @torch.inference_mode()
    def predict(rows: Rows) -> list[int]:
        classes: list[int] = model(torch.tensor(rows)).argmax(1).tolist()
        return classes

    return predict


LOAD: Final[dict[str, Callable[[], Predict]]] = {"scikit_learn": scikit_learn, "pytorch": pytorch}
"""By `ml.system.name`."""
