"""A model of MLServer's own kind."""

from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse
from models import LOAD


class Model(MLModel):  # type: ignore[misc]  # untyped base
    async def load(self) -> bool:
        self.predict_rows = LOAD["scikit_learn"]()
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        import numpy as np

        rows = NumpyCodec.decode_input(payload.inputs[0]).tolist()
        output = NumpyCodec.encode_output("labels", np.asarray(self.predict_rows(rows)))
        return InferenceResponse(model_name=self.name, outputs=[output])
