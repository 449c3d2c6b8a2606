"""What is told, by chance: sentences and stories, from the whole down to its parts. What it means:
`semantics.py`.

Every throw of the dice is one choice, so that the dice know in the end how likely the sentence was.
"""

from __future__ import annotations

from dataclasses import replace

from training import lexicon, vocabulary
from training.lexicon import Adjective, Adverb, Name, Noun, Verb
from training.random_choices import Dice
from training.semantics import HAVE, Clause, Listed, Place, Recital, Sentence, Thing, base

# How often: weights of the articles, prepositions and tenses.
SINGULAR = {
    "the": 50,
    "a": 26,
    "this": 6,
    "that": 4,
    "my": 4,
    "your": 3,
    "our": 2,
    "every": 3,
    "own": 6,
}
PLURAL = {
    "the": 46,
    "some": 10,
    "these": 6,
    "those": 4,
    "two": 4,
    "three": 4,
    "four": 1,
    "five": 1,
    "six": 1,
    "seven": 1,
    "eight": 1,
    "nine": 1,
    "ten": 1,
    "many": 6,
    "several": 4,
    "all": 4,
    "my": 3,
    "your": 2,
    "our": 2,
    "own": 5,
}
MASS = {"the": 40, "some": 30, "this": 8, "my": 4, "your": 3, "our": 2, "own": 6}
BRIEF = {
    "the",
    "a",
    "this",
    "these",
    "my",
    "your",
    "our",
    "two",
}  # the articles after a preposition
PREPOSITIONS = {"near": 4, "behind": 3, "with": 3, "under": 2}
TENSES = {
    "present": 40,
    "past": 30,
    "progressive": 9,
    "future": 8,
    "can": 4,
    "could": 2,
    "must": 3,
    "want": 3,
    "wanted": 1,
}

# Words that go their own ways.
STATES = set(
    "love like hate adore prefer own respect recognize notice see hear forget understand know"
    " believe appreciate admire think have doubt remember deserve need".split()
)  # verbs that are not said with -ing
DOUBTED = ("think", "believe")  # verbs whose negation asks for the subjunctive in French
EARLY = ("well", "badly")  # what French puts elsewhere than English
DENIED = ("very", "too", "so", "really")  # how much, after "not"

# How often a word is invented, and what such words are made of: many shapes, so that the pieces of
# a typed word are known from elsewhere. None ends like a plural.
INVENTED_NAME, INVENTED_NOUN, INVENTED_LISTED = 0.05, 0.06, 0.25
ONSETS = (*"bcdfghjklmnprstvwz" * 2,) + tuple(
    "bl br ch cl cr dr fl fr gl gr pl pr qu sk sm sn sp st str sw th tr".split()
)
VOWELS = tuple("aeiou" * 4) + ("ai", "ea", "ee", "oa", "oo", "ou")
MIDDLES = ("",) * 8 + tuple("l m n r".split())  # what closes a syllable that is not the last
CODAS = ("",) * 8 + tuple("b d f k l ll m n nd p r rk rt t th".split())


# --- sentences ------------------------------------------------------------------------------------


def sentence(dice: Dice) -> list[Sentence | Recital]:
    """One sentence, a story of two or three, or a list of words said twice."""
    how = {"plain": 46, "question": 11, "because": 8, "when": 3, "join": 7, "story": 16, "list": 9}
    match dice.table(how):
        case "list":
            return [Recital(tuple(listed(dice) for _ in range(dice.pick(LENGTHS))))]
        case "question":
            return [question(dice)]
        case "because":
            return [Sentence(with_reason(dice, "because"))]
        case "when":
            clause = statement(dice, someone(dice), {"past": 1})
            return [Sentence(replace_why(clause, "when", follow_up(dice, clause, {"past": 1})))]
        case "join":
            return [Sentence(joined(dice))]
        case "story":
            return story(dice)
        case _:
            return [Sentence(statement(dice))]


