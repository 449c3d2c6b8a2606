"""One-click experiments below the picture: each changes one thing, and the picture shows what comes
out beside what came out before.

    experiments(view)       what is offered: the name of a click, its words, whether it is on now
    follow_experiment(view, name)   does what was clicked
    compared_with(view)     the run that this one is compared with; None where it is the model as
                            it was trained, on the text as it was typed
"""

from __future__ import annotations

from dataclasses import dataclass
from os.path import commonprefix

from core import whatif
from ui.session.actions import close_number, start_new_text
from ui.session.address import link_asks_for
from ui.session.memory import memory
from ui.session.opening import plain_run
from ui.session.runs import RunRequest, reading_of, why_not
from ui.session.selection import chosen, select, select_what_fits
from ui.session.view import View, is_word

IRREGULAR = {"child": "children", "man": "men", "woman": "women", "mouse": "mice", "foot": "feet"}
OTHER_NUMBER = IRREGULAR | {many: one for one, many in IRREGULAR.items()}
SHORTEST = 4  # letters of a word whose other number is looked for: “was” is no plural


@dataclass(frozen=True)
class Replacement:
    """A word of the sentence, and what is put in its place."""

    span: tuple[int, int]
    old: str
    new: str
    in_second: bool = False  # it stands in sentence B

    def changes(self, request: RunRequest) -> dict[str, str]:
        """The text with the word replaced, under the name of its box."""
        box, (start, end) = "second" if self.in_second else "sentence", self.span
        text = getattr(request, box)
        return {box: text[:start] + self.new + text[end:]}

    def within(self, request: RunRequest) -> RunRequest:
        """The run with the word replaced."""
        return request._replace(**self.changes(request))


def experiments(view: View) -> list[dict]:
    """What can be tried on this run."""
    found = [head_chip(view)]
    if (other := other_number(view)) is not None:
        found.append(chip("try/number", f"{other.old} → {other.new}"))
    if (hidden := hidden_word(view)) is not None:
        found.append(chip("try/hide", f"Hide “{hidden.old}”"))
    if has_order(view):
        on = "order" in whatif.kinds(view.request.change)
        found.append(chip("try/order", "Restore the order" if on else "Reverse the words", on))
    return found if sees_all(view) else [*found, mask_chip(view)]


def chip(act: str, words: str, on: bool = False) -> dict:
    """One experiment."""
    return {"act": act, "words": words, "on": on}


def head_chip(view: View) -> dict:
    """Silences the chosen head, or restores the silent one."""
    silent = whatif.details(view.request.change, "head")
    if len(silent) > 1:
        return chip("try/head", "Restore the silent heads", True)
    if silent == (f"{view.side}.{view.layer}.{view.head}",):
        return chip("try/head", "Restore this head", True)
    if silent:
        _, layer, head = silent[0].split(".")
        return chip("try/head", f"Restore head {head} of layer {layer}", True)
    if view.config.crosses and view.side == "decoder":  # two attentions have a head of that number
        return chip("try/head", f"Silence head {view.head} of its own attention")
    return chip("try/head", "Silence this head")


def mask_chip(view: View) -> dict:
    """The other mask, or the one that the model was trained with."""
    if view.mask != "trained":
        return chip("try/mask", "Restore the trained mask", True)
    if view.config.decoder_layers:
        return chip("try/mask", "Let it see the future (encoder mask)")
    return chip("try/mask", "Hide the future (decoder mask)")


def sees_all(view: View) -> bool:
    """Whether the side that is looked at is one that a mask would not change: an encoder beside a
    decoder.
    """
    return view.config.crosses and view.side == "encoder" and view.mask == "trained"


def has_order(view: View) -> bool:
    """Whether there are two words to reverse."""
    return len({word for word in view.words if word is not None}) > 1


def other_number(view: View) -> Replacement | None:
    """A word of the sentence with its other number, singular or plural, where that is one token as
    well: of the token that the chosen one looks at most, or else of the first word that has one.
    """
    if view.encoding is None or view.side != view.config.sides[0] or not keeps_text(view):
        return None
    most = int(view.trace[view.at("attn.pattern")][view.head, view.token].argmax())
    places = [most, *range(len(view.labels))]
    return next(filter(None, (renumbered(view, place) for place in places)), None)


def renumbered(view: View, place: int) -> Replacement | None:
    """The word at a position in its other number; None where the vocabulary has none."""
    span, word = view.encoding.spans[place], view.encoding.characters(place).strip()
    if not span or not word.isalpha() or len(word) < SHORTEST:
        return None
    span, of = (span[1] - len(word), span[1]), view.encoding.in_second(place)
    for form in forms(word):
        swap = Replacement(span, word, form, of)
        if one_token(view, swap, place):
            return swap
    return None


