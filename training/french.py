"""The same meaning in French words, each with the English words it translates.

Gender, agreement of articles, adjectives and participles, the place of adjectives and pronouns,
elision (l', qu', n') and contraction (du, aux) are decided here.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from training.english import Word
from training.lexicon import Adjective, Noun
from training.semantics import HAVE, Clause, Place, Recital, Sentence, Thing, base

ASPIRATED = (
    "hérisson",
    "héros",
    "hibou",
    "haricot",
    "hache",
    "hamster",
    "homard",
    "haut",
    "huit",
    "hangar",
    "harpe",
    "hamac",
)
VOWELS = "aeiouâàäéèêëîïôöûùüœh"
ELIDED = {"le": "l'", "la": "l'", "je": "j'", "ne": "n'", "que": "qu'", "de": "d'"}
CONTRACTED = {("de", "le"): "du", ("de", "les"): "des", ("à", "le"): "au", ("à", "les"): "aux"}
BEFORE_VOWEL = {"ma": "mon", "sa": "son", "ta": "ton", "ce": "cet"}
# (masculine, feminine, plural); "de" drops the article: beaucoup de livres
ARTICLES = {
    "the": ("le", "la", "les"),
    "a": ("un", "une", "des"),
    "some": ("de le", "de la", "des"),
    "this": ("ce", "cette", "ces"),
    "that": ("ce", "cette", "ces"),
    "these": ("ces",) * 3,
    "those": ("ces",) * 3,
    "my": ("mon", "ma", "mes"),
    "your": ("votre", "votre", "vos"),
    "our": ("notre", "notre", "nos"),
    "every": ("chaque",) * 3,
    "several": ("plusieurs",) * 3,
    "all": ("tous les", "toutes les", ""),
    "many": ("beaucoup de",) * 3,
    **{
        en: (fr,) * 3
        for en, fr in zip(
            ("two three four five six seven eight nine ten").split(),
            "deux trois quatre cinq six sept huit neuf dix".split(),
            strict=True,
        )
    },
}
OWN = {False: ("son", "sa", "ses"), True: ("leur", "leur", "leurs")}
# je, il, nous, vous, ils
BE = {
    "present": ("suis", "est", "sommes", "êtes", "sont"),
    "past": ("étais", "était", "étions", "étiez", "étaient"),
}
HAVING = {
    "present": ("ai", "a", "avons", "avez", "ont"),
    "past": ("avais", "avait", "avions", "aviez", "avaient"),
}
MODALS = {
    "future": ("vais", "va", "allons", "allez", "vont"),
    "can": ("peux", "peut", "pouvons", "pouvez", "peuvent"),
    "could": ("pouvais", "pouvait", "pouvions", "pouviez", "pouvaient"),
    "must": ("dois", "doit", "devons", "devez", "doivent"),
    "want": ("veux", "veut", "voulons", "voulez", "veulent"),
    "wanted": ("voulais", "voulait", "voulions", "vouliez", "voulaient"),
}
SUBJECTS = {"I": "je", "you": "vous", "we": "nous", "who": "qui"}
ASKING = {"where": "où", "when": "quand", "why": "pourquoi", "how": "comment", "what": "que"}
JOINING = {"and": "et", "but": "mais", "because": "parce que", "when": "quand"}
EARLY = ("bien", "mal")  # adverbs that stand right after the finite verb
SHORT = ("très", "si")  # and those with which an adjective may still stand before its noun


@dataclass(eq=False)
class Mot:
    """A French word, the English words it stands for, and whether it carries content."""

    text: str
    sources: tuple[Word, ...]
    content: bool = False
    vowel: str = ""  # what it becomes before a vowel: bel for beau


@dataclass
class Copy:
    """The French text so far, and the English words it comes from."""

    made: dict
    words: list[Mot] = field(default_factory=list)

    def add(self, text: str, *sources, content: bool = False) -> Mot:
        """text: one word or more; sources: (owner, role) of English words; those that were not said
        are left out.
        """
        found = tuple(self.made[source] for source in sources if source in self.made)
        for part in text.split():
            self.words.append(Mot(part, found, content))
        return self.words[-1]


def write(sentences: list[Sentence | Recital], made: dict) -> list[Mot]:
    """The sentences in French; made: the English words of each part of the meaning
    (english.Draft.made).
    """
    out = Copy(made)
    for sentence in sentences:
        if isinstance(sentence, Recital):
            recite(out, sentence)
            continue
        if sentence.asks:
            ask(out, sentence)
        else:
            clause(out, sentence.clause)
        out.add("?" if sentence.asks else ".", (sentence, "end"))
    return surface(out.words)


def recite(out: Copy, recital: Recital) -> None:
    """The words of a list, twice."""
    for time in (0, 1):
        for word in recital.words:
            out.add(word.fr, ((word, time), "listed"), content=True)
        out.add(".", ((recital, time), "end"))


# --- things ---------------------------------------------------------------------------------------


def thing(out: Copy, t: Thing, negated: bool = False) -> None:
    """A noun phrase. negated: the object of a negated verb, before which un, des become de."""
    if t.both:
        thing(out, t.both[0])
        out.add("et", (t, "and"))
        thing(out, t.both[1])
        return
    if isinstance(t.noun, Noun):
        early = [
            pair
            for pair in t.adjectives
            if pair[0].position == "before" and (not pair[1] or pair[1].fr in SHORT)
        ]
        determiner(out, t, bool(early), negated)
        for pair in early:
            adjective(out, t, pair, (t, pair[0]), "adjective")
        out.add(t.noun.fr_plural if t.plural else t.noun.fr, (t, "noun"), content=True)
        for pair in t.adjectives:
            if pair not in early:
                adjective(out, t, pair, (t, pair[0]), "adjective")
    else:
        out.add(t.noun.fr, (t, "noun"), content=True)
    if t.place:
        place(out, t.place)
    if t.relative:
        relative(out, t)


def determiner(out: Copy, t: Thing, adjective_first: bool, negated: bool) -> None:
    """The article in its gender and number."""
    if not t.det:
        return
    if t.det in ("a", "some") and (negated or t.plural and adjective_first):
        out.add("de", (t, "det"))
        return
    if t.det == "all":
        out.add("toutes" if t.feminine else "tous", (t, "all"))
        out.add("les", (t, "det"))
        return
    forms = OWN[base(t.owner).many] if t.det == "own" else ARTICLES[t.det]
    out.add(forms[2 if t.plural else 1 if t.feminine else 0], (t, "det"))


def agreeing(a: Adjective, feminine: bool, plural: bool) -> str:
    """An adjective in gender and number."""
    return ((a.mp, a.fp) if plural else (a.ms, a.fs))[feminine]


def adjective(out: Copy, t: Thing, pair, owner, role: str) -> None:
    """An adjective, perhaps with how much, that agrees with a thing."""
    a, degree = pair
    if degree:
        out.add(degree.fr, (owner, "degree"))
    word = out.add(agreeing(a, t.feminine, t.many), (owner, role), content=True)
    if a.vowel != "-" and not t.feminine and not t.many:
        word.vowel = a.vowel


def place(out: Copy, p: Place) -> None:
    """A preposition and what follows it."""
    out.add(p.prepositions.split(":")[1], (p, "preposition"))
    thing(out, p.thing)


def relative(out: Copy, t: Thing) -> None:
    """Qui or que, and a clause."""
    c = t.relative
    out.add("qui" if c.subject is t else "que", (c, "that"))
    if c.subject is not t:
        subject(out, c.subject)
    verb_phrase(out, c)


def subject(out: Copy, t: Thing) -> None:
    """A subject: a noun phrase or a pronoun."""
    if not t.pronoun:
        return thing(out, t)
    third = ("elles" if t.feminine else "ils") if t.many else "elle" if t.feminine else "il"
    out.add(SUBJECTS.get(t.pronoun, third), (t, "noun"))


# --- verbs ----------------------------------------------------------------------------------------


def person(t: Thing) -> int:
    """Which form a verb takes: je, il, nous, vous, ils."""
    return {"I": 0, "we": 2, "you": 3}.get(t.pronoun, 4 if t.many else 1)


def finite(c: Clause) -> tuple[str, str]:
    """The finite verb, and the word of the verb after it: an infinitive, a participle, or none."""
    who, v = person(c.subject), c.verb
    tense = "present" if c.tense == "progressive" else c.tense
    infinitive = "être" if v is None else v.fr
    if c.voice == "passive":
        done = agreed(v.participle, c.subject)
        if tense == "past":
            return HAVING["present"][who], f"été {done}"
        return (
            (BE["present"][who], done)
            if tense == "present"
            else (MODALS[tense][who], f"être {done}")
        )
    if tense in MODALS:
        return MODALS[tense][who], infinitive
    if v is None or v is HAVE:
        return (BE if v is None else HAVING)[tense][who], ""
    if tense == "present":
        return (v.je, v.il, v.nous, v.vous, v.ils)[who], ""
    if v.aux == "être":
        return BE["present"][who], agreed(v.participle, c.subject)
    o = c.object
    moved = (
        o is not None and o.pronoun != "what" and (o is c.gap or bool(o.antecedent and o.pronoun))
    )
    return HAVING["present"][who], agreed(v.participle, o) if moved else v.participle


def agreed(participle: str, t: Thing) -> str:
    """A past participle in gender and number."""
    feminine = participle + "e" if t.feminine else participle
    return feminine if not t.many or feminine.endswith("s") else feminine + "s"


def verb_phrase(out: Copy, c: Clause) -> None:
    """Ne, the object as a pronoun, the finite verb, pas, the rest of the verb, and what follows."""
    first, rest = finite(c)
    clitic = c.object if c.object is not None and c.object.pronoun and c.object.antecedent else None
    modal = (c.tense in MODALS) and c.voice == "active"
    auxiliary = (c, "auxiliary") if (c, "auxiliary") in out.made else (c, "verb")
    of_verb = [(c, role) for role in ("auxiliary", "verb")]
    if c.negative:
        out.add("ne", (c, "not") if (c, "not") in out.made else auxiliary)
    if clitic and not modal:
        object_pronoun(out, clitic)
    if rest:
        out.add(first, (c, "want"), (c, "to"), auxiliary) if modal else out.add(first, auxiliary)
    else:
        out.add(first, *of_verb, content=c.verb is not None)
    if c.negative:
        out.add("pas", (c, "not") if (c, "not") in out.made else auxiliary)
    for adverb, role in (
        (c.often, "often"),
        (c.manner if c.manner and c.manner.fr in EARLY else None, "manner"),
    ):
        if adverb:
            out.add(adverb.fr, (c, role), content=True)
    if clitic and modal:
        object_pronoun(out, clitic)
    *helping, last = rest.split() or [""]
    for part in helping:  # été, être
        out.add(part, (c, "be") if (c, "be") in out.made else auxiliary)
    if last:
        out.add(last, (c, "verb"), content=c.verb is not None)
    complements(out, c)


def object_pronoun(out: Copy, t: Thing) -> None:
    """Le, la, les: before the verb."""
    out.add("les" if t.many else "la" if t.feminine else "le", (t, "noun"))


def complements(out: Copy, c: Clause) -> None:
    """What follows the verb."""
    if c.quality:
        a, degree = c.quality
        if degree:
            out.add(degree.fr, (c, "degree"))
        out.add(agreeing(a, c.subject.feminine, c.subject.many), (c, "quality"), content=True)
    o = c.object
    if (
        o is not None
        and o is not c.gap
        and not (o.pronoun and (o.antecedent or o.pronoun == "what"))
    ):
        thing(out, o, negated=c.negative and c.voice == "active")
    if c.recipient is not None:
        out.add("à", (c, "recipient to"))
        thing(out, c.recipient)
    if c.agent is not None:
        out.add("par", (c, "by"))
        thing(out, c.agent)
    if c.manner and c.manner.fr not in EARLY:
        out.add(c.manner.fr, (c, "manner"), content=True)
    if c.where:
        out.add(c.where.fr, (c, "where"), content=True)
    if c.place:
        place(out, c.place)
    if c.time:
        out.add(c.time.fr, (c, "time"), content=True)
    if c.that:
        out.add("que", (c, "mark"))
        clause(out, c.that)
    for pair in (c.why, c.then):
        if pair:
            further(out, c, *pair)


def further(out: Copy, c: Clause, word: str, other: Clause) -> None:
    """A conjunction and the clause after it."""
    out.add(JOINING[word], (other, "conjunction"))
    if other.subject is c.subject:
        verb_phrase(out, other)
    else:
        clause(out, other)


def clause(out: Copy, c: Clause) -> None:
    """A whole clause."""
    if c.opening:
        out.add(c.opening.fr, (c, "opening"), content=True)
        out.add(",", (c, "comma"))
    if c.voice == "exist":
        out.add("il y", (c, "there"))
        out.add(HAVING[c.tense][1], (c, "verb"))
        thing(out, c.subject)
        place(out, c.place)
        return
    subject(out, c.subject)
    verb_phrase(out, c)


def ask(out: Copy, sentence: Sentence) -> None:
    """Est-ce que, and the rest as in a statement."""
    c = sentence.clause
    if sentence.asks != "who":
        if sentence.asks != "whether":
            out.add(ASKING[sentence.asks], (sentence, "asks"), content=True)
        out.add("est-ce que", (c, "auxiliary" if (c, "auxiliary") in out.made else "verb"))
    clause(out, c)


# --- what is heard --------------------------------------------------------------------------------


def vowel(word: str) -> bool:
    """Whether a word begins with a vowel that is heard: before it le becomes l'."""
    return word[0] in VOWELS and not word.startswith(ASPIRATED) or word == "y"


def surface(words: list[Mot]) -> list[Mot]:
    """Elision and contraction: le becomes l' before a vowel, de + le becomes du."""
    out: list[Mot] = []
    for word, following in zip(words, [*words[1:], None], strict=True):
        if following is not None and vowel(following.text):
            word.text = word.vowel or ELIDED.get(word.text, BEFORE_VOWEL.get(word.text, word.text))
        if out and (both := CONTRACTED.get((out[-1].text, word.text))):
            out[-1] = Mot(both, out[-1].sources + word.sources)
        else:
            out.append(word)
    return out
