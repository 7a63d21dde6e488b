"""The encoder as int8 ONNX: weights of one signed byte, one scale for each column; activations are quantised as they come.

The graph is written node by node, with the fused operators that onnxruntime has on every CPU build, because a traced
graph is twice as slow at the length of a window. Weights use 7 of their 8 bits: the byte products of processors without
VNNI saturate otherwise, and a verdict must not depend on the processor. The word table is int8 with a scale for each row.

Inputs `input_ids` and `attention_mask`, int64 [B, T]; output `logits`, float32 [B, heads].
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from net import Encoder

MICROSOFT = "com.microsoft"


def write(model: Encoder, path: Path, int8: bool = True) -> None:
    """`model` as ONNX at `path`; with `int8` false the same graph in float32, to measure what quantising costs."""
    state = {name: value.detach().float().numpy() for name, value in model.state_dict().items()}
    heads = model.layers[0].heads
    eps = model.norm.eps
    nodes: list[onnx.NodeProto] = []
    weights: list[onnx.TensorProto] = []

    def keep(name: str, value: np.ndarray) -> str:
        weights.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(kind: str, inputs: list[str], output: str, domain: str = "", **attributes: object) -> str:
        nodes.append(helper.make_node(kind, inputs, [output], name=output, domain=domain, **attributes))
        return output

    def linear(x: str, name: str) -> str:
        weight, bias = state[f"{name}.weight"], keep(f"{name}.b", state[f"{name}.bias"])
        if not int8:
            return node("Add", [node("MatMul", [x, keep(f"{name}.w", weight.T)], f"{name}.product"), bias], name)
        scale = np.maximum(np.abs(weight).max(1), 1e-12) / 63
        table = np.clip(np.rint(weight / scale[:, None]), -63, 63).astype(np.int8)
        inputs = [
            x,
            keep(f"{name}.w", table.T),
            keep(f"{name}.s", scale.astype(np.float32)),
            keep(f"{name}.z", np.zeros(len(scale), np.int8)),
            bias,
        ]
        return node("DynamicQuantizeMatMul", inputs, name, MICROSOFT)

    if int8:
        scale = np.maximum(np.abs(state["word.weight"]).max(1, keepdims=True), 1e-12) / 127
        table = np.clip(np.rint(state["word.weight"] / scale), -127, 127).astype(np.int8)
        bytes_ = node("Gather", [keep("word", table), "input_ids"], "word.bytes")
        scales = node("Gather", [keep("word.s", scale.astype(np.float32)), "input_ids"], "word.scale")
        x = node("Mul", [node("Cast", [bytes_], "word.float", to=TensorProto.FLOAT), scales], "word.rows")
    else:
        x = node("Gather", [keep("word", state["word.weight"]), "input_ids"], "word.rows")
    shape = node("Shape", ["input_ids"], "shape", start=1)
    places = node("Slice", [keep("position", state["position"]), keep("zero", np.array([0])), shape, keep("axis", np.array([0]))], "places")
    x = node("Add", [x, places], "embedded")
    x = node(
        "LayerNormalization", [x, keep("norm.g", state["norm.weight"]), keep("norm.b", state["norm.bias"])], "norm", axis=-1, epsilon=eps
    )
    mask = node("Cast", ["attention_mask"], "mask", to=TensorProto.INT32)

    def add_and_norm(x: str, y: str, name: str) -> str:
        # Sum, not Add: Add before a normalisation is fused into an operator that is four times slower on CPUs.
        gain, shift = keep(f"{name}.g", state[f"{name}.weight"]), keep(f"{name}.b", state[f"{name}.bias"])
        return node("LayerNormalization", [node("Sum", [x, y], f"{name}.sum"), gain, shift], name, axis=-1, epsilon=eps)

    for index in range(len(model.layers)):
        at = f"layers.{index}"
        parts = [f"{at}.q", f"{at}.k", f"{at}.v"]
        nodes.append(helper.make_node("Split", [linear(x, f"{at}.qkv")], parts, name=f"{at}.split", axis=-1, num_outputs=3))
        y = node("MultiHeadAttention", [*parts, "", mask], f"{at}.attention", MICROSOFT, num_heads=heads)
        x = add_and_norm(x, linear(y, f"{at}.out"), f"{at}.norm1")
        y = node("Gelu", [linear(x, f"{at}.up")], f"{at}.gelu", MICROSOFT)
        x = add_and_norm(x, linear(y, f"{at}.down"), f"{at}.norm2")

    real = node("Cast", ["attention_mask"], "real", to=TensorProto.FLOAT)
    last = keep("last", np.array([2]))
    total = node(
        "ReduceSum",
        [node("Mul", [x, node("Unsqueeze", [real, last], "real.column")], "masked"), keep("one", np.array([1]))],
        "total",
        keepdims=0,
    )
    count = node("ReduceSum", [real, "one"], "count", keepdims=1)
    mean = node("Div", [total, count], "mean")
    node("Gemm", [mean, keep("head.w", state["head.weight"]), keep("head.b", state["head.bias"])], "logits", transB=1)

    outputs = state["head.weight"].shape[0]
    graph = helper.make_graph(
        nodes,
        "guard",
        [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"]) for name in ("input_ids", "attention_mask")],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", outputs])],
        weights,
    )
    made = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 18), helper.make_opsetid(MICROSOFT, 1)], ir_version=9, producer_name="holdfast"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(made.SerializeToString(deterministic=True))
