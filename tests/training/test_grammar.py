"""The grammar that the study models learn from: its gold facts, its French, and that the splits
have nothing in common.
"""

from __future__ import annotations

import math
from itertools import islice

import pytest

from training import corpus, english, entropy, french, grammar_rules, lexicon, vocabulary
from training.grammar import sample
from training.lexicon import Adjective, Adverb, Name, Noun, Verb
from training.random_choices import Dice
from training.semantics import Clause, Place, Sentence, Thing

SAMPLES = [sample(Dice(f"test of the grammar {i}")) for i in range(1_500)]


def english_of(word) -> str:
    """The English form by which a word is known."""
    return word.name if isinstance(word, lexicon.Name) else word.en


def word(record, text: str):
    """A word of the lexicon by its English form."""
    return next(one for one in lexicon.table(record) if english_of(one) == text)


def the(noun: str, plural: bool = False, det: str = "the", **more) -> Thing:
    return Thing(word(Noun, noun), plural, det, **more)


def said(*clauses: Clause, asks: str = "") -> tuple[str, str]:
    """The English and the French of clauses."""
    sentences = [Sentence(clause, asks) for clause in clauses]
    draft = english.write(sentences)
    return " ".join(w.text for w in draft.words), " ".join(
        w.text for w in french.write(sentences, draft.made)
    )


def notes_sentence() -> Clause:
    """The sentence of the notes that the project grew from."""
    book = the("book")
    book.relative = Clause(
        the("student"), word(Verb, "recommend"), tense="past", object=book, gap=book
    )
    return Clause(book, voice="be", quality=(word(Adjective, "expensive"), None))


def test_the_sentence_of_the_notes():
    assert said(notes_sentence()) == (
        "the book that the student recommended is expensive .",
        "le livre que l' étudiant a recommandé est cher .",
    )


def test_french_agrees_elides_and_puts_words_in_their_places():
    letter, anna = the("letter", plural=True), Thing(word(Name, "anna"))
    letter.relative = Clause(anna, word(Verb, "read"), tense="past", object=letter, gap=letter)
    red, old = (word(Adjective, "red"), None), (word(Adjective, "old"), None)
    cases = [
        (
            Clause(
                letter,
                voice="be",
                tense="past",
                quality=(word(Adjective, "old"), word(Adverb, "very")),
            ),
            "the letters that anna read were very old .",
            "les lettres qu' anna a lues étaient très vieilles .",
        ),
        (
            Clause(the("tree", adjectives=[old]), voice="be", quality=red, negative=True),
            "the old tree is not red .",
            "le vieil arbre n' est pas rouge .",
        ),
        (
            Clause(
                Thing(pronoun="I"),
                word(Verb, "read"),
                negative=True,
                short=True,
                object=the("book", det="a"),
            ),
            "i don't read a book .",
            "je ne lis pas de livre .",
        ),
        (Clause(anna, word(Verb, "arrive"), tense="past"), "anna arrived .", "anna est arrivée ."),
        (
            Clause(
                anna,
                word(Verb, "read"),
                tense="future",
                place=Place("at:à", the("market")),
                object=the("book"),
            ),
            "anna will read the book at the market .",
            "anna va lire le livre au marché .",
        ),
    ]
    for clause, *expected in cases:
        assert list(said(clause)) == expected


def test_a_pronoun_takes_the_gender_of_what_it_stands_for():
    car, anna = (
        the("car", det="a", adjectives=[(word(Adjective, "red"), None)]),
        Thing(word(Name, "anna")),
    )
    first = Clause(anna, word(Verb, "see"), tense="past", object=car)
    then = Clause(
        Thing(pronoun="she", antecedent=anna),
        word(Verb, "love"),
        object=Thing(pronoun="it", antecedent=car),
    )
    assert said(first, then) == (
        "anna saw a red car . she loves it .",
        "anna a vu une voiture rouge . elle l' aime .",
    )
    assert said(
        Clause(the("king"), word(Verb, "see"), tense="past", object=Thing(pronoun="what")),
        asks="what",
    ) == ("what did the king see ?", "qu' est-ce que le roi a vu ?")


def test_every_word_has_one_head_and_heads_lead_to_a_root():
    for made in SAMPLES:
        assert len(made.heads) == len(made.relations) == len(made.english) and -1 in made.heads
        for place in range(len(made.english)):
            seen = set()
            while place != -1:
                assert place not in seen, made
                seen.add(place)
                place = made.heads[place]


def test_links_and_sites_point_at_what_they_say():
    kinds = {name for made in SAMPLES for name, *_ in made.links}
    assert kinds == {
        "verb to its subject",
        "predicate to its subject",
        "pronoun",
        "relative pronoun",
        "named again",
        "owner",
        "verb of a relative clause to its object",
        "verb of a relative clause to its subject",
        "said again",
        "what came next",
    }
    pronouns = {"he", "she", "it", "they", "him", "her", "them"}
    for made in SAMPLES:
        for name, a, b in made.links:
            assert name != "pronoun" or made.english[a] in pronouns and b < a
            assert name != "named again" or made.english[b] == made.english[a] and b < a
            assert name != "relative pronoun" or made.english[a] in ("who", "that") and b < a
        for site in made.sites:
            assert made.english[site.place] not in site.wrong and site.wrong
            assert site.kind != "pronoun" or ("pronoun", site.place, site.decided_by) in made.links


