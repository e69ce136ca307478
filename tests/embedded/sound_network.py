"""A network of smart-turn's shape that a test makes: it says the same of every sound."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from onnx import TensorProto, helper

from pipelines.embedded.speech.fetched import turn_model


def model(complete: float) -> bytes:
    """The ONNX file: ``complete`` whatever it hears."""
    heard = helper.make_tensor_value_info("input_features", TensorProto.FLOAT, [1, 80, 800])
    told = helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 1])
    nodes = [
        helper.make_node("ReduceMean", ["input_features"], ["mean"], keepdims=0, axes=[1, 2]),
        helper.make_node("Mul", ["mean", "nothing"], ["zero"]),
        helper.make_node("Add", ["zero", "complete"], ["sum"]),
        helper.make_node("Reshape", ["sum", "shape"], ["logits"]),
    ]
    constants = [
        helper.make_tensor("nothing", TensorProto.FLOAT, [1], [0.0]),
        helper.make_tensor("complete", TensorProto.FLOAT, [1], [complete]),
        helper.make_tensor("shape", TensorProto.INT64, [2], [1, 1]),
    ]
    graph = helper.make_graph(nodes, "turn", [heard], [told], constants)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    written: bytes = made.SerializeToString()
    return written


def install(home: Path, monkeypatch: pytest.MonkeyPatch, complete: float) -> Path:
    """Puts it into ``home``, which is used from now on, as the network that was tried."""
    file = turn_model(home)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(model(complete))
    monkeypatch.setattr("sophia.smart_turn.DIGEST", hashlib.sha256(file.read_bytes()).hexdigest())
    monkeypatch.setenv("SOPHIA_HOME", str(home))
    return file
