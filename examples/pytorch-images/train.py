"""Trains a small network on images of digits, 8 x 8, and writes what it was trained on as tensors."""

import torch
from network import Digits
from sklearn.datasets import load_digits

data = load_digits()
images = torch.tensor(data.images, dtype=torch.float32).unsqueeze(1) / 16
labels = torch.tensor(data.target)

torch.manual_seed(0)
network = Digits()
optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
for _ in range(30):
    optimizer.zero_grad()
    torch.nn.functional.cross_entropy(network(images), labels).backward()
    optimizer.step()

torch.save(network.state_dict(), "digits.pt")
torch.save(images, "images.pt")