def joined(dice: Dice) -> Clause:
    """Two clauses with and, but; where the subject is the same it is said once."""
    clause = statement(dice, someone(dice))
    tenses = {clause.tense: 1} if clause.tense in ("present", "past") else {"present": 1}
    if clause.that or clause.voice == "exist":
        return clause
    if clause.tense in ("present", "past") and not clause.negative and dice.chance(0.5):
        return replace(
            clause, then=(dice.pick(("and", "but")), predicate(dice, clause.subject, True, tenses))
        )
    return replace(
        clause,
        then=(dice.pick(("and", "but")), statement(dice, someone(dice, simple=True), tenses)),
    )


def with_reason(dice: Dice, word: str) -> Clause:
    """The animal did not cross the street because it was too tired."""
    clause = statement(dice)
    while clause.that:
        clause = clause.that
    tenses = {"past": 1} if clause.tense in ("past", "could", "wanted") else {"present": 1}
    return replace_why(clause, word, follow_up(dice, clause, tenses))


def replace_why(clause: Clause, word: str, reason: Clause | None) -> Clause:
    """The clause with its reason, where there is one."""
    return replace(clause, why=(word, reason) if reason else None)


def question(dice: Dice) -> Sentence:
    """Does he …? Who …? What does he …? Where, when, why, how …?"""
    asks = dice.table(
        {"whether": 5, "who": 2, "what": 2, "where": 1, "when": 0.7, "why": 1, "how": 0.5}
    )
    if asks == "who":
        return Sentence(replace(predicate(dice, Thing(pronoun="who")), opening=None), "who")
    if asks == "what":
        subject = someone(dice, simple=True)
        clause = Clause(
            subject,
            dice.pick(lexicon.verbs("t", subject.kind)),
            object=Thing(pronoun="what"),
            tense=dice.table({"present": 5, "past": 5, "future": 2, "can": 1, "want": 1}),
        )
        return Sentence(clause, "what")
    clause = replace(predicate(dice, someone(dice, simple=True)), opening=None)
    if asks != "whether":
        place = clause.place if is_at(clause) else None
        clause = replace(clause, time=None, manner=None, where=None, negative=False, place=place)
    return Sentence(clause, asks)


def is_at(clause: Clause) -> bool:
    """Whether a clause says nothing but where something is."""
    return clause.voice == "be" and clause.quality is None


def story(dice: Dice) -> list[Sentence]:
    """Two or three sentences in which names and things return, as pronouns or named again."""
    first = statement(
        dice, someone(dice) if dice.chance(0.85) else None, {"past": 55, "present": 45}
    )
    told, about = [Sentence(first)], first
    while about.that:
        about = about.that
    for _ in range(dice.pick((1, 1, 2))):
        tenses = {"past": 60, "present": 40} if first.tense == "past" else {"present": 1}
        clause = dice.table({"pronoun": 5, "again": 3, "acts": 3})
        if clause == "again" and about.object is not None and about.object.form != "-":
            about = predicate(dice, again(about.object), tenses=tenses)
        elif clause == "acts" and about.object is not None and acts_again(about):
            about = acts_on(dice, about, tenses)
        elif not (follow := follow_up(dice, about, tenses)):
            break
        else:
            about = follow
        told.append(Sentence(about))
        while about.that:
            about = about.that
    return told


def acts_again(clause: Clause) -> bool:
    """Whether subject and object can both return as pronouns: she read it."""
    return (
        clause.subject.form != "-"
        and clause.object.form != "-"
        and clause.voice == "active"
        and bool(lexicon.verbs("t", clause.subject.kind, clause.object.kind))
    )


def acts_on(dice: Dice, before: Clause, tenses: dict) -> Clause:
    """She read it: the subject is the last subject, the object the last object."""
    rivals = tuple(thing for thing in candidates(before) if thing is not before.subject)
    subject, thing = pronoun_for(before.subject, rivals), pronoun_for(before.object)
    clause = Clause(
        subject,
        dice.pick(lexicon.verbs("t", subject.kind, thing.kind)),
        tense=dice.table(tenses),
        object=thing,
    )
    around(dice, clause, simple=False)
    return clause


