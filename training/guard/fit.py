"""Trains one encoder, and scores texts with it.

Masked cross-entropy for each head (a label that is absent adds nothing), labels smoothed, AdamW with warm-up and linear
decay, and the mean of the weights over the last steps instead of the last weights. bfloat16 where the machine has it.
The state after every `SAVE_EVERY` steps is kept, so a run that was cut goes on where it was.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch.nn import functional as F

from net import Encoder
from rows import ABSENT, HEADS, Row, sample, targets
from window import parts

MAX_TOKENS = 256
SAVE_EVERY = 400
STEP = 16
EMA = 0.995
SMOOTH = 0.02
# The two injection heads carry the product; the others share what is left.
HEAD_WEIGHT = torch.tensor([2.0, 2.0] + [1.0] * 7)

# A row as it is trained on this time: one window of it, changed or not, with the labels that hold for that window.
View = Callable[[random.Random, Row], tuple[str, dict[str, int]]]


def device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def half(model: torch.nn.Module) -> torch.autocast:
    return torch.autocast(next(model.parameters()).device.type, torch.bfloat16)


def pieces(tokenizer: Tokenizer, texts: Sequence[str]) -> list[list[int]]:
    return [encoding.ids for encoding in tokenizer.encode_batch_fast(list(texts))]


def pad(batch: list[list[int]], step: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids and mask, as long as the longest, up to the next multiple of `step`."""
    longest = -(-max(len(ids) for ids in batch) // step) * step
    ids = torch.full((len(batch), longest), 1, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for at, row in enumerate(batch):
        ids[at, : len(row)] = torch.tensor(row)
        mask[at, : len(row)] = 1
    return ids, mask


def batches(
    rows: list[Row], tokenizer: Tokenizer, view: View, tokens: int, seed: int
) -> list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Batches in random order. Only a few shapes occur, each of about `tokens` tokens: a new shape costs a new kernel."""
    rng = random.Random(seed)
    texts, labels = zip(*(view(rng, row) for row in rows))
    ids = [row[: MAX_TOKENS - 1] + [2] if len(row) > MAX_TOKENS else row for row in pieces(tokenizer, texts)]
    shelves: dict[int, list[int]] = {}
    for index, row in enumerate(ids):
        shelves.setdefault(-(-len(row) // STEP) * STEP, []).append(index)
    made = []
    for length, shelf in sorted(shelves.items()):
        rng.shuffle(shelf)
        width = max(1, tokens // length)
        if len(shelf) % width:  # the last batch is filled up with texts of the same shelf
            shelf += [rng.choice(shelf) for _ in range(width - len(shelf) % width)]
        made += [shelf[at : at + width] for at in range(0, len(shelf), width)]
    rng.shuffle(made)
    return [(*pad([ids[i] for i in batch], STEP), torch.tensor([targets(labels[i]) for i in batch], dtype=torch.float32)) for batch in made]


def loss_of(logits: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    known = (wanted != ABSENT).float() * HEAD_WEIGHT.to(wanted.device)
    soft = wanted.clamp(0, 1) * (1 - 2 * SMOOTH) + SMOOTH
    each = F.binary_cross_entropy_with_logits(logits, soft, reduction="none")
    return (each * known).sum() / known.sum().clamp(min=1)


def train(
    model: Encoder,
    tokenizer: Tokenizer,
    rows: list[Row],
    *,
    epochs: int,
    size: int,
    cap: int,
    rate: float,
    seed: int,
    state: Path,
    view: View,
    say: Callable[[str], None],
    tokens: int = 1024,
) -> None:
    """Fits `model` in place. Resumes from `state` when it is there."""
    torch.manual_seed(seed)
    place = device()
    model.to(place).train()
    body = [p for n, p in model.named_parameters() if p.requires_grad and not n.startswith("head.")]
    head = list(model.head.parameters())
    optimiser = torch.optim.AdamW([{"params": body, "lr": rate}, {"params": head, "lr": rate * 5}], weight_decay=0.01, fused=True)
    plan = []
    for epoch in range(epochs):
        plan += batches(sample(rows, size, cap, seed * 100 + epoch), tokenizer, view, tokens, seed * 100 + epoch)
    warm = max(1, len(plan) // 16)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda s: min((s + 1) / warm, max(0.02, (len(plan) - s) / (len(plan) - warm))))
    tracked = {n: p for n, p in model.named_parameters() if p.requires_grad}
    mean = {n: p.detach().clone() for n, p in tracked.items()}
    done = 0
    if state.exists():
        saved = torch.load(state, map_location=place, weights_only=True)
        if saved["steps"] == len(plan):
            model.load_state_dict(saved["model"], strict=False)
            mean = saved["mean"]
            optimiser.load_state_dict(saved["optimiser"])
            schedule.load_state_dict(saved["schedule"])
            done = saved["done"]
            say(f"goes on at step {done}")
    started, seen, recent = time.monotonic(), 0, []
    for step in range(done, len(plan)):
        ids, mask, wanted = (x.to(place) for x in plan[step])
        with half(model):
            logits = model(ids, mask)
        loss = loss_of(logits, wanted)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(body + head, 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        schedule.step()
        keep = min(EMA, (step + 1) / (step + 10))
        torch._foreach_lerp_(list(mean.values()), [p.detach() for p in tracked.values()], 1 - keep)
        seen += mask.numel()
        recent = recent[-99:] + [loss.item()]
        if (step + 1) % 50 == 0:
            say(f"step {step + 1}/{len(plan)} loss {np.mean(recent):.4f} {seen / (time.monotonic() - started):.0f} tokens/s")
        if (step + 1) % SAVE_EVERY == 0:
            save(
                state,
                {
                    "model": {n: p.detach() for n, p in tracked.items()},
                    "mean": mean,
                    "optimiser": optimiser.state_dict(),
                    "schedule": schedule.state_dict(),
                    "done": step + 1,
                    "steps": len(plan),
                },
            )
    with torch.no_grad():
        for name, parameter in tracked.items():
            parameter.copy_(mean[name])
    model.eval()
    state.unlink(missing_ok=True)


def save(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(value, path.with_suffix(".part"))
    os.replace(path.with_suffix(".part"), path)


def chunks(tokenizer: Tokenizer, texts: Sequence[str]) -> tuple[list[list[int]], list[int]]:
    """Each window as sequences of at most `MAX_TOKENS` ids, and whose each sequence is."""
    made: list[list[int]] = []
    whose: list[int] = []
    for index, ids in enumerate(pieces(tokenizer, texts)):
        for part in parts(ids[1:-1], MAX_TOKENS - 2):
            made.append([0, *part, 2])
            whose.append(index)
    return made, whose


def run(
    ids: list[list[int]], whose: list[int], count: int, infer: Callable[[torch.Tensor, torch.Tensor], np.ndarray], tokens: int = 8192
) -> np.ndarray:
    """Logits [count, heads]: of each text, the highest of its parts."""
    out = np.full((count, len(HEADS)), -np.inf, dtype=np.float32)
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    at = 0
    while at < len(order):
        end = at + 1
        while end < len(order) and (end - at + 1) * len(ids[order[end]]) <= tokens:
            end += 1
        batch = order[at:end]
        logits = infer(*pad([ids[i] for i in batch]))
        for row, i in zip(logits, batch):
            out[whose[i]] = np.maximum(out[whose[i]], row)
        at = end
    return out
