"""What int8 costs: the shipped encoder and the same graph in float32 on the same texts. Run by `train`."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from tokenizers import Tokenizer

import export
import fit
from measure import area
from net import Encoder
from rows import HEADS, Row


def session(path: Path) -> Callable[[torch.Tensor, torch.Tensor], np.ndarray]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    made = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda ids, mask: made.run(None, {"input_ids": ids.numpy(), "attention_mask": mask.numpy()})[0]


def logits(path: Path, tokenizer: Tokenizer, texts: Sequence[str]) -> np.ndarray:
    return fit.run(*fit.chunks(tokenizer, texts), len(texts), session(path), tokens=1024)


def compare(model: Encoder, int8: Path, tokenizer: Tokenizer, rows: list[Row], out: Path) -> None:
    """Writes AUC of both for each head that the rows say enough about, and how far the logits moved."""
    whole = int8.with_name("float32.onnx")
    export.write(model, whole, int8=False)
    texts = [row.text for row in rows]
    before, after = logits(whole, tokenizer, texts), logits(int8, tokenizer, texts)
    whole.unlink()
    wanted = np.array([row.targets() for row in rows])
    made = {}
    for index, head in enumerate(HEADS):
        yes, no = wanted[:, index] == 1, wanted[:, index] == 0
        if yes.sum() >= 20 and no.sum() >= 20:
            made[head] = {
                "float": area(before[yes, index], before[no, index]),
                "int8": area(after[yes, index], after[no, index]),
                "change": float(np.abs(before[:, index] - after[:, index]).mean()),
            }
    out.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