def statement(dice: Dice, subject: Thing | None = None, tenses: dict | None = None) -> Clause:
    """A clause with a subject of any kind."""
    if subject is None:
        if dice.chance(0.035):
            return exists(dice)
        if dice.chance(0.27):
            kind = dice.pick(
                (
                    "text",
                    "art",
                    "food",
                    "clothing",
                    "thing",
                    "tool",
                    "vehicle",
                    "furniture",
                    "place",
                    "plant",
                    "idea",
                    "music",
                    "toy",
                    "drink",
                )
            )
            subject = with_more(dice, described(dice, noun_of(dice, kind)), False, 1.4)
        else:
            subject = someone(dice)
    return predicate(dice, subject, tenses=tenses)


def exists(dice: Dice) -> Clause:
    """There is a book on the table."""
    kind = dice.pick(
        ("person", "animal", "text", "thing", "furniture", "vehicle", "plant", "toy", "tool")
    )
    thing = described(dice, noun_of(dice, kind))
    if not thing.plural and not thing.noun.mass:
        thing.det = "a"
    elif thing.det not in ("two", "three", "four", "five", "six", "many", "several"):
        thing.det = "some"
    thing = with_more(dice, thing, False, 0.5)
    return Clause(
        thing, voice="exist", tense=dice.table({"present": 65, "past": 35}), place=somewhere(dice)
    )


# --- what returns ---------------------------------------------------------------------------------


def follow_up(dice: Dice, before: Clause, tenses: dict | None = None) -> Clause | None:
    """A clause about the subject or the object of another, by a pronoun.

    Where the pronoun alone would not tell which of the two is meant, what is said fits only one of
    them.
    """
    options = candidates(before)
    if not options:
        return None
    meant = dice.pick(options)
    rivals = tuple(
        thing for thing in options if thing is not meant and thing is not meant.antecedent
    )
    subject = pronoun_for(meant, rivals)
    alike = [thing for thing in rivals if thing.form == meant.form]
    if not alike:
        return predicate(
            dice, subject, simple=True, tenses=tenses, qualities=None if dice.chance(0.6) else "any"
        )
    only = tuple(
        a for a in lexicon.adjectives(meant.kind) if not any(a.fits(thing.kind) for thing in alike)
    )
    if only:
        return predicate(dice, subject, True, tenses, only)
    if meant is before.subject or meant.antecedent and meant is options[0]:
        return predicate(
            dice, subject, simple=True, tenses=tenses
        )  # two alike: the subject goes on
    return None


def candidates(clause: Clause) -> tuple[Thing, ...]:
    """What a pronoun that follows may stand for: the subject and the object of a clause."""
    denied = clause.negative and clause.object is not None and clause.object.det in ("a", "some")
    things = (clause.subject, None if denied else clause.object)
    return tuple(thing for thing in things if thing is not None and thing.form != "-")


def pronoun_for(thing: Thing, rivals: tuple[Thing, ...] = ()) -> Thing:
    """He, she, it or they for a thing that was named before."""
    return Thing(pronoun=thing.form, antecedent=thing.antecedent or thing, rivals=rivals)


def again(thing: Thing) -> Thing:
    """The same thing named once more: the book."""
    first = base(thing)
    if isinstance(first.noun, Name):
        return Thing(first.noun, antecedent=first)
    return Thing(
        first.noun, first.plural, "these" if first.det == "these" else "the", antecedent=first
    )


# --- clauses --------------------------------------------------------------------------------------


def predicate(
    dice: Dice, subject: Thing, simple: bool = False, tenses: dict | None = None, qualities=None
) -> Clause:
    """What is said of a subject."""
    does = [frame for frame in "itgs" if lexicon.verbs(frame, subject.kind)]
    table = {"t": 42, "i": 17, "g": 6, "s": 0 if simple else 5}
    table = {frame: weight for frame, weight in table.items() if frame in does and weight}
    table |= {"quality": 17, "be": 6} | ({"have": 6} if subject.kind == "person" else {})
    if not subject.pronoun and can_suffer(subject.kind) and not simple:
        table["passive"] = 5
    what = "quality" if qualities else dice.table(table)
    clause = Clause(subject, negative=dice.chance(0.13))
    clause.short = clause.negative and dice.chance(0.3)
    clause.tense = dice.table(
        tenses or (TENSES if what in "tigs" else {"present": 60, "past": 32, "future": 8})
    )
    if clause.tense in ("want", "wanted", "must", "can", "could") and subject.kind not in (
        "person",
        "animal",
    ):
        clause.tense = "present"
    PARTS[what](dice, clause, simple, qualities)
    around(dice, clause, simple)
    return settled(clause)


