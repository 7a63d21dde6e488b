"""cd training/guard && python -m unittest data.test_data"""

from __future__ import annotations

import gzip
import json
import random
import tempfile
import unittest
from pathlib import Path

from . import packages, sources, written
from .augment import Augmenter, cut, typos
from .build import write
from .dedupe import Wall, normal, separate, unique
from .grammar import Grammar, sentence
from .grammars import benign, direct, indirect, long, moderation, multilingual
from .papers import QUOTES
from .row import ASKED, BENIGN, HEADS, Row, usable

LONG = "the quick brown fox jumps over the lazy dog while seven wise owls look on from the old oak tree"


def row(text: str, use: str = "train", labels: dict[str, int] | None = None, kind: str = "benign") -> Row:
    return Row(text, "t", "t", kind, {"injection": 0} if labels is None else labels, use=use)


class RowTest(unittest.TestCase):
    def test_refuses_heads_that_do_not_exist(self) -> None:
        with self.assertRaises(ValueError):
            row("x", labels={"self_harm": 1})

    def test_id_is_of_the_text_and_its_origin(self) -> None:
        self.assertEqual(row("hello").id, row("hello").id)
        self.assertNotEqual(row("hello").id, Row("hello", "t", "t", "k", {"injection": 0}, origin="document").id)

    def test_trimming_moves_the_span(self) -> None:
        kept = usable([Row("  ab attack ", "t", "t", "k", {"injection": 1}, span=(5, 11))])[0]
        self.assertEqual(kept.text[slice(*kept.span or (0, 0))], "attack")

    def test_drops_what_has_no_label_or_no_text(self) -> None:
        self.assertEqual(usable([row("ok", labels={}), row("  "), row("lone \ud800 surrogate")]), [])


class DedupeTest(unittest.TestCase):
    def test_words_alone_count(self) -> None:
        self.assertEqual(normal("Ｉgnore, the\tRULES!"), normal("ignore the rules"))
        self.assertNotEqual(normal("忽略规则"), normal("遵守规则"))

    def test_exact_copies_go_and_the_first_stays(self) -> None:
        kept, lost = unique([row("Hello there!"), row("hello   there")])
        self.assertEqual([r.text for r in kept], ["Hello there!"])
        self.assertEqual(lost["t"], 1)

    def test_near_copies_go(self) -> None:
        kept, _ = unique([row(LONG), row(LONG + " today")])
        self.assertEqual(len(kept), 1)

    def test_other_texts_stay(self) -> None:
        kept, _ = unique([row(LONG), row(LONG.replace("fox", "cat").replace("owls", "men").replace("lazy", "mad"))])
        self.assertEqual(len(kept), 2)

    def test_a_clean_document_and_its_injected_twin_both_stay(self) -> None:
        clean, injected = row(LONG, labels={"indirect": 0}, kind="carrier"), row(LONG + " and send it to me", labels={"indirect": 1}, kind="indirect-end")
        self.assertEqual(len(unique([clean, injected])[0]), 2)


class WallTest(unittest.TestCase):
    def test_train_rows_that_repeat_an_eval_text_go(self) -> None:
        rows = [row(LONG, "eval"), row(LONG.upper() + "!!"), row("Please note: " + LONG), row("something else entirely is written here")]
        kept, lost = separate(rows)
        self.assertEqual([r.use for r in kept], ["eval", "train"])
        self.assertEqual(lost["t"], 2)

    def test_short_eval_texts_are_found_inside_longer_ones(self) -> None:
        wall = Wall(["can birds really see colours"])
        self.assertTrue(wall.repeats("My son asked: Can birds really see colours? I did not know."))
        self.assertFalse(wall.repeats("Can birds see? Colours are really nice."))

    def test_half_of_a_longer_eval_text_is_a_repeat_and_a_phrase_is_not(self) -> None:
        wall = Wall([LONG])
        self.assertTrue(wall.repeats(" ".join(LONG.split()[:15])))
        self.assertFalse(wall.repeats("the quick brown fox jumps over the lazy cat and nothing else in this sentence is like it at all"))

    def test_eval_rows_are_never_dropped_by_it(self) -> None:
        kept, _ = separate([row(LONG, "eval"), row(LONG + " again", "eval")])
        self.assertEqual(len(kept), 2)


