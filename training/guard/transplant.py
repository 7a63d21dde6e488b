"""The encoder that all others start from: the layers of MiniLM behind a vocabulary of twenty languages.

MiniLM's layers generalise far better than as many of a multilingual encoder's, but its vocabulary is English. So its word table is
replaced: a piece that MiniLM can spell gets the mean of the rows it is spelt with; any other the image of its row in
multilingual-e5-small under the linear map that fits best on the pieces both know (the idea of WECHSEL, Minixhofer et al. 2022).
Then everything is trained to put a text where MiniLM puts it: English texts, layer by layer; translations where MiniLM puts their
English (Reimers and Gurevych 2020); other languages' rows where the whole of e5, mapped linearly, puts them. No label is used.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional as F

import base
import body
import fit
from net import Encoder, pooled
from parallel import pairs
from rows import HEADS, Row

LONGEST = 96
ENGLISH, OTHER = 26_000, 8_000
# English texts on which the map from e5 is fitted, and the ridge of both maps.
FITTED = 6_000
RIDGE = 0.1
BATCH = 1536
RATE, TABLE_RATE = 1e-4, 1e-3


def table(source: base.Base, kept: np.ndarray, pieces: Sequence[str], own: body.Body) -> np.ndarray:
    """First rows [pieces, hidden] for our vocabulary."""
    known_pieces = own.tokenizer.get_vocab()
    rows = own.tensors["emb.word"]
    unknown = known_pieces["[UNK]"]
    made = np.zeros((len(pieces), own.hidden), np.float32)
    spelt = np.zeros(len(pieces), bool)
    pairs_at = []
    for index, piece in enumerate(pieces):
        if index < len(body.SPECIALS):
            made[index], spelt[index] = rows[known_pieces[body.SPECIALS[index]]], True
            continue
        text = piece.lstrip("▁")
        ids = own.tokenizer.encode(text, add_special_tokens=False).ids
        inside = known_pieces.get(f"##{text}")
        if not piece.startswith("▁") and inside is not None:
            ids = [inside]
        if not ids or unknown in ids or not (text.isascii() or (len(ids) == 1 and len(text) == 1)):
            continue
        made[index], spelt[index] = rows[ids].mean(0), True
        if len(ids) == 1 and len(text) >= 3:
            pairs_at.append(index)
    theirs = source.tensors["emb.word"][kept]
    fitted = ridge(theirs[pairs_at], made[pairs_at])
    mapped = apply(fitted, theirs[~spelt])
    # As long as the rows that layers are used to: a map by least squares shrinks.
    mapped *= 0.9 * np.linalg.norm(made[pairs_at], axis=1).mean() / np.linalg.norm(mapped, axis=1, keepdims=True)
    made[~spelt] = mapped
    return made


def ridge(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    one = np.c_[x, np.ones(len(x))].astype(np.float64)
    return np.linalg.solve(one.T @ one + RIDGE * np.eye(one.shape[1]), one.T @ y)


def apply(fitted: np.ndarray, x: np.ndarray) -> np.ndarray:
    return (np.c_[x, np.ones(len(x))] @ fitted).astype(np.float32)


def places(model: Encoder, tokenizer: Tokenizer, texts: Sequence[str], end: int) -> Tensor:
    """Where the model puts texts [texts, layers, hidden], half precision."""
    ids = [row if len(row) <= LONGEST else [*row[: LONGEST - 1], end] for row in fit.pieces(tokenizer, texts)]
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    out: list[Tensor | None] = [None] * len(ids)
    at = 0
    with torch.no_grad(), fit.half(model):
        while at < len(order):
            width = max(1, 4096 // len(ids[order[min(at + 63, len(order) - 1)]]))
            batch = order[at : at + width]
            for index, place in zip(batch, pooled(model, *fit.pad([ids[i] for i in batch])).half()):
                out[index] = place
            at += width
    return torch.stack([place for place in out if place is not None])


def make(
    rows: list[Row],
    source: base.Base,
    kept: np.ndarray,
    pieces: Sequence[str],
    tokenizer: Tokenizer,
    languages: Sequence[str],
    seed: int,
    say: Callable[[str], None],
) -> Encoder:
    """The encoder after the transplant, its head untrained."""
    rng = random.Random(seed)
    torch.manual_seed(seed)
    own = body.read(body.locate())
    english, other = texts(rows, rng)
    strings = pairs(frozenset(languages) - {"en"}, seed)
    rng.shuffle(strings)
    teacher = Encoder(own, own.tensors["emb.word"], own.layers, fit.MAX_TOKENS, len(HEADS)).eval()
    end = own.tokenizer.get_vocab()["[SEP]"]
    say(f"where the teacher puts {len(english)} texts and the English of {len(strings)} translations")
    wanted = places(teacher, own.tokenizer, english, end)
    messages = sorted({message for _, message, _ in strings})
    message_at = {message: index for index, message in enumerate(messages)}
    told = places(teacher, own.tokenizer, messages, end)[:, -1]
    say(f"where e5 puts {len(other)} texts of other languages")
    whole = Encoder(source, source.tensors["emb.word"][kept], source.layers, fit.MAX_TOKENS, len(HEADS)).eval()
    prefixed = [f"query: {text}" for text in english[:FITTED]]
    fitted = ridge(places(whole, tokenizer, prefixed, 2)[:, -1].float().numpy(), wanted[:FITTED, -1].float().numpy())
    mapped = torch.from_numpy(apply(fitted, places(whole, tokenizer, [f"query: {text}" for text in other], 2)[:, -1].float().numpy()))
    data: list[tuple[str, Tensor]] = list(zip(english, wanted))
    data += list(zip(other, mapped.half()))
    data += [(translation, told[message_at[message]]) for _, message, translation in strings]
    student = Encoder(own, table(source, kept, pieces, own), own.layers, fit.MAX_TOKENS, len(HEADS))
    distil(student, tokenizer, data, wanted[:, -1].float().mean(0), rng, say)
    return student.eval()


def texts(rows: list[Row], rng: random.Random) -> tuple[list[str], list[str]]:
    """English texts, of long ones a part, and texts of other languages; none of those that measure."""
    english, other = [], []
    for row in rows:
        if row.use != "train":
            continue
        at = rng.randrange(len(row.text) - 400) if len(row.text) > 500 else 0
        (english if row.lang == "en" else other).append(row.text[at : at + 400] if len(row.text) > 500 else row.text)
    return rng.sample(english, min(ENGLISH, len(english))), rng.sample(other, min(OTHER, len(other)))


def distil(
    student: Encoder, tokenizer: Tokenizer, data: list[tuple[str, Tensor]], middle: Tensor, rng: random.Random, say: Callable[[str], None]
) -> None:
    """One pass. A target is [hidden], or [layers, hidden] where the teacher read the same text."""
    place = fit.device()
    student.to(place).train()
    student.word.weight.requires_grad_(True)
    middle = middle.to(place)
    ids = [row if len(row) <= LONGEST else [*row[: LONGEST - 1], 2] for row in fit.pieces(tokenizer, [text for text, _ in data])]
    shelves: dict[int, list[int]] = {}
    for index, row in enumerate(ids):
        shelves.setdefault(-(-len(row) // fit.STEP) * fit.STEP, []).append(index)
    plan = []
    for length, shelf in sorted(shelves.items()):
        rng.shuffle(shelf)
        width = max(1, BATCH // length)
        plan += [shelf[at : at + width] for at in range(0, len(shelf), width)]
    rng.shuffle(plan)
    layers = [p for n, p in student.named_parameters() if n != "word.weight" and not n.startswith("head.")]
    optimiser = torch.optim.AdamW(
        [{"params": layers, "lr": RATE}, {"params": [student.word.weight], "lr": TABLE_RATE}], weight_decay=0.0, fused=True
    )
    warm = 60
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda s: min((s + 1) / warm, max(0.03, (len(plan) - s) / (len(plan) - warm))))
    recent: list[float] = []
    started = time.monotonic()
    for step, batch in enumerate(plan):
        tokens, mask = (x.to(place) for x in fit.pad([ids[i] for i in batch], fit.STEP))
        with fit.half(student):
            found = pooled(student, tokens, mask)
        targets = [data[i][1] for i in batch]
        last = torch.stack([target if target.dim() == 1 else target[-1] for target in targets]).float().to(place)
        loss = (1 - F.cosine_similarity(found[:, -1] - middle, last - middle)).mean() + 3 * F.mse_loss(found[:, -1], last) / last.var()
        deep = [at for at, target in enumerate(targets) if target.dim() == 2]
        if deep:
            each = torch.stack([targets[at] for at in deep]).float().to(place)
            loss = loss + 0.5 * (1 - F.cosine_similarity(found[deep], each, dim=-1)).mean()
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(layers, 1.0)
        optimiser.step()
        schedule.step()
        recent = [*recent[-99:], loss.item()]
        if (step + 1) % 100 == 0:
            say(f"transplant: step {step + 1}/{len(plan)} loss {np.mean(recent):.4f} {(step + 1) / (time.monotonic() - started):.1f} steps/s")
    student.word.weight.requires_grad_(False)
    student.cpu()
