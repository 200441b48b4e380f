"""A service that reads digits. Nothing in it is Driftline's."""

from typing import Annotated

import torch
from fastapi import Body, FastAPI
from network import load

network = load("digits.pt")
app = FastAPI()


@app.post("/digits")
def read(image: Annotated[list[list[float]], Body()]) -> int:
    with torch.inference_mode():
        return int(network(torch.tensor(image).reshape(1, 1, 8, 8)).argmax())
