"""Scores a table of customers, as a job does every night: `python score.py customers.parquet scored.parquet`."""

import sys

import joblib
import pandas as pd

import driftline

source, target = sys.argv[1:]
customers = pd.read_parquet(source)
model = joblib.load("model.joblib")

with driftline.identified(customers["customer_id"]):
    customers["score"] = model.predict_proba(customers.drop(columns="customer_id"))[:, 1]
customers[["customer_id", "score"]].to_parquet(target)
