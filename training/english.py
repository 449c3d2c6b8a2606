"""A meaning in English words, with the gold facts: heads, links, and where the language leaves no
choice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from training.lexicon import Noun, Verb
from training.semantics import FORMS, Clause, Place, Recital, Sentence, Thing, base

POSSESSIVES = {"he": "his", "she": "her", "it": "its", "they": "their"}
OBJECTS = {
    "I": "me",
    "we": "us",
    "he": "him",
    "she": "her",
    "it": "it",
    "they": "them",
    "who": "whom",
}
CONTRACTED = {
    "will": "won't",
    "can": "can't",
    **{
        word: word + "n't"
        for word in ("is", "are", "was", "were", "do", "does", "did", "could", "must")
    },
}
AN_ANYWAY, A_ANYWAY = ("hour", "honest", "heir"), ("uni", "use", "euro", "one", "ufo")


@dataclass(eq=False)
class Word:
    """An English word in its place. head: the word it depends on; None: the root of its clause."""

    text: str
    relation: str
    head: Word | None = None


@dataclass(frozen=True)
class DraftSite:
    """A word whose form is decided by what stands before it. wrong: the forms that it can't
    have.
    """

    word: Word
    kind: str  # agreement, pronoun
    how: str  # what lies between, or what is replaced
    wrong: tuple[str, ...]
    decided_by: Word  # the noun that the verb agrees with, or that the pronoun stands for
    distracted: bool = False  # a noun of the other number stands nearer


@dataclass
class Draft:
    """What is written so far."""

    words: list[Word] = field(default_factory=list)
    links: list[tuple[str, Word, Word]] = field(default_factory=list)
    sites: list[DraftSite] = field(default_factory=list)
    made: dict = field(
        default_factory=dict
    )  # (thing or clause, role) -> its Word: for the translation
    combinations: list[tuple[str, str, str]] = field(default_factory=list)

    def add(
        self, text: str, relation: str, owner=None, role: str = "", head: Word | None = None
    ) -> Word:
        word = Word(text, relation, head)
        self.words.append(word)
        if owner is not None:
            self.made[owner, role] = word
        return word


def write(sentences: list[Sentence | Recital]) -> Draft:
    """The sentences in English."""
    out = Draft()
    for sentence in sentences:
        start = len(out.words)
        if isinstance(sentence, Recital):
            root = recite(out, sentence)
        else:
            root = say(out, sentence)
        for word in out.words[start:]:
            if word is not root and word.head is None:
                word.head = root
    return out


def say(out: Draft, sentence: Sentence) -> Word:
    """A statement or a question with its full stop; returns its verb."""
    if sentence.asks:
        QUESTIONS.get(sentence.asks, ask)(out, sentence)
    else:
        clause(out, sentence.clause)
    out.add("?" if sentence.asks else ".", "end", sentence, "end")
    return out.made[sentence.clause, "verb"]


def recite(out: Draft, recital: Recital) -> Word:
    """The words of a list, twice; returns the first."""
    rounds = [
        [out.add(word.en, "listed", (word, time), "listed") for word in recital.words]
        + [out.add(".", "end", (recital, time), "end")]
        for time in (0, 1)
    ]
    for place, word in enumerate(rounds[1][:-1]):
        out.links.append(("said again", word, rounds[0][place]))
        out.links.append(("what came next", word, rounds[0][place + 1]))
    return rounds[0][0]


# --- things ---------------------------------------------------------------------------------------


def thing(
    out: Draft, t: Thing, relation: str, head: Word | None = None, as_object: bool = False
) -> Word:
    """A noun phrase; returns its head word."""
    if t.both:
        first = thing(out, t.both[0], relation, head)
        conjunction = out.add("and", "conjunction", t, "and")
        conjunction.head = thing(out, t.both[1], "joined", first)
        out.made[t, "noun"] = first
        return first
    if t.pronoun:
        return pronoun(out, t, relation, head, as_object)
    start = len(out.words)
    for text, role in determiners(t):
        out.add(text, "article", t, role)
    for adjective, degree in t.adjectives:
        before = out.add(degree.en, "degree", (t, adjective), "degree") if degree else None
        word = out.add(adjective.en, "adjective", (t, adjective), "adjective")
        if before:
            before.head = word
    noun = out.add(noun_text(t), relation, t, "noun", head)
    for word in out.words[start:-1]:
        word.head = word.head or noun
    article(out.words, start)
    tell(out, t, noun)
    if t.place:
        place(out, t.place, noun)
    if t.relative:
        relative(out, t, noun)
    return noun


def tell(out: Draft, t: Thing, noun: Word) -> None:
    """The gold facts of a noun phrase: whose it is, what it names again, and which adjectives it
    has.
    """
    if t.owner:
        out.links.append(("owner", out.made[t, "det"], out.made[base(t.owner), "noun"]))
    if t.antecedent:
        out.links.append(("named again", noun, out.made[base(t.antecedent), "noun"]))
    for adjective, _ in t.adjectives:
        combine(out, "adjective", t, adjective.en)


def combine(out: Draft, construction: str, t: Thing, word: str) -> None:
    """Notes that a noun stands with this word in this construction."""
    if isinstance(base(t).noun, Noun):
        out.combinations.append((construction, base(t).noun.en, word))


def determiners(t: Thing) -> list[tuple[str, str]]:
    """The words before the noun that say which."""
    match t.det:
        case "":
            return []
        case "own":
            return [(POSSESSIVES[t.owner.form], "det")]
        case "all":
            return [("all", "all"), ("the", "det")]
        case _:
            return [(t.det, "det")]


def article(words: list[Word], start: int) -> None:
    """A becomes an before a vowel that is heard."""
    for word, following in pairwise(words[start:]):
        if word.text == "a" and (
            following.text[0] in "aeiou"
            and not following.text.startswith(A_ANYWAY)
            or following.text.startswith(AN_ANYWAY)
        ):
            word.text = "an"


def noun_text(t: Thing) -> str:
    """The noun in its number, or the name."""
    return (
        (t.noun.en_plural if t.plural else t.noun.en) if isinstance(t.noun, Noun) else t.noun.name
    )


def pronoun(out: Draft, t: Thing, relation: str, head: Word | None, as_object: bool) -> Word:
    """A pronoun, and what it stands for."""
    word = out.add(
        OBJECTS.get(t.pronoun, t.pronoun) if as_object else t.pronoun.lower(),
        relation,
        t,
        "noun",
        head,
    )
    if t.antecedent:
        named = out.made[base(t.antecedent), "noun"]
        out.links.append(("pronoun", word, named))
        forms = {form: OBJECTS[form] if as_object else form for form in FORMS}
        rivals = {rival.form for rival in t.rivals}
        wrong = tuple(text for form, text in forms.items() if form not in {t.pronoun} | rivals)
        how = "object" if as_object else "subject"
        out.sites.append(DraftSite(word, "pronoun", how, wrong, named))
    return word


def place(out: Draft, p: Place, head: Word | None) -> Word:
    """A preposition and what follows it."""
    preposition = out.add(p.prepositions.split(":")[0], "preposition", p, "preposition")
    preposition.head = thing(out, p.thing, "place", head)
    return preposition.head


def relative(out: Draft, t: Thing, noun: Word) -> None:
    """Who or that, and a clause in which the noun has its part."""
    c = t.relative
    is_subject = c.subject is t
    that = out.add("who" if is_subject and t.kind == "person" else "that", "relative", c, "that")
    out.links.append(("relative pronoun", that, noun))
    if not is_subject:
        thing(out, c.subject, "subject")
    verb = verb_phrase(out, c)
    verb.relation, verb.head = "relative clause", noun
    for word in (that, out.made.get((c.subject, "noun"))):
        if word is not None and word.head is None and word is not noun:
            word.head = verb
    out.links.append(
        (
            (
                "verb of a relative clause to its subject"
                if is_subject
                else "verb of a relative clause to its object"
            ),
            verb,
            noun,
        )
    )
    if c.verb:
        combine(out, "subject relative" if is_subject else "object relative", t, c.verb.en)


# --- verbs ----------------------------------------------------------------------------------------


def finite(c: Clause, singular: bool, first: bool = False) -> str:
    """The word that carries tense and number when there is an auxiliary, or of to be itself."""
    if c.verb is None or c.voice == "passive" or c.tense == "progressive":
        if c.tense == "past":
            return "was" if singular or first else "were"
        if c.tense in ("present", "progressive"):
            return "am" if first else "is" if singular else "are"
    if c.tense in ("past", "wanted"):
        return "did"
    return {
        "future": "will",
        "present": "does" if singular else "do",
        "want": "does" if singular else "do",
    }.get(c.tense, c.tense)


def needs_auxiliary(c: Clause, asked: bool) -> bool:
    """Whether do, be, will … stands apart from the verb."""
    if c.verb is None:
        return c.tense not in ("present", "past")
    return (
        c.voice == "passive"
        or c.tense not in ("present", "past", "want", "wanted")
        or c.negative
        or asked
    )


def parts(c: Clause, singular: bool, first: bool, asked: bool = False) -> list[tuple[str, str]]:
    """The words of the verb in order, each with its role; the finite one first."""
    often = [(c.often.en, "often")] if c.often else []
    no = [("not", "not")] if c.negative else []
    auxiliary = (finite(c, singular, first), "auxiliary")
    if not needs_auxiliary(c, asked):
        if c.verb is None:
            return [(finite(c, singular, first), "verb"), *no, *often]
        return [*often, *without_auxiliary(c, c.verb, singular)]
    if c.verb is None:
        return [auxiliary, *no, ("be", "verb")]
    wants = [("want", "want"), ("to", "to")] if c.tense in ("want", "wanted") else []
    to_be = [("be", "be")] if c.voice == "passive" and c.tense not in ("present", "past") else []
    return [auxiliary, *no, *often, *wants, *to_be, (lexical(c, c.verb), "verb")]


def without_auxiliary(c: Clause, verb: Verb, singular: bool) -> list[tuple[str, str]]:
    """Reads, read, wants to read: the verb carries tense and number, or want does."""
    if c.tense == "past":
        return [(verb.en_past, "verb")]
    if c.tense not in ("want", "wanted"):
        return [(verb.en_s if singular else verb.en, "verb")]
    want = "wanted" if c.tense == "wanted" else "wants" if singular else "want"
    return [(want, "want"), ("to", "to"), (verb.en, "verb")]


def lexical(c: Clause, verb: Verb) -> str:
    """The form of the verb beside an auxiliary."""
    if c.voice != "active":
        return verb.en_participle
    return verb.en_ing if c.tense == "progressive" else verb.en


def verb_phrase(out: Draft, c: Clause, asked: bool = False, skip: bool = False) -> Word:
    """The verb and all that follows it; returns the verb. asked: its auxiliary was written before
    the subject (skip).
    """
    said = verb_words(c, asked, skip)
    start = len(out.words)
    for text, role in said:
        out.add(text, RELATIONS.get(role, role), c, role)
    verb = out.made[c, "verb"]
    for word in out.words[start:]:
        if word is not verb:
            word.head = verb
    if c.subject is not None and (subject := out.made.get((c.subject, "noun"))) is not None:
        if c.subject is not c.gap:
            subject.head = subject.head or verb
        out.links.append(("verb to its subject", verb, subject))
    if not skip:
        agreement(out, c, start)
    complements(out, c, verb)
    return verb


RELATIONS = {
    "not": "negation",
    "often": "adverb",
    "be": "auxiliary",
    "want": "auxiliary",
    "to": "auxiliary",
}


def verb_words(c: Clause, asked: bool, skip: bool) -> list[tuple[str, str]]:
    """The verb's words that are still to be written, contracted where that is wanted."""
    said = contracted(
        c, parts(c, singular(c.subject), c.subject is not None and c.subject.pronoun == "I", asked)
    )
    if c.negative and said[0][0] == "can" and not asked:
        said[:2] = [("cannot", said[0][1])]
    return said[1:] if skip else said