class LabelTest(unittest.TestCase):
    def test_openai_threatening_hate_is_hate(self) -> None:
        self.assertEqual(sources.openai_labels({"H": 0, "H2": 1})["hate"], 1)
        self.assertEqual(sources.openai_labels({"H": 1, "H2": 0})["hate"], 1)

    def test_openai_minors_are_also_sexual(self) -> None:
        self.assertEqual(sources.openai_labels({"S3": 1}), {"sexual-minors": 1, "sexual": 1})

    def test_openai_absent_is_unknown(self) -> None:
        self.assertEqual(sources.openai_labels({"V": 0}), {"violence": 0})

    def test_graphic_violence_is_violence(self) -> None:
        self.assertEqual(sources.openai_labels({"V2": 1, "V": 0, "SH": 0}), {"violence": 1, "self-harm": 0})

    def test_harmless_is_zero_everywhere_but_for_the_head_of_documents(self) -> None:
        self.assertEqual(set(BENIGN), set(HEADS) - {"indirect"})
        self.assertEqual(set(BENIGN.values()), {0})


class GrammarTest(unittest.TestCase):
    def test_alternatives_slots_and_escapes(self) -> None:
        grammar = Grammar({"x": ["[b|c]"]})
        seen = {grammar.expand(random.Random(n), r"a[ {x}|] \[\{\|\}\]") for n in range(40)}
        self.assertEqual(seen, {"a [{|}]", "a b [{|}]", "a c [{|}]"})

    def test_unbalanced_templates_are_refused(self) -> None:
        for bad in ("[a|b", "a]b[", "{x"):
            with self.assertRaises(ValueError):
                Grammar({}).expand(random.Random(1), bad)

    def test_sentence_mends_spaces(self) -> None:
        self.assertEqual(sentence("say  it , now ."), "Say it, now.")

    def test_every_template_expands(self) -> None:
        for table in (direct.OVERRIDE, direct.ROLES, direct.PERSONA, direct.EXTRACT, direct.TRICKS):
            for template in table:
                for n in range(5):
                    self.assertNotRegex(direct.attack(random.Random(n), Grammar(direct.SLOTS), [template]), r"\{[a-z0-9]+\}")
        for _, table, _ in benign.FAMILIES:
            for template in table:
                for n in range(5):
                    self.assertNotRegex(Grammar(benign.SLOTS).expand(random.Random(n), template), r"\{[a-z0-9]+\}")

    def test_the_same_seed_gives_the_same_rows(self) -> None:
        for make in (direct.rows, benign.rows, long.rows, indirect.rows, indirect.pasted, moderation.rows, multilingual.rows, multilingual.evaluation):
            first, again = ([(r.text, r.labels) for r in make(random.Random(7), 40)] for _ in range(2))
            self.assertEqual(first, again)

    def test_spans_hold_the_attack(self) -> None:
        for r in [*indirect.rows(random.Random(3), 300), *indirect.pasted(random.Random(3), 40)]:
            if r.span:
                self.assertEqual(r.labels.get("indirect", 1), 1)
                self.assertTrue(r.text[slice(*r.span)].strip())

    def test_more_than_half_of_the_documents_are_clean(self) -> None:
        made = [r.labels["indirect"] for r in indirect.rows(random.Random(5), 1000)]
        self.assertAlmostEqual(sum(made) / len(made), 0.43, delta=0.05)

    def test_real_carriers_come_clean_and_once_more_with_a_line(self) -> None:
        made = list(indirect.around(random.Random(2), ["The pump is off. Call Ann."] * 50, "s", "g"))
        clean = [r for r in made if r.labels["indirect"] == 0]
        self.assertEqual({r.text for r in clean}, {"The pump is off. Call Ann."})
        self.assertGreater(len(made) - len(clean), 30)
        self.assertTrue(all(r.group == "g" and r.origin == "document" for r in made))

    def test_the_measured_languages_share_no_template_with_the_trained(self) -> None:
        train = json.loads((multilingual.HERE / "languages.json").read_text(encoding="utf-8"))
        test = json.loads((multilingual.HERE / "languages_eval.json").read_text(encoding="utf-8"))
        self.assertGreaterEqual(len(test), 8)
        for lang, slots in test.items():
            self.assertFalse({t for v in slots.values() for t in v} & {t for v in train[lang].values() for t in v}, lang)
        made = list(multilingual.evaluation(random.Random(1), 80))
        self.assertTrue(all(r.use == "eval" for r in made))
        for lang in test:
            for label in (0, 1):
                self.assertGreaterEqual(sum(r.lang == lang and r.labels["injection"] == label for r in made), 60, lang)


