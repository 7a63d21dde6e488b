"""The folder that the product loads: `weights/guard`, and the same for each fold so that the product's own evaluation runs on them."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import export
from calibrate import Settings
from fit import MAX_TOKENS
from net import Encoder
from rows import HEADS

VERSION = "1.2.0"


def encoder(folder: Path, model: Encoder, tokenizer: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_text(tokenizer, encoding="utf-8")
    export.write(model, folder / "model.onnx")


def settings(folder: Path, found: Settings) -> None:
    """`model.json`, as src/guard/model/config.ts reads it, and all that was found as `settings.json` for the report."""
    text = {
        "version": VERSION,
        "maxTokens": MAX_TOKENS,
        "heads": list(HEADS),
        "calibration": {head: rounded(found.encoder[head]) for head in HEADS},
        "thresholds": {head: rounded(found.encoder_lines[head]) for head in HEADS},
        "cheap": {
            "file": "cheap.bin",
            "clean": {head: rounded(found.clean[head]) for head in HEADS},
            "sure": {head: rounded(found.sure[head]) for head in HEADS},
        },
    }
    (folder / "model.json").write_text(json.dumps(text, indent=2) + "\n", encoding="utf-8")
    (folder / "settings.json").write_text(json.dumps(asdict(found), indent=1) + "\n", encoding="utf-8")


def rounded(value: float | tuple[float, ...] | None) -> float | list[float] | None:
    if value is None:
        return None
    return round(value, 5) if isinstance(value, float) else [round(each, 5) for each in value]
