"""Sentences in two languages: the translated messages of programs, from Python packages (BSD-3-Clause).

Django, Wagtail and the language packs of JupyterLab carry what their translators wrote, as gettext catalogues: an English message
and the same in another language. They show the encoder where the words of other languages belong (`transplant.py`); no
classifier is trained on them. The packages are only read, never imported.
"""

from __future__ import annotations

import gettext
import random
import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, files

PACKAGES = ("Django", "wagtail", *(f"jupyterlab-language-pack-{name}" for name in (
    "ar-SA", "cs-CZ", "de-DE", "es-ES", "fr-FR", "id-ID", "it-IT", "ja-JP", "ko-KR", "nl-NL", "pl-PL", "pt-BR", "ru-RU", "tr-TR", "uk-UA", "vi-VN", "zh-CN",
)))  # fmt: skip
# How catalogues call the languages that rows call otherwise.
NAMES = {"zh_Hans": "zh", "zh_CN": "zh", "pt_BR": "pt"}
# Of each language, the messages with most to say.
MOST = 4000

_CATALOGUE = re.compile(r"/locale/(\w+)/LC_MESSAGES/\w+\.mo$")
_SLOT = re.compile(r"%\(\w+\)[sd]|%[sd]|\{[^}]*\}|%\d")


def pairs(languages: frozenset[str], seed: int) -> list[tuple[str, str, str]]:
    """(language, English message, its translation), the same for the same packages and seed."""
    found: dict[str, dict[str, str]] = {}
    for language, catalogue in catalogues(languages):
        for message, translation in catalogue.items():
            message = message[0] if isinstance(message, tuple) else message
            if not message or not isinstance(translation, str):
                continue
            english, other = plain(message.split("\x04")[-1]), plain(translation)
            if len(english) >= 8 and len(other) >= 2 and english != other:
                found.setdefault(language, {})[english] = other
    rng = random.Random(seed)
    made = []
    for language, messages in sorted(found.items()):
        items = sorted(messages.items())
        rng.shuffle(items)
        items.sort(key=lambda item: -min(len(item[0]), 60))
        made += [(language, english, other) for english, other in items[:MOST]]
    return made


def catalogues(languages: frozenset[str]) -> Iterator[tuple[str, dict]]:
    for package in PACKAGES:
        try:
            listed = files(package) or []
        except PackageNotFoundError:
            raise SystemExit(f"{package} is missing: pip install -r requirements.txt") from None
        for path in sorted(listed, key=str):
            match = _CATALOGUE.search(str(path))
            if match is None:
                continue
            name = match.group(1)
            language = NAMES.get(name, name.split("_")[0] if package.startswith("jupyterlab") else name)
            if language in languages:
                with open(path.locate(), "rb") as file:
                    yield language, gettext.GNUTranslations(file)._catalog


def plain(message: str) -> str:
    """Without markup, keyboard marks and slots: what is left says the same in both languages."""
    message = re.sub(r"&(\w)", r"\1", message)
    message = re.sub(r"<[^>]+>", " ", _SLOT.sub("it", message))
    return re.sub(r"\s+", " ", message).strip()
