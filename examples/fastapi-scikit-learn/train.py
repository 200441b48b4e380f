"""Trains the model, and writes what it was trained on, with its own answers: that is what it will be compared with."""

import joblib
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

data = load_breast_cancer(as_frame=True)
X, y = data.data, data.target_names[data.target]
model = make_pipeline(StandardScaler(), LogisticRegression())

# Out-of-fold answers: those on rows that the model has learned by heart are better than any that it will give.
scores = cross_val_predict(model, X, y, cv=5, method="predict_proba")[:, 0]
predicted = np.where(scores > 0.5, "malignant", "benign")
X.assign(diagnosis=y, predicted=predicted, score=scores).to_parquet("train.parquet")
joblib.dump(model.fit(X, y), "model.joblib")
