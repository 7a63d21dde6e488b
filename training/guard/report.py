"""The figures of MODEL_CARD.md, from saved scores: `python -m report` writes report.md and report.json.

Sources that train are scored by the fold that saw neither them nor their copies, at thresholds that come from the other
folds. Sets that only measure are scored by the model that ships, at the thresholds that ship.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import calibrate
from measure import Figure, area, compare, hits_at, rate, shown
from rows import HEADS, Row, load

HERE = Path(__file__).parent
INJECTION, INDIRECT = 0, 1
# The categories of the two moderation sets; illicit is none of them.
CATEGORIES = [HEADS.index(head) for head in HEADS[2:] if head != "illicit"]
# Requests that a moderation head is there for: not attacks on a model's instructions, and not ordinary either.
UNWANTED = ("harmful", "toxic", "toxic-hate", "toxic-offensive", "moderation", "persuasion")
# cascade, the product: what the cheap stage settles, and the rest by the encoder.
STAGES = ("cascade", "encoder", "cheap")


@dataclass
class Scored:
    """One text: by stage the score [heads] (a probability, or a logit for the cheap stage) and whether it is flagged; which
    heads the cheap stage settled in all its windows."""

    row: Row
    score: dict[str, np.ndarray]
    flags: dict[str, np.ndarray]
    settled: np.ndarray

    def attack(self) -> int:
        """1, 0 or -1 (unknown): whether the guard should raise the alarm here, where the text comes from considered."""
        return self.row.labels.get(HEADS[self.head()], -1)

    def head(self) -> int:
        return INDIRECT if self.row.origin == "document" else INJECTION


def read(folder: Path, rows: dict[str, Row]) -> list[Scored]:
    scores = calibrate.read(folder / "scores.npz")
    found = json.loads((folder / "settings.json").read_text(encoding="utf-8"))

    def column(name: str) -> np.ndarray:
        return np.array([np.inf if found[name][head] is None else found[name][head] for head in HEADS])

    a, b = column("encoder").T
    encoder = calibrate.sigmoid(a * scores.logits + b)
    clean, sure = scores.cheap < column("clean"), scores.cheap > column("sure")
    windows = {"encoder": encoder, "cheap": scores.cheap}
    lines = {
        "encoder": column("encoder_lines"),
        "cheap": column("cheap_lines"),
        "cascade": column("encoder_lines"),
    }
    # What is settled as clean gets the probability that `src/guard/model/classifier.ts` gives it.
    low = np.minimum(0.01, lines["cascade"] / 2) * calibrate.sigmoid(scores.cheap) / calibrate.sigmoid(column("clean"))
    windows["cascade"] = np.where(clean, low, np.where(sure, np.maximum(encoder, 0.99), encoder))
    tops = {stage: scores.top(value) for stage, value in windows.items()}
    open_windows = scores.top((~(clean | sure)).astype(float))
    return [
        Scored(
            rows[str(name)],
            {stage: tops[stage][at] for stage in STAGES},
            {stage: tops[stage][at] >= lines[stage] for stage in STAGES},
            open_windows[at] == 0,
        )
        for at, name in enumerate(scores.ids)
    ]


def collect(build: Path) -> list[Scored]:
    rows = {row.id: row for row in load(build / "rows.jsonl.gz")}
    scored = []
    for folder in sorted((build / "folds").glob("*/scores.npz")):
        scored += [each for each in read(folder.parent, rows) if not each.row.group.startswith("gen-")]
    return scored + read(build / "final", rows)


def select(scored: Iterable[Scored], attack: int, keep: Callable[[Scored], bool] = lambda _: True) -> list[Scored]:
    return [each for each in scored if each.attack() == attack and keep(each)]


def values(scored: list[Scored], stage: str) -> np.ndarray:
    return np.array([each.score[stage][each.head()] for each in scored])


def flags(scored: list[Scored], stage: str = "cascade") -> np.ndarray:
    return np.array([each.flags[stage][each.head()] for each in scored], dtype=bool)


def put_together(row: Row) -> bool:
    """A document that this repository made of texts of a shared source, or put a line into."""
    return row.source.endswith("_documents") or (row.group in ("papers", "packages") and row.kind.startswith("indirect"))


def overall(scored: list[Scored]) -> dict[str, dict[str, Figure]]:
    """Pooled: attacks of all shared sources against ordinary texts, against all that is not an attack, and with what was put together."""
    every = [each for each in scored if not each.row.source.startswith("gen_")]
    public = [each for each in every if not put_together(each.row)]
    attacks = select(public, 1)
    sides = {
        "attacks against ordinary texts": (attacks, select(public, 0, lambda e: e.row.kind not in UNWANTED)),
        "attacks against everything else": (attacks, select(public, 0)),
        "the same with documents put together here": (select(every, 1), select(every, 0, lambda e: e.row.kind not in UNWANTED)),
        "direct attacks against ordinary prompts": (
            [e for e in attacks if e.row.origin == "user"],
            select(public, 0, lambda e: e.row.kind not in UNWANTED and e.row.origin == "user"),
        ),
    }
    return {
        f"{name}: {stage}": {
            "auc": compare(area, values(yes, stage), values(no, stage)),
            "tpr_at_1_fpr": compare(hits_at, values(yes, stage), values(no, stage)),
            "tpr": rate(flags(yes, stage)),
            "fpr": rate(flags(no, stage)),
        }
        for name, (yes, no) in sides.items()
        for stage in STAGES
    }


def by_source(scored: list[Scored]) -> dict[str, dict[str, Figure]]:
    public = [each for each in scored if not each.row.source.startswith("gen_")]
    every = values(select(public, 0, lambda e: e.row.kind not in UNWANTED), "cascade")
    table = {}
    for source in sorted({each.row.source for each in scored}):
        mine = [each for each in scored if each.row.source == source]
        yes, no = select(mine, 1), select(mine, 0)
        if not yes and not no:
            continue
        a, b = values(yes, "cascade"), values(no, "cascade")
        table[source] = {
            "auc": compare(area, a, b if len(b) >= 20 else every) if yes else rate(np.zeros(0)),
            "tpr": rate(flags(yes)),
            "tpr_at_1_fpr": compare(hits_at, a, every) if yes else rate(np.zeros(0)),
            "fpr": rate(flags(no)),
        }
    return table


def targets(scored: list[Scored]) -> list[tuple[str, str, Figure]]:
    """What the issue asks for, each with its target."""

    def of(*sources: str, **wanted: object) -> list[Scored]:
        return [e for e in scored if e.row.source in sources and all(getattr(e.row, k) == v for k, v in wanted.items())]

    pooled = overall(scored)
    total, together = pooled["attacks against ordinary texts: cascade"], pooled["the same with documents put together here: cascade"]
    lines = [
        ("leave-source-out AUC", ">= .95", total["auc"]),
        ("leave-source-out TPR at 1 % FPR", ">= .70", total["tpr_at_1_fpr"]),
        ("leave-source-out AUC, with documents put together here", "", together["auc"]),
        ("leave-source-out TPR at 1 % FPR, with documents put together here", "", together["tpr_at_1_fpr"]),
        ("NotInject false alarms", "<= .08", rate(flags(of("notinject")))),
        ("XSTest-safe false alarms", "<= .05", rate(flags(of("xstest_safe")))),
        ("prompts_chat false alarms", "<= .05", rate(flags(of("prompts_chat")))),
        ("role-play benign false alarms (jackhhao benign)", "<= .05", rate(flags(select(of("jackhhao"), 0)))),
        ("BIPIA in e-mails, TPR", ">= .80", rate(flags(select(of("bipia_email"), 1)))),
        ("BIPIA clean e-mails, false alarms", "<= .02", rate(flags(select(of("bipia_email"), 0)))),
    ]
    for place in ("start", "middle", "end"):
        lines.append((f"BIPIA in e-mails, TPR, at the {place}", "", rate(flags(of("bipia_email", kind=f"indirect-{place}")))))
    several = of("gen_multilingual_eval")
    lines.append(("multilingual set, TPR", ">= .70", rate(flags(select(several, 1)))))
    lines.append(("multilingual set, false alarms", "", rate(flags(select(several, 0)))))
    for lang in sorted({e.row.lang for e in several}):
        mine = [e for e in several if e.row.lang == lang]
        lines.append((f"multilingual set, TPR, {lang}", "", rate(flags(select(mine, 1)))))
    for source, target in (("openai_moderation", ">= .90"), ("surge_toxicity", ">= .92")):
        lines.append((f"{source}, any category, AUC", target, any_category(of(source))))
    return lines


def any_category(scored: list[Scored]) -> Figure:
    """Whether any category is set: by the most probable, as the product orders texts."""
    known = [(each, [each.row.labels.get(HEADS[h], -1) for h in CATEGORIES]) for each in scored]
    yes = np.array([each.score["cascade"][CATEGORIES].max() for each, labels in known if 1 in labels])
    no = np.array([each.score["cascade"][CATEGORIES].max() for each, labels in known if 1 not in labels and 0 in labels])
    return compare(area, yes, no)


def by_head(scored: list[Scored]) -> dict[str, dict[str, Figure]]:
    """Each head over all rows whose label of it is known, scored by models that did not see the source."""
    table = {}
    for index, head in enumerate(HEADS):
        yes = [e for e in scored if e.row.labels.get(head) == 1]
        no = [e for e in scored if e.row.labels.get(head) == 0]
        for stage in STAGES:
            a, b = (np.array([e.score[stage][index] for e in side]) for side in (yes, no))
            table[f"{head}: {stage}"] = {
                "auc": compare(area, a, b),
                "tpr_at_1_fpr": compare(hits_at, a, b),
                "tpr": rate(np.array([e.flags[stage][index] for e in yes], dtype=bool)),
                "fpr": rate(np.array([e.flags[stage][index] for e in no], dtype=bool)),
            }
    return table


def cheap_share(scored: list[Scored]) -> dict[str, dict[str, Figure]]:
    """What the cheap stage settles by itself: the head that matters to the text, and all that matter to a prompt."""
    table = {}
    for source in (
        "clinc",
        "banking77",
        "self_instruct",
        "fuzzyai_benign",
        "prompts_chat",
        "presidio",
        "wildguard_benign",
        "xstest_safe",
        "notinject",
    ):
        mine = [each for each in scored if each.row.source == source]
        table[source] = {
            "injection": rate(np.array([e.settled[e.head()] for e in mine])),
            "injection and moderation": rate(np.array([np.delete(e.settled, INDIRECT).all() for e in mine])),
        }
    caught = [e for e in select(scored, 1) if e.flags["encoder"][e.head()]]
    table["attacks that the encoder finds, called clean"] = {
        "injection": rate(np.array([not e.flags["cascade"][e.head()] for e in caught])),
        "injection and moderation": rate(np.zeros(0)),
    }
    return table


def table(title: str, columns: list[str], lines: Iterable[list[str]]) -> list[str]:
    return [
        f"## {title}",
        "",
        f"| {' | '.join(columns)} |",
        f"|{' --- |' * len(columns)}",
        *(f"| {' | '.join(line)} |" for line in lines),
        "",
    ]


def card(text: str, tables: list[str]) -> str:
    """The model card with its figures replaced."""
    before, rest = text.split("<!-- figures -->\n")
    _, after = rest.split("<!-- /figures -->")
    return f"{before}<!-- figures -->\n\n{chr(10).join(tables)}\n<!-- /figures -->{after}"


def main(build: Path = HERE / "build", out: Path = HERE) -> None:
    scored = collect(build)
    made = {
        "targets": targets(scored),
        "overall": overall(scored),
        "sources": by_source(scored),
        "heads": by_head(scored),
        "cheap": cheap_share(scored),
    }
    extra = build / "quantised.json"
    made["quantised"] = json.loads(extra.read_text(encoding="utf-8")) if extra.exists() else {}
    (out / "report.json").write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
    four = ["AUC", "TPR at 1 % FPR", "TPR", "FPR"]
    keys = ["auc", "tpr_at_1_fpr", "tpr", "fpr"]
    asked = table(
        "Asked for", ["figure", "target", "measured", "n"], [[name, target, shown(f), str(f["n"])] for name, target, f in made["targets"]]
    )
    together = table(
        "All shared sources together", ["what", *four], [[name, *(shown(line[k]) for k in keys)] for name, line in made["overall"].items()]
    )
    heads = table(
        "By head",
        ["head: stage", "positives", *four],
        [[name, str(line["tpr"]["n"]), *(shown(line[k]) for k in keys)] for name, line in made["heads"].items()],
    )
    settled = table(
        "What the cheap stage settles",
        ["source", "injection", "injection and moderation"],
        [[name, shown(line["injection"]), shown(line["injection and moderation"])] for name, line in made["cheap"].items()],
    )
    text = [
        "# Figures of the guard's models",
        "",
        "Written by `python -m report` from saved scores. In brackets: 95 % of 1,000 bootstrap resamples. A source that trains is scored by",
        "the fold that left its whole group out, with thresholds from the other folds; a set that only measures, by the model that ships.",
        "TPR and FPR are at the default thresholds. Scores are those of the int8 files.",
        "",
        "Stages: cascade, as the product works: what the cheap stage does not settle is scored by the encoder; encoder and cheap, each",
        "without the other. Where no stage is named it is the cascade. A document",
        "counts for `indirect`, a user's text for `injection`. Shared sources count as they are; documents that this repository",
        "put together, of shared texts or with a line in them, count only where it says so.",
        "",
        *asked,
        *together,
        *table(
            "By source (cascade)",
            ["source", "attacks", "others", *four],
            [
                [name, str(line["tpr"]["n"]), str(line["fpr"]["n"]), *(shown(line[k]) for k in keys)]
                for name, line in made["sources"].items()
            ],
        ),
        *heads,
        *settled,
    ]
    if made["quantised"]:
        text += table(
            "Int8 against float32 (same texts)",
            ["head", "AUC float32", "AUC int8", "mean change of the logit"],
            [[h, f"{v['float']:.4f}", f"{v['int8']:.4f}", f"{v['change']:.3f}"] for h, v in made["quantised"].items()],
        )
    (out / "report.md").write_text("\n".join(text).rstrip() + "\n", encoding="utf-8")
    file = out.parent.parent / "weights" / "guard" / "MODEL_CARD.md"
    if file.exists():
        short = [line.replace("## ", "### ") for line in [*asked, *together, *heads, *settled]]
        file.write_text(card(file.read_text(encoding="utf-8"), short), encoding="utf-8")


if __name__ == "__main__":
    main()
