"""A model behind a page of Gradio's: an event of the page is a call of the model. `signal` is what the guide tells."""

import signal
import sys

import gradio
from models import LOAD, Rows

signal.signal(signal.SIGTERM, signal.default_int_handler)
predict_rows = LOAD["scikit_learn"]()


def predict(rows: Rows) -> list[int]:
    return predict_rows(rows)


if __name__ == "__main__":
    demo = gradio.Interface(predict, gradio.JSON(), gradio.JSON(), api_name="predict")
    demo.launch(server_name="127.0.0.1", server_port=int(sys.argv[1]))
