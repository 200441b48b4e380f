"""A model server on LitServe: two processes that predict behind one that answers. `signal` is what the guide tells."""

import signal
import sys
from typing import Any

import litserve
from fastapi import Request
from models import LOAD, Rows

signal.signal(signal.SIGTERM, signal.default_int_handler)


class Api(litserve.LitAPI):  # type: ignore[misc]  # untyped base
    def setup(self, device: str) -> None:
        self.predict_rows = LOAD["scikit_learn"]()

    def decode_request(self, request: Request) -> Any:
        return request

    def predict(self, rows: Rows) -> list[int]:
        return self.predict_rows(rows)

    def encode_response(self, labels: Any) -> Any:
        return labels


if __name__ == "__main__":
    server = litserve.LitServer(Api(), accelerator="cpu", workers_per_device=2)
    server.run(host="127.0.0.1", port=int(sys.argv[1]), num_api_servers=1, generate_client_file=False)
