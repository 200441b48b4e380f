"""A model server on Flask, as people write it; the two lines in the middle are those of the guide."""

import os
import time

from flask import Flask, request
from models import LOAD
from opentelemetry.instrumentation.wsgi import OpenTelemetryMiddleware

predict_rows = LOAD[os.environ["FRAMEWORK"]]()
app = Flask(__name__)
app.wsgi_app = OpenTelemetryMiddleware(app.wsgi_app)  # type: ignore[method-assign]


@app.get("/health")
def health() -> str:
    return str(os.getpid())


@app.post("/predict")
def predict() -> list[int]:
    return predict_rows(request.get_json())


@app.get("/hang")
def hang() -> str:
    time.sleep(600)
    return "never"
