"""A model server on BentoML; `tracing` is what docs/guides/servers.md tells."""

import bentoml
from models import LOAD


@bentoml.service(workers=2, tracing={"sample_rate": 1.0, "exporter_type": "otlp", "otlp": {"protocol": "grpc"}})
class Classifier:
    def __init__(self) -> None:
        self.predict_rows = LOAD["scikit_learn"]()

    @bentoml.api
    def predict(self, rows: list[list[float]]) -> list[int]:
        return self.predict_rows(rows)
