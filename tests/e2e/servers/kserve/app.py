"""A model server on KServe, as its documentation has it."""

import sys
from typing import Any

import kserve
from models import LOAD


class Classifier(kserve.Model):  # type: ignore[misc]  # untyped base
    def __init__(self) -> None:
        super().__init__("classifier")
        self.predict_rows = LOAD["scikit_learn"]()
        self.ready = True

    def predict(self, payload: dict[str, Any], headers: Any = None) -> dict[str, Any]:
        return {"predictions": self.predict_rows(payload["instances"])}


if __name__ == "__main__":
    server = kserve.ModelServer(http_port=int(sys.argv[1]), enable_grpc=False, workers=1)
    server.start([Classifier()])
