"""Code, templates and descriptions of the permissively licensed packages that training installs anyway, as carriers: what a
programmer pastes or an agent reads from a disk. Also reports of errors, put together from their own functions and messages.

The packages are pinned in requirements.txt (or come with one that is), so the same set-up gives the same pieces.
"""

from __future__ import annotations

import ast
import random
import re
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from .papers import QUOTES

# BSD-3-Clause but for onnx (Apache-2.0) and torch (BSD-style).
DISTRIBUTIONS = ("Django", "wagtail", "numpy", "scipy", "sympy", "networkx", "onnx", "torch")
SUFFIXES = (".py", ".js", ".html", ".css", ".txt", ".md", ".rst", ".json", ".toml", ".pyi")
SIZES = (250, 450, 800, 1400)
CODE, REPORTS = 1600, 800
_ASKS = (
    "I get this error when I run my code:", "Why does this fail?", "The following traceback shows up since the last upgrade.", "Getting an exception I don't understand.", "This used to work.",
    "Here is the code and below is the error.", "I'm new to {package} and stuck with this.", "Any idea what is wrong here?", "I expected a result but got:", "How can I fix this error?",
    "Steps to reproduce:", "What I tried so far:", "It happens only on the server.", "## Describe the bug", "### Traceback", "Code:", "Error:", "Relevant part of the log:",
)  # fmt: skip


def pieces(seed: int) -> Iterator[str]:
    rng = random.Random(f"{seed}:packages")
    files = {name: _files(name) for name in DISTRIBUTIONS}
    yield from _some(rng, (piece for _ in range(CODE * 4) for piece in _piece(rng, rng.choice(files[rng.choice(DISTRIBUTIONS)]))), CODE)
    described = [text for name in DISTRIBUTIONS for text in _described(rng, name)]
    yield from _some(rng, iter(described), len(described))
    sources = {name: [path for path in found if path.suffix == ".py"] for name, found in files.items()}
    yield from _some(rng, (report for _ in range(REPORTS * 4) for report in _report(rng, sources)), REPORTS)


def _some(rng: random.Random, found: Iterator[str], most: int) -> Iterator[str]:
    seen: set[str] = set()
    for piece in found:
        if len(seen) == most:
            return
        if piece not in seen and not QUOTES.search(piece):
            seen.add(piece)
            yield piece


def _files(name: str) -> list[Path]:
    found = metadata.files(name) or []
    paths = sorted(Path(str(each.locate())) for each in found if each.suffix in SUFFIXES)
    return [path for path in paths if path.is_file() and 400 < path.stat().st_size < 200_000 and ".min." not in path.name]


def _piece(rng: random.Random, path: Path) -> Iterator[str]:
    """One piece of a file, of whole lines; now and then with its path above, as tools show it."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    size, at, piece = rng.choice(SIZES), rng.randrange(len(lines)), ""
    while at < len(lines) and len(piece) < size:
        piece += lines[at] + "\n"
        at += 1
    piece = piece.strip("\n")
    if 80 <= len(piece) <= 2 * size and max(map(len, piece.split("\n"))) < 400:
        head = rng.choice(["", "", "", f"# {path.name}\n", f"{path.parent.name}/{path.name}:\n", "```\n"])
        yield head + piece + ("\n```" if head.startswith("```") else "")


def _described(rng: random.Random, name: str) -> Iterator[str]:
    """The package's description of itself, in pieces."""
    lines = str(metadata.metadata(name).get_payload() or "").splitlines()
    while lines:
        size, piece = rng.choice(SIZES), ""
        while lines and len(piece) < size:
            piece += lines.pop(0) + "\n"
        if 80 <= len(piece.strip()) <= 2 * size:
            yield piece.strip()


def _report(rng: random.Random, sources: dict[str, list[Path]]) -> Iterator[str]:
    """A report of an error: words of somebody, a function, and a traceback that ends in one of its own messages."""
    name = rng.choice(DISTRIBUTIONS)
    path = rng.choice(sources[name])
    text = path.read_text(encoding="utf-8", errors="replace")
    try:
        functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    except SyntaxError:
        return
    raised = [(function, message) for function in functions for message in _messages(function)]
    if not raised:
        return
    function, (kind, message, line) = rng.choice(raised)
    lines = text.splitlines()
    code = "\n".join(lines[function.lineno - 1 : min(function.end_lineno or function.lineno, function.lineno + rng.randint(4, 25))])
    shown = "/".join(path.parts[-3:])
    trace = (
        f'Traceback (most recent call last):\n  File "main.py", line {rng.randint(2, 90)}, in <module>\n    {function.name}({rng.choice(["", "data", "x, y", "**options"])})\n'
        f'  File "{rng.choice(["/usr/lib/python3/", "C:/Python312/Lib/", "./venv/lib/"])}{shown}", line {line}, in {function.name}\n    {lines[line - 1].strip()}\n{kind}: {message}'
    )
    parts = [rng.choice(_ASKS).format(package=name), *rng.sample([trace, code], 2)]
    if rng.random() < 0.4:
        parts.insert(rng.randint(1, 3), rng.choice(_ASKS).format(package=name))
    report = "\n\n".join(parts if rng.random() < 0.8 else [trace])
    if len(report) < 2800:
        yield report


def _messages(function: ast.FunctionDef) -> Iterator[tuple[str, str, int]]:
    """What the function raises with a text: the exception's name, the text, the line."""
    for node in ast.walk(function):
        if not (isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and isinstance(node.exc.func, ast.Name) and node.exc.args):
            continue
        said = node.exc.args[0]
        if isinstance(said, ast.Constant) and isinstance(said.value, str):
            yield node.exc.func.id, said.value, node.lineno