def settled(clause: Clause) -> Clause:
    """No "is loving"; and where "they read" could be now or then, it is then."""
    if clause.tense == "progressive" and clause.verb and clause.verb.en in STATES:
        clause.tense = "present"
    t = clause.subject
    if (
        clause.tense == "present"
        and clause.verb
        and clause.verb.en == clause.verb.en_past
        and clause.voice == "active"
        and (t.many or not t.third)
        and not clause.negative
    ):
        clause.tense = "past"
    return clause


def can_suffer(kind: str) -> bool:
    """Whether a person can do something to such a thing."""
    return len(lexicon.verbs("t", "person", kind)) > 2


def around(dice: Dice, clause: Clause, simple: bool) -> None:
    """How, when and where, now and then."""
    acts = clause.voice == "active" and clause.verb is not HAVE
    if not clause.negative and clause.tense in ("present", "past") and dice.chance(0.08):
        clause.often = dice.pick(lexicon.adverbs("frequency"))
    if acts and not clause.that and dice.chance(0.08):
        plain = clause.tense in ("present", "past", "progressive") and not (
            clause.object and clause.object.relative
        )
        clause.manner = dice.pick(
            tuple(a for a in lexicon.adverbs("manner") if plain or a.en not in EARLY)
        )
    if simple or clause.that:
        return
    if acts and not clause.recipient and dice.chance(0.12):
        clause.place = somewhere(dice, near_things=False)
    elif acts and dice.chance(0.03):
        clause.where = dice.pick(lexicon.adverbs("place"))
    when = {"past": "past", "future": "future", "progressive": "present"}.get(clause.tense)
    if when and dice.chance(0.15):
        clause.time = dice.pick(lexicon.adverbs(when))
    if dice.chance(0.025):
        clause.opening = dice.pick(lexicon.adverbs("sentence"))


# --- what is said of a subject: each fills in its part of a clause --------------------------------

# The last argument: the adjectives it may be; only `is_so` asks for them.


def does(dice, clause, simple, _):
    clause.verb = dice.pick(lexicon.verbs("i", clause.subject.kind))


def does_to(dice, clause, simple, _):
    clause.verb = dice.pick(lexicon.verbs("t", clause.subject.kind))
    clause.object = something(dice, clause.verb.objects, clause.subject, clause.negative, simple)


def gives(dice, clause, simple, _):
    clause.verb = dice.pick(lexicon.verbs("g", clause.subject.kind))
    clause.object = something(dice, clause.verb.objects, clause.subject, clause.negative, True)
    clause.recipient = (
        named(dice)
        if dice.chance(0.35)
        else described(dice, noun_of(dice, "person"), brief=True, adjectives=0.12)
    )


def says(dice, clause, simple, _):
    clause.verb = dice.pick(
        tuple(
            verb
            for verb in lexicon.verbs("s", clause.subject.kind)
            if not (clause.negative and verb.en in DOUBTED)
        )
    )
    if clause.tense not in ("present", "past", "can", "must", "future"):
        clause.tense = "present"
    clause.that = (
        predicate(dice, someone(dice, simple=True), simple=True)
        if clause.tense != "past"
        else predicate(dice, someone(dice, simple=True), True, {"past": 1}, "any")
    )


def has(dice, clause, simple, _):
    clause.verb = HAVE
    clause.object = something(dice, HAVE.objects, clause.subject, clause.negative, simple)


def is_so(dice, clause, simple, qualities):
    clause.voice = "be"
    clause.quality = quality(
        dice,
        clause.subject.kind,
        qualities if isinstance(qualities, tuple) else None,
        clause.negative,
    )


def is_there(dice, clause, simple, _):
    clause.voice, clause.place = "be", somewhere(dice)


