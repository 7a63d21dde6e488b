"""The network: a BERT encoder, mean pooling, one linear layer with a sigmoid for each head.

`forward` takes ids and mask and gives logits. The word table is frozen while heads are trained: it stays where the transplant left
it, so words that the training rows do not hold stay near those that they do.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from base import Base
from body import Body


class Layer(nn.Module):
    def __init__(self, hidden: int, heads: int, inner: int, eps: float, drop: float) -> None:
        super().__init__()
        self.heads = heads
        self.drop = drop
        self.qkv = nn.Linear(hidden, 3 * hidden)
        self.out = nn.Linear(hidden, hidden)
        self.norm1 = nn.LayerNorm(hidden, eps)
        self.up = nn.Linear(hidden, inner)
        self.down = nn.Linear(inner, hidden)
        self.norm2 = nn.LayerNorm(hidden, eps)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        b, t, h = x.shape
        q, k, v = self.qkv(x).view(b, t, 3, self.heads, h // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        # Written out: on CPUs with AMX two plain products are several times faster than the fused kernel at these sizes.
        y = ((q * (h // self.heads) ** -0.5) @ k.transpose(-1, -2) + mask.to(q.dtype)).softmax(-1) @ v
        y = self.out(y.transpose(1, 2).reshape(b, t, h))
        x = self.norm1(x + F.dropout(y, self.drop, self.training))
        y = self.down(F.gelu(self.up(x)))
        return self.norm2(x + F.dropout(y, self.drop, self.training))


class Encoder(nn.Module):
    def __init__(self, base: Base | Body, word: np.ndarray, layers: int, positions: int, outputs: int, drop: float = 0.0) -> None:
        super().__init__()
        self.word = nn.Embedding.from_pretrained(torch.from_numpy(word), freeze=True)
        # One token type only: its vector is added to the positions once and for all.
        self.position = nn.Parameter(torch.from_numpy(base.tensors["emb.pos"][:positions] + base.tensors["emb.type"][: base.hidden]))
        self.norm = nn.LayerNorm(base.hidden, base.eps)
        self.norm.weight.data = torch.from_numpy(base.tensors["emb.ln.w"])
        self.norm.bias.data = torch.from_numpy(base.tensors["emb.ln.b"])
        self.drop = drop
        self.layers = nn.ModuleList()
        for index in range(layers):
            layer = Layer(base.hidden, base.heads, base.inner, base.eps, drop)

            def take(name: str, index: int = index) -> Tensor:
                return torch.from_numpy(base.tensors[f"l{index}.{name}"])

            layer.qkv.weight.data = torch.cat([take("q.w"), take("k.w"), take("v.w")])
            layer.qkv.bias.data = torch.cat([take("q.b"), take("k.b"), take("v.b")])
            for module, name in ((layer.out, "ao"), (layer.norm1, "aln"), (layer.up, "fi"), (layer.down, "fo"), (layer.norm2, "oln")):
                module.weight.data = take(f"{name}.w")
                module.bias.data = take(f"{name}.b")
            self.layers.append(layer)
        self.head = nn.Linear(base.hidden, outputs)
        nn.init.normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        x = F.dropout(self.embedded(input_ids), self.drop, self.training)
        keep, bias = masks(attention_mask)
        for layer in self.layers:
            x = layer(x, bias)
        return self.head(F.dropout(mean(x, keep), self.drop, self.training).float())

    def embedded(self, input_ids: Tensor) -> Tensor:
        return self.norm(self.word(input_ids) + self.position[: input_ids.shape[1]])


def masks(attention_mask: Tensor) -> tuple[Tensor, Tensor]:
    keep = attention_mask.to(torch.float32)
    return keep, (1.0 - keep)[:, None, None, :] * -10000.0


def mean(x: Tensor, keep: Tensor) -> Tensor:
    return (x * keep[:, :, None]).sum(1) / keep.sum(1, keepdim=True)


def pooled(model: Encoder, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
    """The mean over a text's tokens after each layer [texts, layers, hidden]."""
    keep, bias = masks(attention_mask)
    x = model.embedded(input_ids)
    out = []
    for layer in model.layers:
        x = layer(x, bias)
        out.append(mean(x.float(), keep))
    return torch.stack(out, 1)