def contracted(c: Clause, said: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Isn't for is not, where that is wanted."""
    (text, role), *rest = said
    if c.negative and c.short and text in CONTRACTED and rest[0][1] == "not":
        return [(CONTRACTED[text], role), *rest[1:]]
    return said


def singular(t: Thing | None) -> bool:
    """Whether the verb takes its -s."""
    return t is not None and t.third and not t.many


def agreement(out: Draft, c: Clause, start: int) -> None:
    """Notes the word that has to agree with the subject, and what lies between the two; where a
    wrong form is wrong.

    "The boy put" isn't: it was yesterday.
    """
    if c.subject is None or not c.subject.third or c.subject.pronoun == "who":
        return
    one = singular(c.subject)
    right, other = (
        [text for text, _ in contracted(c, parts(c, number, False))] for number in (one, not one)
    )
    different = [i for i, (a, b) in enumerate(zip(right, other, strict=False)) if a != b]
    if not different or c.verb and other[different[0]] == c.verb.en_past:
        return
    word, wrong = out.words[start + different[0]], (other[different[0]],)
    subject = out.made[c.subject, "noun"]
    nearer = distracted(out, c, start)
    out.sites.append(DraftSite(word, "agreement", between(c), wrong, subject, nearer))


def between(c: Clause) -> str:
    """What stands between a verb and its subject."""
    t = c.subject
    if c.gap is t:
        return "directly"
    if t.relative:
        return "subject relative" if t.relative.subject is t else "object relative"
    return "preposition" if t.place else "and" if t.both else "directly"


def distracted(out: Draft, c: Clause, start: int) -> bool:
    """Whether the nearest noun before the verb has the other number than the subject."""
    subject = out.made.get((c.subject, "noun"))
    numbers = {
        out.made[key]: key[0].many
        for key in out.made
        if isinstance(key[0], Thing) and key[1] == "noun"
    }
    before = [word for word in out.words[:start] if word in numbers]
    return bool(before) and before[-1] is not subject and numbers[before[-1]] != c.subject.many


def complements(out: Draft, c: Clause, verb: Word) -> None:
    """What follows the verb."""
    subject = out.made.get((c.subject, "noun"))
    if c.voice == "exist":
        return
    if c.quality:
        adjective, degree = c.quality
        before = out.add(degree.en, "degree", c, "degree") if degree else None
        word = out.add(adjective.en, "predicate", c, "quality", head=verb)
        if before:
            before.head = word
        if subject is not None:
            out.links.append(("predicate to its subject", word, subject))
            combine(out, "predicate", c.subject, adjective.en)
    if c.object is not None and c.object is not c.gap and c.object.pronoun != "what":
        thing(out, c.object, "object", verb, as_object=True)
    if c.recipient is not None:
        to = out.add("to", "preposition", c, "recipient to")
        to.head = thing(out, c.recipient, "recipient", verb)
    if c.agent is not None:
        by = out.add("by", "preposition", c, "by")
        by.head = thing(out, c.agent, "agent", verb)
        combine(out, "passive", c.subject, c.verb.en)
    circumstances(out, c, verb)


def circumstances(out: Draft, c: Clause, verb: Word) -> None:
    """How, where, when, why, and what comes then."""
    for adverb, role in ((c.manner, "manner"), (c.where, "where")):
        if adverb:
            out.add(adverb.en, "adverb", c, role, head=verb)
    if c.place:
        place(out, c.place, verb)
    if c.time:
        out.add(c.time.en, "adverb", c, "time", head=verb)
    if c.that:
        that = out.add("that", "mark", c, "mark")
        that.head = clause(out, c.that)
        that.head.relation, that.head.head = "that-clause", verb
    for pair in (c.why, c.then):
        if pair:
            further(out, c, pair, verb)


def further(out: Draft, c: Clause, pair: tuple[str, Clause], verb: Word) -> None:
    """A conjunction and the clause after it; its subject is not said again where it is the
    same.
    """
    word, other = pair
    conjunction = out.add(word, "conjunction", other, "conjunction")
    conjunction.head = verb_phrase(out, other) if other.subject is c.subject else clause(out, other)
    conjunction.head.head, conjunction.head.relation = (
        verb,
        {"because": "reason", "when": "time"}.get(word, "joined"),
    )


def clause(out: Draft, c: Clause) -> Word:
    """A whole clause; returns its verb."""
    if c.opening:
        out.add(c.opening.en, "adverb", c, "opening")
        out.add(",", "comma", c, "comma")
    if c.voice == "exist":
        out.add("there", "expletive", c, "there")
        verb = out.add(finite(c, not c.subject.many), "root", c, "verb")
        thing(out, c.subject, "subject", verb)
        place(out, c.place, verb)
        return verb
    thing(out, c.subject, "subject")
    return verb_phrase(out, c)


# --- questions ------------------------------------------------------------------------------------


def ask(out: Draft, sentence: Sentence) -> None:
    """A question word, the auxiliary, the subject, and the rest."""
    c = sentence.clause
    if sentence.asks != "whether":
        out.add(sentence.asks, "question word", sentence, "asks")
    if sentence.asks == "what":
        out.made[c.object, "noun"] = out.words[-1]
    text, role = verb_words(c, True, False)[0]
    out.add(text, "auxiliary" if role == "auxiliary" else "root", c, role)
    thing(out, c.subject, "subject")
    verb_phrase(out, c, asked=True, skip=True)


def ask_who(out: Draft, sentence: Sentence) -> None:
    """Who comes first, and nothing is turned round."""
    clause(out, sentence.clause)


QUESTIONS = {"who": ask_who}