def is_done(dice, clause, simple, _):
    clause.voice, clause.verb = (
        "passive",
        dice.pick(lexicon.verbs("t", "person", clause.subject.kind)),
    )
    if dice.chance(0.65):
        clause.agent = someone_third(dice)


PARTS = {
    "t": does_to,
    "i": does,
    "g": gives,
    "s": says,
    "have": has,
    "quality": is_so,
    "be": is_there,
    "passive": is_done,
}


# --- things ---------------------------------------------------------------------------------------


def someone(dice: Dice, simple: bool = False) -> Thing:
    """Who does things: a person, a name, a pronoun, an animal, now and then two of them."""
    kinds = {"noun": 46, "name": 20, "speaker": 12, "animal": 10} | ({} if simple else {"two": 5})
    match dice.table(kinds):
        case "name":
            return named(dice)
        case "speaker":
            return Thing(pronoun=dice.table({"I": 5, "you": 3, "we": 3}))
        case "two":
            first, second = (someone_third(dice) for _ in range(2))
            return Thing(both=(first, second))
        case "animal":
            return with_more(dice, described(dice, noun_of(dice, "animal")), simple)
        case _:
            return with_more(dice, described(dice, noun_of(dice, "person")), simple)


def someone_third(dice: Dice) -> Thing:
    """A person or a name, without more."""
    return (
        named(dice)
        if dice.chance(0.5)
        else described(dice, noun_of(dice, "person"), adjectives=0.1)
    )


def named(dice: Dice) -> Thing:
    """Somebody with a name, now and then an invented one."""
    if dice.chance(INVENTED_NAME):
        word = invented(dice)
        return Thing(Name(word, "-", word))
    return Thing(dice.pick(lexicon.names(dice.pick(("he", "she")))))


def something(
    dice: Dice, kinds: str, subject: Thing | None, negative: bool = False, simple: bool = False
) -> Thing:
    """What a verb is done to: of one of the kinds it asks for, perhaps the subject's own."""
    kind = dice.pick(tuple(kinds.split(",")))
    if kind == "person" and dice.chance(0.3):
        return named(dice)
    owns = subject is not None and subject.form != "-"
    thing = described(dice, noun_of(dice, kind), own=owns)
    thing.owner = subject if thing.det == "own" else None
    if negative and thing.det in ("some", "every"):
        thing.det = "the"
    return with_more(dice, thing, simple, 0.6)


def with_more(dice: Dice, thing: Thing, simple: bool, factor: float = 1.0) -> Thing:
    """Perhaps a relative clause or a place after the noun."""
    if simple or not isinstance(thing.noun, Noun) or thing.noun.mass:
        return thing
    match dice.table({"": 1 - 0.3 * factor, "relative": 0.2 * factor, "place": 0.1 * factor}):
        case "relative":
            thing.relative = relative(dice, thing)
        case "place":
            noun = noun_of(dice, dice.pick(("furniture", "place", "person", "plant", "vehicle")))
            preposition = dice.table(
                {"near:près de": 4, "behind:derrière": 2, "with:avec": 1}
                if noun.kind != "person"
                else {"near:près de": 2, "behind:derrière": 2, "with:avec": 3}
            )
            thing.place = Place(preposition, described(dice, noun, brief=True, adjectives=0.1))
    return thing


def relative(dice: Dice, thing: Thing) -> Clause:
    """A clause in which the thing is the object (that the student recommended) or the subject (who
    recommended it).
    """
    kind = thing.noun.kind
    if dice.chance(0.6 if kind in ("person", "animal") else 0.85):
        subject = someone(dice, simple=True)
        if found := lexicon.verbs("t", subject.kind, kind):
            tense = dice.table(
                {"present": 35, "past": 45, "future": 5, "progressive": 7, "wanted": 3, "can": 5}
            )
            clause = Clause(
                subject,
                dice.pick(found),
                tense=tense,
                object=thing,
                gap=thing,
                negative=dice.chance(0.06),
            )
            clause.short = clause.negative and dice.chance(0.3)
            return settled(clause)
    clause = predicate(dice, thing, simple=True)
    clause.gap = thing
    return clause


