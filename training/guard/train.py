"""Trains, measures and packs the guard's models: `python -m train`. See README.md.

Stages, each skipped when its result is there: rows, vocabulary, the transplanted encoder, a first model from generated rows, one
encoder and one cheap model for each fold (every public source scored by models that saw neither it nor its copies), the same from
all rows, settings, weights, report.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer

import base
import body
import calibrate
import cheap
import fit
import pack
import quantised
import report
import transplant
from data import written
from data.augment import WINDOW, Augmenter, cut
from net import Encoder
from rows import FOLDS, HEADS, Row, load, targets
from window import windows

HERE = Path(__file__).parent
BUILD = HERE / "build"
LANGUAGES = ("en", "ar", "cs", "de", "es", "fr", "hi", "id", "it", "ja", "ko", "nl", "pl", "pt", "ru", "sv", "tr", "uk", "vi", "zh")
WEIGHTS = HERE.parent.parent / "weights" / "guard"
# Sources that the vocabulary was chosen without.
LATER = ("gen_written_statements", written.MORE)


@dataclass
class Plan:
    """Everything that decides the result."""

    seed: int = 20261127
    vocabulary: int = 36_000
    epochs: int = 1
    # Generated and written rows train a first model that all folds start from: they are left out of none.
    first_size: int = 45_000
    first_rate: float = 2e-4
    size: int = 18_000
    cap: int = 2_000
    rate: float = 1e-4
    # Texts of one source that are scored at most; the intervals say what that costs.
    scored: int = 600


@dataclass
class Work:
    """What all parts share."""

    build: Path
    plan: Plan
    rows: list[Row]
    where: dict[str, int]
    own: body.Body
    text: str
    tokenizer: Tokenizer


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m train", description=__doc__)
    # On CPUs one thread each for two models at once is faster than two threads for one, and far steadier.
    parser.add_argument("--jobs", type=int, default=1 if torch.cuda.is_available() else 2, help="models trained at once")
    parser.add_argument("--threads", type=int, default=1, help="threads of each")
    parser.add_argument("--part", help="one part only: a fold's number, 'final', or 'settle' for all that comes after")
    parser.add_argument("--build", type=Path, default=BUILD, help="where the rows and everything made of them lie")
    for name, value in asdict(Plan()).items():
        parser.add_argument(f"--{name}", type=type(value), default=value)
    given = vars(parser.parse_args())
    jobs, threads, part, build = given.pop("jobs"), given.pop("threads"), given.pop("part"), given.pop("build").resolve()
    plan = Plan(**given)
    file = build / "rows.jsonl.gz"
    if not file.exists():
        subprocess.run(
            [sys.executable, "-m", "data.build", "--shared", str(HERE.parents[2] / "shared"), "--out", str(file)], cwd=HERE, check=True
        )
    rows = load(file)
    text, kept = vocabulary(rows, plan, build)
    work = Work(
        build,
        plan,
        rows,
        {group: fold for fold, groups in enumerate(FOLDS) for group in groups},
        body.read(body.locate()),
        text,
        Tokenizer.from_str(text),
    )
    torch.set_num_threads(jobs * threads if part is None else threads)
    start(work, kept)
    if part is None:
        options = [f"--{name}={value}" for name, value in asdict(plan).items()] + [f"--threads={threads}", f"--build={build}"]
        first(work)
        with ThreadPoolExecutor(jobs) as pool:
            list(
                pool.map(
                    lambda name: subprocess.run([sys.executable, "-m", "train", f"--part={name}", *options], cwd=HERE, check=True),
                    ["final", *map(str, range(len(FOLDS)))],
                )
            )
    elif part == "first":
        first(work)
    elif part == "final":
        whole(work)
    elif part != "settle":
        one_fold(work, int(part))
    if part in (None, "settle"):
        settle(work)
        report.main(build)


def generated(row: Row) -> bool:
    return row.group.startswith("gen-")


def held_out(fold: int, row: Row) -> bool:
    """One grammar's row in 64 is not for this fold's models. What was written one by one is too little to leave out."""
    return generated(row) and row.group != written.GROUP and int(hashlib.sha256(row.id.encode()).hexdigest()[:8], 16) % 64 == fold


def out_of(work: Work, fold: int, row: Row) -> bool:
    """Whether the fold's models must not see the row: its group, its part of the generated rows, two or three languages.

    Without whole languages left out nothing would say what the cheap stage makes of words that it never saw.
    """
    if row.source == "gen_multilingual" and LANGUAGES.index(row.lang) % 8 == fold:
        return True
    return held_out(fold, row) if generated(row) else work.where[row.group] == fold


def vocabulary(rows: list[Row], plan: Plan, build: Path) -> tuple[str, np.ndarray]:
    """The pieces that the rows need most, but for rows that came later: with other pieces the transplant is another one."""
    file, table = build / "tokenizer.json", build / "kept.npy"
    if not (file.exists() and table.exists()):
        say("vocabulary")
        pieces, kept = base.prune(base.read(base.locate()), [row.text for row in rows if row.use == "train" and row.source not in LATER], plan.vocabulary)
        np.save(table, kept)
        file.write_text(base.tokenizer(pieces), encoding="utf-8")
    return file.read_text(encoding="utf-8"), np.load(table)


def start(work: Work, kept: np.ndarray) -> None:
    """The transplanted encoder, without a word about labels."""
    done = work.build / "start.pt"
    if not done.exists():
        pieces = [piece for piece, _ in json.loads(work.text)["model"]["vocab"]]
        source = base.read(base.locate())
        model = transplant.make(work.rows, source, kept, pieces, work.tokenizer, LANGUAGES, work.plan.seed, say)
        fit.save(done, model.state_dict())


def untrained(work: Work) -> Encoder:
    """The transplanted encoder with a head that knows nothing."""
    word = np.zeros((work.tokenizer.get_vocab_size(), work.own.hidden), np.float32)
    model = Encoder(work.own, word, work.own.layers, fit.MAX_TOKENS, len(HEADS))
    state = torch.load(work.build / "start.pt", weights_only=True)
    model.load_state_dict({name: value for name, value in state.items() if not name.startswith("head.")}, strict=False)
    return model


def views(rows: list[Row]) -> tuple[fit.View, fit.View]:
    """How a row is read while training: with the changes of `data.augment` for the encoder, cut only for the cheap stage."""
    prompts = [row.text for row in rows if row.origin == "user" and set(row.labels.values()) == {0} and len(row.text) < 400]
    documents = [row.text for row in rows if row.kind == "carrier"]
    change = Augmenter(prompts, documents)

    def changed(rng: random.Random, row: Row) -> tuple[str, dict[str, int]]:
        return change(rng, row.text, row.labels, row.origin, row.span)

    def plain(rng: random.Random, row: Row) -> tuple[str, dict[str, int]]:
        return cut(rng, row.text, dict(row.labels), row.span, WINDOW) if len(row.text) > WINDOW else (row.text, row.labels)

    return changed, plain


def first(work: Work) -> None:
    """The encoder that all others start from: trained on generated rows that no fold holds out."""
    done = work.build / "first.pt"
    if done.exists():
        return
    say("first model, from generated rows")
    plan = work.plan
    train = [
        row for row in work.rows if row.use == "train" and generated(row) and not any(held_out(fold, row) for fold in range(len(FOLDS)))
    ]
    torch.manual_seed(plan.seed)
    model = untrained(work)
    fit.train(
        model,
        work.tokenizer,
        train,
        epochs=1,
        size=plan.first_size,
        cap=plan.first_size,
        rate=plan.first_rate,
        seed=plan.seed,
        state=work.build / "first.state.pt",
        view=views(train)[0],
        say=say,
        tokens=2048,
    )
    model.cpu()
    keep(done, model)


def keep(file: Path, model: Encoder) -> None:
    fit.save(file, {name: value for name, value in model.state_dict().items() if name != "word.weight"})


def fitted(work: Work, train: list[Row], seed: int, folder: Path) -> tuple[Encoder, cheap.Cheap]:
    """The encoder and the cheap model of these rows, from `folder` when they are there."""
    torch.manual_seed(seed)
    plan = work.plan
    model = untrained(work)
    done = folder / "encoder.pt"
    if done.exists():
        model.load_state_dict(torch.load(done, weights_only=True), strict=False)
        model.eval()
    else:
        model.load_state_dict(torch.load(work.build / "first.pt", weights_only=True), strict=False)
        fit.train(
            model,
            work.tokenizer,
            train,
            epochs=plan.epochs,
            size=plan.size,
            cap=plan.cap,
            rate=plan.rate,
            seed=seed,
            state=folder / "state.pt",
            view=views(train)[0],
            say=say,
        )
        model.cpu()
        keep(done, model)
    return model, linear(train, seed, folder)


def linear(train: list[Row], seed: int, folder: Path) -> cheap.Cheap:
    if not (folder / "cheap.bin").exists():
        say("cheap stage")
        rng = random.Random(seed)
        plain = views(train)[1]
        texts, labels = zip(*(plain(rng, row) for row in train))
        cheap.fit(cheap.vectors(list(texts)), np.array([targets(each) for each in labels]), [row.source for row in train]).write(
            folder / "cheap.bin"
        )
    return cheap.read(folder / "cheap.bin")


def scores(folder: Path, rows: list[Row], tokenizer: Tokenizer, stage: cheap.Cheap) -> dict[str, np.ndarray]:
    """What the packed int8 encoder and the cheap stage say of each window of whole texts."""
    cut = [(index, window) for index, row in enumerate(rows) for window in windows(row.text)]
    texts = [window for _, window in cut]
    return {
        "ids": np.array([row.id for row in rows]),
        "owner": np.array([index for index, _ in cut]),
        "logits": quantised.logits(folder / "model.onnx", tokenizer, texts),
        "cheap": stage.score(cheap.vectors(texts)).astype(np.float32),
    }


def few(rows: list[Row], plan: Plan) -> list[Row]:
    """At most `scored` rows of each source, label and kind alike by chance."""
    by_source: dict[str, list[Row]] = {}
    for row in rows:
        by_source.setdefault(row.source, []).append(row)
    rng = random.Random(plan.seed)
    return [row for name in sorted(by_source) for row in rng.sample(by_source[name], min(plan.scored, len(by_source[name])))]


def one_fold(work: Work, fold: int) -> None:
    folder = work.build / "folds" / str(fold)
    if (folder / "scores.npz").exists():
        return
    left = sorted(group for group, at in work.where.items() if at == fold)
    say(f"fold {fold}: left out {', '.join(left)}")
    train = [row for row in work.rows if row.use == "train" and not out_of(work, fold, row)]
    model, stage = fitted(work, train, work.plan.seed + fold, folder)
    pack.encoder(folder, model, work.text)
    names = sorted({row.source for row in work.rows if row.use == "train" and work.where.get(row.group) == fold})
    (folder / "left-out.json").write_text(json.dumps({"fold": fold, "groups": left, "sources": names}, indent=2) + "\n", encoding="utf-8")
    unseen = few([row for row in work.rows if row.use == "train" and out_of(work, fold, row)], work.plan)
    say(f"fold {fold}: scoring {len(unseen)} texts")
    np.savez(folder / "scores.npz", **scores(folder, unseen, work.tokenizer, stage))


def whole(work: Work) -> None:
    folder = work.build / "final"
    if (folder / "scores.npz").exists():
        return
    say("all sources")
    model, stage = fitted(work, [row for row in work.rows if row.use == "train"], work.plan.seed + 100, folder)
    pack.encoder(folder, model, work.text)
    measured = [row for row in work.rows if row.use == "eval"]
    say(f"all sources: scoring {len(measured)} texts of the sets that only measure")
    quantised.compare(
        model, folder / "model.onnx", work.tokenizer, measured[:: max(1, len(measured) // 1500)], work.build / "quantised.json"
    )
    np.savez(folder / "scores.npz", **scores(folder, measured, work.tokenizer, stage))


def settle(work: Work) -> None:
    """Settings from the folds. Those of a fold come from the other folds only; those that ship come from all."""
    known = {row.id: row for row in work.rows}
    files = {fold: work.build / "folds" / str(fold) / "scores.npz" for fold in range(len(FOLDS))}
    parts = {fold: calibrate.read(file) for fold, file in files.items() if file.exists()}
    for out in [*parts, None]:
        use = [part for fold, part in parts.items() if fold != out or len(parts) == 1]
        if not use:
            return
        joined = calibrate.join(use)
        rows = [known[str(name)] for name in joined.ids]
        found = calibrate.settle(joined, np.array([row.targets() for row in rows]), np.array([row.source for row in rows]))
        pack.settings(work.build / ("final" if out is None else f"folds/{out}"), found)
    if (work.build / "final" / "model.onnx").exists():
        WEIGHTS.mkdir(parents=True, exist_ok=True)
        for name in ("model.onnx", "cheap.bin", "tokenizer.json", "model.json"):
            shutil.copyfile(work.build / "final" / name, WEIGHTS / name)


if __name__ == "__main__":
    main()