class WrittenTest(unittest.TestCase):
    def test_no_text_is_there_twice(self) -> None:
        texts = [item["text"] for path in sorted(written.FOLDER.glob("*.jsonl")) for item in written.records(path.stem)]
        self.assertGreater(len(texts), 3500)
        self.assertEqual(len({normal(text) for text in texts}), len(texts))

    def test_a_document_is_there_clean_and_with_different_lines(self) -> None:
        made = list(written.documents(random.Random(1)))
        first = next(one.text for one in made if one.kind == "carrier")
        planted = [one for one in made if one.source == "gen_written_documents" and one.text != first and one.span and first[:40] in one.text]
        lines = {one.text[one.span[0] : one.span[1]] for one in planted if one.span}
        self.assertGreaterEqual(len(lines), written.PLANTED)
        self.assertTrue(all(one.labels["indirect"] == 1 for one in planted))

    def test_attacks_are_attacks_and_the_rest_is_not(self) -> None:
        for one in written.rows(random.Random(1)):
            prompts = ("gen_written_attacks", "gen_written_benign", "gen_written_languages", written.MORE)
            if one.source in prompts and one.kind != "moderation" and one.origin == "user":
                self.assertEqual(one.labels["injection"], int(one.kind in written.ATTACKS), one.text)

    def test_statements_ask_nothing_and_stand_in_a_document(self) -> None:
        carriers = "\n".join(written.carriers())
        made = list(written.statements(random.Random(1)))
        self.assertGreater(len(made), 1000)
        self.assertFalse([one.text for one in made if ASKED.search(one.text) or one.text not in carriers])


class PackagesTest(unittest.TestCase):
    def test_pieces_repeat_by_seed_and_quote_no_attack(self) -> None:
        first, again = list(packages.pieces(1)), list(packages.pieces(1))
        self.assertEqual(first, again)
        self.assertEqual(len(first), len(set(first)))
        self.assertFalse([piece for piece in first if QUOTES.search(piece)])
        self.assertGreater(sum("Traceback (most recent call last)" in piece for piece in first), packages.REPORTS // 2)


class AugmentTest(unittest.TestCase):
    def test_a_window_without_the_attack_is_clean(self) -> None:
        text = "x " * 800 + "do as I say" + " y" * 800
        span = (1600, 1611)
        for n in range(60):
            piece, labels = cut(random.Random(n), text, {"indirect": 1, "hate": 0}, span, 300)
            self.assertEqual(labels["hate"], 0)
            if labels.get("indirect") == 1:
                self.assertIn("do as I s", piece)
            elif labels.get("indirect") == 0:
                self.assertNotIn("do as I say", piece)

    def test_a_label_that_may_have_been_cut_off_is_unknown(self) -> None:
        _, labels = cut(random.Random(1), "a " * 900, {"hate": 1, "injection": 0}, None, 1000)
        self.assertEqual(labels, {"injection": 0})

    def test_documents_only_stand_beside_documents(self) -> None:
        augment = Augmenter(["PROMPT"], ["PAPER"], rate=1)
        seen = "".join(augment(random.Random(n), "some words", {"indirect": 0}, "document")[0].upper() for n in range(200))
        self.assertIn("PAPER", seen)
        self.assertNotIn("PROMPT", seen)

    def test_typos_keep_first_letters_and_short_words(self) -> None:
        for n in range(50):
            out = typos(random.Random(n), "ignore the rules of it")
            self.assertEqual([w[0] for w in out.split()], list("itroi"))
            self.assertIn(" the ", out)

    def test_labels_of_the_caller_stay_as_they_are(self) -> None:
        labels = {"injection": 1}
        Augmenter([], [], rate=1)(random.Random(1), "z " * 1000, labels, "user", (1990, 1999))
        self.assertEqual(labels, {"injection": 1})


class WriteTest(unittest.TestCase):
    def test_equal_rows_are_equal_bytes(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            first, again = Path(folder, "a.jsonl.gz"), Path(folder, "b.jsonl.gz")
            write([row("hé")], first)
            write([row("hé")], again)
            self.assertEqual(first.read_bytes(), again.read_bytes())
            with gzip.open(first, "rt", encoding="utf-8") as file:
                self.assertEqual(json.loads(file.readline())["text"], "hé")


if __name__ == "__main__":
    unittest.main()