def forms(word: str) -> list[str]:
    """What the other number of a noun may be: its singular, if it ends in s, or its plural."""
    if word in OTHER_NUMBER:
        return [OTHER_NUMBER[word]]
    if word.endswith("ies"):
        return [word[:-3] + "y"]
    if word.endswith("s"):
        return [] if word.endswith("ss") else [word[:-1], *([word[:-2]] * word.endswith("es"))]
    return [word[:-1] + "ies"] if word.endswith("y") else [word + "s", word + "es"]


def one_token(view: View, swap: Replacement, place: int) -> bool:
    """Whether the sentence is cut as before, and its new word is one that the model knows."""
    model, before = view.model, view.encoding
    after = reading_of(model, swap.within(view.request).texts).encoding
    if after is None or len(after.ids_L) != len(before.ids_L):
        return False
    changed = [
        i
        for i, pair in enumerate(zip(before.ids_L, after.ids_L, strict=True))
        if pair[0] != pair[1]
    ]
    unknown = {model.tokenizer.id_of(piece) for piece in ("[UNK]", "<unk>")}
    return changed == [place] and int(after.ids_L[place]) not in unknown and is_noun(after, place)


def is_noun(encoding, place: int) -> bool:
    """Whether the piece is a whole word, as far as that can be seen: one of no other's pieces."""
    return len(encoding.word(encoding.words_L[place])) == 1


def keeps_text(view: View) -> bool:
    """Whether the what-if leaves every token what it is and where it is: it holds for the sentence
    with another word as well.
    """
    moved = {*whatif.OF_TOKENS, *whatif.MOVES_TOKENS}
    return not whatif.kinds(view.request.change) & moved


def hidden_word(view: View) -> Replacement | None:
    """The chosen word of an encoder that can guess what is hidden."""
    if view.config.decoder_layers or not view.config.head or view.encoding is None:
        return None
    span, word = view.encoding.spans[view.token], view.encoding.characters(view.token).strip()
    if not view.hiding or not span or not is_word(view.labels[view.token]) or not keeps_text(view):
        return None
    second, start = view.encoding.in_second(view.token), span[1] - len(word)
    return Replacement((start, span[1]), word, view.hiding, second)


# --- a click --------------------------------------------------------------------------------------


def follow_experiment(view: View, name: str) -> None:
    """Does what was clicked. Another text keeps the place that is looked at."""
    if name in ("number", "hide"):
        replace_word(view, other_number(view) if name == "number" else hidden_word(view))
    elif name == "mask":
        other = "encoder" if view.config.decoder_layers else "decoder"
        select(mask=other if view.mask == "trained" else "trained")
    else:
        toggle(view, name)
    close_number()


def toggle(view: View, name: str) -> None:
    """Adds a part to the what-if, or takes it away."""
    change = chosen("change")
    part = f"head:{view.side}.{view.layer}.{view.head}" if name == "head" else name
    rest = whatif.without(change, name)
    on = name in whatif.kinds(change)
    select_what_fits(change=rest if on else whatif.also(change, part))


def replace_word(view: View, swap: Replacement | None) -> None:
    """Reads the sentence with another word, under the same what-if; what came out before is kept in
    sight.
    """
    if swap is None:
        return
    after, place = swap.within(view.request), {"layer": view.layer, "head": view.head}
    select(**swap.changes(view.request))
    start_new_text()
    select_what_fits(token=view.token, change=view.request.change, **place)
    memory().compared_run = (after, view.request)


def compared_with(view: View) -> RunRequest | None:
    """The run before, where a click has replaced a word; else the model as it was trained."""
    if link_asks_for("replaced"):
        follow_replaced(view.request)
    after, before = memory().compared_run or (None, None)
    compares = after == view.request != before
    select_what_fits(replaced=spell_replaced(after, before) if compares else "")
    if compares:
        return before
    plain = plain_run(view.request)._replace(target=view.request.target)
    return plain if plain != view.request else None


# --- the word before, in a link -------------------------------------------------------------------


def spell_replaced(after: RunRequest, before: RunRequest) -> str:
    """Where two runs read another word, and the word of the run before: “a4-9~house”."""
    box = "b" if after.second != before.second else "a"
    new, old = (run.second if box == "b" else run.sentence for run in (after, before))
    start = len(commonprefix([new, old]))
    same = len(commonprefix([new[start:][::-1], old[start:][::-1]]))
    return f"{box}{start}-{len(new) - same}~{old[start : len(old) - same]}"


def follow_replaced(after: RunRequest) -> None:
    """Compares a run with the one that read the word that a link names, if there is such a run."""
    place, _, old = chosen("replaced").partition("~")
    box = "second" if place[0] == "b" else "sentence"
    start, end = map(int, place[1:].split("-"))
    text = getattr(after, box)
    before = after._replace(**{box: text[:start] + old + text[end:]})
    if start <= end <= len(text) and before != after and not why_not(before):
        memory().compared_run = (after, before)
