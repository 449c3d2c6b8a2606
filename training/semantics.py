"""What is said, before it is said in any language: things and clauses.

`grammar_rules.py` throws them by chance. `english.py` and `french.py` each put the same meaning
into words; that is where the translations come from.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from training.lexicon import Adjective, Adverb, Name, Noun, Verb

HAVE = Verb(
    "have",
    "has",
    "had",
    "had",
    "having",
    "avoir",
    "ai",
    "a",
    "avons",
    "avez",
    "ont",
    "eu",
    "avoir",
    "t",
    "person",
    "animal,text,clothing,thing,tool,vehicle,furniture,plant,idea,music,toy",
)
FORMS = ("he", "she", "it", "they")


@dataclass(eq=False)
class Thing:
    """Somebody or something: a noun with what belongs to it, a name, or a pronoun."""

    noun: Noun | Name | None = None
    plural: bool = False
    det: str = ""
    adjectives: list[tuple[Adjective, Adverb | None]] = field(default_factory=list)
    place: Place | None = None
    relative: Clause | None = (
        None  # … that the student recommended: a clause in which this thing has a part
    )
    both: tuple[Thing, Thing] | None = None  # Anna and the boy
    pronoun: str = ""  # I, you, we, who, what, or he, she, it, they for another thing
    antecedent: Thing | None = None
    rivals: tuple[Thing, ...] = ()  # what the pronoun might have meant by its place alone
    owner: Thing | None = None  # with det "own": his, her, its, their

    @property
    def kind(self) -> str:
        """The kind of noun; names and pronouns for people are persons."""
        if self.antecedent or self.both:
            return (self.antecedent or self.both[0]).kind
        return (
            "thing"
            if self.pronoun == "what"
            else self.noun.kind
            if isinstance(self.noun, Noun)
            else "person"
        )

    @property
    def many(self) -> bool:
        """Whether it is more than one."""
        return self.plural or bool(self.both) or self.pronoun in ("we", "you", "they")

    @property
    def third(self) -> bool:
        """Whether it is spoken about, and not speaking or spoken to."""
        return self.pronoun not in ("I", "you", "we")

    @property
    def form(self) -> str:
        """The pronoun that stands for it: he, she, it or they; "-" where English does not say."""
        if self.pronoun in FORMS:
            return self.pronoun
        if not self.third or self.pronoun:
            return "-"
        return (
            "they"
            if self.many
            else self.noun.pronoun
            if isinstance(self.noun, Noun)
            else self.noun.kind
        )

    @property
    def feminine(self) -> bool:
        """The French gender."""
        if self.antecedent:
            return self.antecedent.feminine
        if self.both:
            return all(thing.feminine for thing in self.both)
        return self.noun is not None and (
            self.noun.gender == "f" if isinstance(self.noun, Noun) else self.noun.kind == "she"
        )


@dataclass(eq=False)
class Place:
    """In the garden, near the window."""

    prepositions: str  # English:French
    thing: Thing


@dataclass(eq=False)
class Clause:
    """Who does what, and how it is said."""

    subject: Thing | None
    verb: Verb | None = None  # None: to be
    voice: str = "active"  # active, passive, be, exist (there is)
    tense: str = "present"  # present, past, progressive, future, can, could, must, want, wanted
    negative: bool = False
    short: bool = False  # isn't
    object: Thing | None = None
    recipient: Thing | None = None
    agent: Thing | None = None  # by …
    that: Clause | None = None
    quality: tuple[Adjective, Adverb | None] | None = None
    place: Place | None = None
    often: Adverb | None = None
    manner: Adverb | None = None
    time: Adverb | None = None
    where: Adverb | None = None
    opening: Adverb | None = None  # fortunately
    why: tuple[str, Clause] | None = None  # because, when, and the clause
    then: tuple[str, Clause] | None = (
        None  # and, but, and the clause; without its subject where that is the same
    )
    gap: Thing | None = None  # of a relative clause: the thing it is about, not said again


@dataclass(eq=False)
class Sentence:
    clause: Clause
    asks: str = ""  # "whether", or the question word


@dataclass(eq=False)
class Listed:
    """A word of a list in both languages: no article, nothing that it depends on."""

    en: str
    fr: str


@dataclass(eq=False)
class Recital:
    """A list of words said twice in the same order, as one learns them by heart: nothing but the
    first time tells what comes next in the second.
    """

    words: tuple[Listed, ...]


def base(t: Thing) -> Thing:
    """What was named, where a thing is named again."""
    return t.antecedent or t
