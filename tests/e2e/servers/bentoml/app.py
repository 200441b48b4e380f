"""A model server on BentoML."""

import bentoml
from models import LOAD


@bentoml.service(workers=2)
class Classifier:
    def __init__(self) -> None:
        self.predict_rows = LOAD["scikit_learn"]()

    @bentoml.api
    def predict(self, rows: list[list[float]]) -> list[int]:
        return self.predict_rows(rows)
