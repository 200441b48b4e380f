"""A model server on Ray Serve: two replicas behind a proxy. `__del__` and `shutdown` are what the guide tells."""

import os
import sys

from models import LOAD
from ray import serve
from starlette.requests import Request

import driftline


@serve.deployment(num_replicas=2, ray_actor_options={"num_cpus": 0.1})
class Classifier:
    def __init__(self) -> None:
        self.predict_rows = LOAD["scikit_learn"]()

    async def __call__(self, request: Request) -> list[int]:
        return self.predict_rows(await request.json()) if request.method == "POST" else [os.getpid()]

    def __del__(self) -> None:
        driftline.flush()


app = Classifier.bind()

if __name__ == "__main__":
    serve.start(http_options={"host": "127.0.0.1", "port": int(sys.argv[1])})
    try:
        serve.run(app, blocking=True)
    finally:
        serve.shutdown()
