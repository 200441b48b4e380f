"""Makes customers, trains on some of them, and leaves others to be scored, with what became of them."""

import joblib
import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier

random, rows = np.random.default_rng(0), 6_000
customers = pd.DataFrame(
    {
        "customer_id": [f"c{number}" for number in range(rows)],
        "age": random.integers(18, 90, rows),
        "monthly_fee": np.round(random.lognormal(3, 0.4, rows), 2),
        "calls": random.poisson(2, rows),
    }
)
left = random.random(rows) < 1 / (1 + np.exp(4 - customers["calls"] - customers["monthly_fee"] / 30))
train, rest = customers[:5_000], customers[5_000:]
joblib.dump(
    HistGradientBoostingClassifier(max_iter=30).fit(train.drop(columns="customer_id"), left[:5_000]), "model.joblib"
)
train.assign(left=left[:5_000]).to_parquet("train.parquet")
rest.to_parquet("customers.parquet")
rest[["customer_id"]].assign(left=left[5_000:]).to_parquet("left.parquet")