def test_a_verb_is_decided_by_the_noun_whose_number_it_has():
    """The grammar's own subject, told apart from the nouns between by the lexicon's plurals."""
    singular = {noun.en for noun in lexicon.table(Noun) if not noun.mass}
    plural = {noun.en_plural for noun in lexicon.table(Noun) if not noun.mass}
    seen = 0
    for made in SAMPLES:
        for site in made.sites:
            verb, noun = made.english[site.place], made.english[site.decided_by]
            joined = site.how == "and"
            if verb in ("is", "was", "are", "were") and noun in singular ^ plural and not joined:
                assert (verb in ("are", "were")) == (noun in plural), made.english
                seen += 1
    assert seen > 200


def test_a_list_is_said_twice_in_both_languages():
    lists = [made for made in SAMPLES if "listed" in made.relations]
    assert 0.05 * len(SAMPLES) < len(lists) < 0.13 * len(SAMPLES)
    for made in lists:
        for words in (made.english, made.french):
            half = len(words) // 2
            assert words[:half] == words[half:] and words[half - 1] == "."
        again = [(a, b) for name, a, b in made.links if name == "said again"]
        after = [(a, b) for name, a, b in made.links if name == "what came next"]
        half = len(made.english) // 2
        assert again == [(place + half, place) for place in range(half - 1)]
        assert after == [(a, b + 1) for a, b in again]


def test_invented_words_are_not_in_the_lexicon_nor_end_like_a_plural():
    known, dice = vocabulary.tokens("joint"), Dice("invented")
    words = [grammar_rules.invented(dice) for _ in range(300)]
    assert not set(words) & set(known) and len(set(words)) > 290
    assert not any(word.endswith("s") or word + "s" in known for word in words)


def test_every_french_word_is_aligned_and_content_with_content():
    for made in SAMPLES:
        assert {french for french, _ in made.alignment} == set(range(len(made.french)))
        translations = dict(made.alignment)
        assert all(
            made.english[translations[place]] not in ("the", "a", ".", "?", "of")
            for place in made.content
        )


def test_seeds_decide_everything_and_a_replay_makes_the_same_sentence():
    for seed in ("a", "b", "c", "d"):
        dice = Dice(seed)
        made = sample(dice)
        assert (
            made == sample(Dice(seed)) == sample(Dice(replay=[throw for throw, *_ in dice.throws]))
        )
        assert made.log_p == pytest.approx(
            sum(
                (
                    math.log(weights[options.index(throw)] / sum(weights))
                    if weights
                    else -math.log(len(options))
                )
                for throw, options, weights in dice.throws
            )
        )


def test_a_hidden_word_is_as_likely_as_the_choices_that_make_it():
    dice = Dice("hidden")
    made = sample(dice)
    for place in range(len(made.english)):
        found = entropy.hidden_word(dice, made, place)
        assert sum(found.values()) == pytest.approx(1) and made.english[place] in found
    assert entropy.hidden_word(dice, made, len(made.english) - 1) == {made.english[-1]: 1.0}


@pytest.mark.slow
def test_splits_share_no_sentence_and_new_combinations_are_in_the_test_alone():
    found = {split: list(corpus.samples(split, 300)) for split in corpus.SIZES}
    texts = {split: {made.english for made in samples} for split, samples in found.items()}
    for split in texts:
        assert all(not texts[split] & texts[other] for other in texts if other != split)
    seen = {
        combination
        for split in ("train", "validation", "test")
        for made in found[split]
        for combination in made.combinations
    }
    assert not any(map(corpus.held_out, seen))
    assert all(any(map(corpus.held_out, made.combinations)) for made in found["new"])


def test_words_are_whole_tokens_and_anything_can_be_typed():
    assert len(vocabulary.english_words()) >= 1_200
    known = set(vocabulary.english_words()) | set(vocabulary.french_words())
    strange = [w for made in SAMPLES for w in made.english + made.french if w not in known]
    assert len(strange) < 0.12 * sum(len(made.english + made.french) for made in SAMPLES)
    both = vocabulary.tokenizer("joint", "$A")
    for made in islice(SAMPLES, 200):
        if not set(made.english + made.french) & set(strange):
            assert both.encode(" ".join(made.french)).tokens == list(made.french)
            assert both.encode(" ".join(made.english)).tokens == list(made.english)
    assert (
        "[UNK]" not in both.encode("My laptop’s xylophone-zzz costs 42 euros, n'est-ce pas?").tokens
    )
    assert both.encode("日本").tokens == ["[UNK]"]


def test_english_ids_are_the_same_in_all_models():
    alone, both = vocabulary.tokens("english"), vocabulary.tokens("joint")
    assert all(both[token] == number for token, number in alone.items()) and len(both) > len(alone)
