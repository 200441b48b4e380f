"""The network: one convolution, and a linear layer on it."""

import torch
from torch import Tensor, nn


class Digits(nn.Module):
    """Images, [rows, 1, 8, 8] in 0..1 → scores of the ten digits, [rows, 10]."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(1, 16, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16 * 6 * 6, 10))

    def forward(self, images: Tensor) -> Tensor:
        scores: Tensor = self.layers(images)
        return scores


def load(path: str) -> Digits:
    network = Digits()
    network.load_state_dict(torch.load(path, weights_only=True))
    return network.eval()
