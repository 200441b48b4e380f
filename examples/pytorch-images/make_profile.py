"""Makes the reference: the network's answers and summaries of the images, such as their brightness and contrast."""

import torch
from network import load

import driftline

images, network = torch.load("images.pt", weights_only=True), load("digits.pt")
with torch.inference_mode():
    driftline.profile(images, model="digits", prediction=network(images).argmax(1)).save(
        "references/digits.reference.json"
    )