def somewhere(dice: Dice, near_things: bool = True) -> Place:
    """A place with its own preposition, a city, or near, behind … something."""
    kind = dice.table({"place": 70, "city": 10, **({"near": 20} if near_things else {})})
    if kind == "city":
        return Place("in:à", Thing(dice.pick(lexicon.names("city"))))
    if kind == "place":
        noun = dice.pick(tuple(noun for noun in lexicon.nouns("place") if noun.place != "-"))
        return Place(noun.place, described(dice, noun, brief=True, adjectives=0.12))
    preposition = dice.table(PREPOSITIONS)
    noun = noun_of(
        dice, dice.table({"furniture": 3, "plant": 2, "vehicle": 2, "person": 2, "place": 2})
    )
    french = {"near": "près de", "behind": "derrière", "with": "avec", "under": "sous"}[preposition]
    return Place(f"{preposition}:{french}", described(dice, noun, brief=True, adjectives=0.1))


def described(
    dice: Dice, noun: Noun, own: bool = False, brief: bool = False, adjectives: float = 0.22
) -> Thing:
    """A noun with its article, and perhaps an adjective or two. own: his, her … are possible;
    brief: few articles.
    """
    plural = not noun.mass and dice.chance(0.33)
    table = MASS if noun.mass else PLURAL if plural else SINGULAR
    allowed = BRIEF if brief else {*table} - (set() if own else {"own"})
    thing = Thing(
        noun, plural, dice.table({det: weight for det, weight in table.items() if det in allowed})
    )
    if dice.chance(adjectives):
        first = dice.pick(lexicon.adjectives(noun.kind))
        degree = dice.pick(lexicon.adverbs("degree")) if dice.chance(0.1) else None
        thing.adjectives.append((first, degree))
        others = tuple(a for a in lexicon.adjectives(noun.kind) if a.position != first.position)
        if others and not degree and dice.chance(0.12):
            thing.adjectives.append((dice.pick(others), None))
            thing.adjectives.sort(key=lambda pair: pair[0].position != "before")  # a small red ball
    return thing


def quality(
    dice: Dice, kind: str, among=None, denied: bool = False
) -> tuple[Adjective, Adverb | None]:
    """An adjective for a noun of that kind, perhaps with how much."""
    adjective = dice.pick(among or lexicon.adjectives(kind))
    degrees = tuple(
        adverb for adverb in lexicon.adverbs("degree") if not denied or adverb.en in DENIED
    )
    return adjective, dice.pick(degrees) if dice.chance(0.2) else None


def noun_of(dice: Dice, kind: str) -> Noun:
    """A noun of that kind; now and then an invented one."""
    if kind in ("person", "thing", "animal") and dice.chance(INVENTED_NOUN):
        word = invented(dice)
        return Noun(
            word, word + "s", word, word + "s", "m", kind, "-" if kind == "person" else "it"
        )
    return dice.pick(lexicon.nouns(kind))


def invented(dice: Dice) -> str:
    """A word that nobody knows, of two or three syllables."""
    known = vocabulary.tokens("joint")
    while True:
        first = [syllable(dice, MIDDLES) for _ in range(dice.pick((1, 1, 2)))]
        word = "".join([*first, syllable(dice, CODAS)])
        if word not in known and word + "s" not in known:
            return word


def syllable(dice: Dice, closed_by: tuple[str, ...]) -> str:
    """A consonant or two, a vowel, and what follows it."""
    return dice.pick(ONSETS) + dice.pick(VOWELS) + dice.pick(closed_by)


# --- lists ----------------------------------------------------------------------------------------

LENGTHS = range(3, 13)  # words


def listed(dice: Dice) -> Listed:
    """Any word, or an invented one."""
    if dice.chance(INVENTED_LISTED):
        word = invented(dice)
        return Listed(word, word)
    record = dice.table({Noun: 8, Name: 3, Verb: 4, Adjective: 3, Adverb: 1})
    word = dice.pick(lexicon.table(record))
    match word:
        case Noun() if not word.mass and dice.chance(0.4):
            return Listed(word.en_plural, word.fr_plural)
        case Name():
            return Listed(word.name, word.fr)
        case Adjective():
            return Listed(word.en, word.ms)
        case _:
            return Listed(word.en, word.fr)
