"""Trains the seeded models and writes them, their samples and scikit-learn's own answers.

    python -m venv /tmp/models && /tmp/models/bin/pip install scikit-learn==1.9.1 onnx==1.23.2
    /tmp/models/bin/python sandbox/models/train.py

The datasets ship inside scikit-learn, and every seed is fixed. The graphs hold Gemm, Relu and Softmax only: scaling is
folded into the first Gemm, and two classes are a Softmax over (0, z), which is what a logistic function is.
"""

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

HERE = Path(__file__).parent
SAMPLE_ROWS = 5
NOTES = """# Über diese Ansicht

Reviewed for the sandbox. This file has a space and an umlaut in its path on purpose: a model's files keep their names on
the way into an image.
"""


def pipelines():
    """A small linear model as version 1, a small network as version 2."""
    return {
        "1": make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
        "2": make_pipeline(
            StandardScaler(),
            MLPClassifier(hidden_layer_sizes=(16, 8), solver="lbfgs", alpha=1.0, max_iter=2000, random_state=7),
        ),
    }


def dense_layers(pipeline):
    """Weights and biases of every layer in float64, scaling folded in, last layer one column a class."""
    scaler, classifier = pipeline[0], pipeline[-1]
    if isinstance(classifier, LogisticRegression):
        layers = [(classifier.coef_.T, classifier.intercept_)]
    else:
        layers = list(zip(classifier.coefs_, classifier.intercepts_))
    weights, bias = layers[0]
    layers[0] = (weights / scaler.scale_[:, None], bias - (scaler.mean_ / scaler.scale_) @ weights)
    weights, bias = layers[-1]
    if weights.shape[1] == 1:
        layers[-1] = (np.hstack([np.zeros_like(weights), weights]), np.concatenate([[0.0], bias]))
    return layers


def graph(name, pipeline, features, classes):
    """The same function as an ONNX graph over float32."""
    nodes, constants, value = [], [], "features"
    layers = dense_layers(pipeline)
    for index, (weights, bias) in enumerate(layers):
        constants.append(numpy_helper.from_array(weights.astype(np.float32), f"weights_{index}"))
        constants.append(numpy_helper.from_array(bias.astype(np.float32), f"bias_{index}"))
        nodes.append(helper.make_node("Gemm", [value, f"weights_{index}", f"bias_{index}"], [f"dense_{index}"]))
        value = f"dense_{index}"
        if index + 1 < len(layers):
            nodes.append(helper.make_node("Relu", [value], [f"relu_{index}"]))
            value = f"relu_{index}"
    nodes.append(helper.make_node("Softmax", [value], ["probabilities"], axis=1))
    given = helper.make_tensor_value_info("features", TensorProto.FLOAT, ["batch", features])
    answer = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", classes])
    body = helper.make_graph(nodes, name, [given], [answer], constants)
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", 17)], producer_name="train.py", ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model


def dump(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1) + "\n")


def train(name, dataset):
    """Every version of one model: graph, labels; beside them the sample and the answers to it."""
    seen, held_out, targets, truth = train_test_split(
        dataset.data, dataset.target, test_size=0.25, random_state=11, stratify=dataset.target
    )
    labels = [str(label) for label in dataset.target_names]
    sample = held_out[:SAMPLE_ROWS]
    expected = {}
    for version, pipeline in pipelines().items():
        pipeline.fit(seen, targets)
        folder = HERE / name / version
        dump(folder / "labels.json", labels)
        onnx.save(graph(name.replace("-", "_"), pipeline, dataset.data.shape[1], len(labels)), folder / "model.onnx")
        probabilities = pipeline.predict_proba(sample)
        expected[version] = {
            "classes": [labels[index] for index in pipeline.predict(sample)],
            "probabilities": probabilities.tolist(),
        }
        print(f"{name} {version}: {pipeline.score(held_out, truth):.3f} of the held-out rows right")
    dump(HERE / name / "sample.json", {"data": sample.tolist()})
    dump(HERE / name / "expected.json", expected)


if __name__ == "__main__":
    train("breast-cancer", load_breast_cancer())
    train("Wine_Cultivar", load_wine())
    notes = HERE / "breast-cancer" / "2" / "notes" / "über view.md"
    notes.parent.mkdir(parents=True, exist_ok=True)
    notes.write_text(NOTES)
