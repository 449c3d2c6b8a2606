"""What the overview says: its question, which the picture answers, and a caption for each of the
six marks of its motion. Every number in them is read from the trace.

    headline(view, before, silenced)    pieces of a sentence: [text, what it is]: "word", a token of
                                        the text; "guess", a word that may come out; "", other words
    captions(view)                      six sentences, by the part of the motion that each is about
"""

from __future__ import annotations

from string import Formatter

from core.deciding_head import Decision, Silenced
from core.decoding import next_tokens
from core.text import counted, number, percent
from core.whatif import details, parts
from ui.kit.task_labels import Outcome, outcomes, overflows, token_at
from ui.session.view import is_word
from ui.stages.overview.picture import guessed_at, guesses, row_at
from ui.text import HIDING, short

LONGEST_QUOTE = 64  # letters of what the decoder writes
SIGNS = {
    ".": "A full stop",
    ",": "A comma",
    "?": "A question mark",
    "!": "An exclamation mark",
    ":": "A colon",
    ";": "A semicolon",
    "-": "A hyphen",
}
OVERFLOW = "In this run the numbers overflowed: no probabilities come out."


def share_words(share: float) -> str:
    """A probability as the bars write it."""
    return percent(share, 0 if share >= 0.0995 else 1)


def pieces(text: str, **words: str) -> list[list]:
    """A sentence with {guess} or {word} for each word that is told apart from it: what is in the
    brackets begins with what the word is.
    """
    found = []
    for plain, name, *_ in Formatter().parse(text):
        found += [[plain, ""], [bare(words[name]), name.rstrip("123")] if name else ["", ""]]
    return [piece for piece in found if piece[0]]


def headline(view, before=None, silenced: Silenced | None = None) -> list[list]:
    """The question that the picture answers, as pieces."""
    if overflowed(view):
        return pieces(OVERFLOW)
    if not guesses(view):
        return said_of_text(view, before) if view.config.task else most_changed(view)
    if view.config.crosses and view.side == "encoder":
        return translated(view)
    if not silenced:
        return guessed(view, before)
    decision = silenced.decision
    if is_trained(view):
        return decided(view, decision) if decision else guessed(view, before, no_decision(silenced))
    silent = silent_head(view)
    return without(view, decision, silent) if decision and silent else guessed(view, before)


def overflowed(view) -> bool:
    """Whether what comes out of this run are no numbers."""
    if view.config.task:
        return overflows(view)
    return bool(view.config.head) and not guesses(view)


def said_of_text(view, before) -> list[list]:
    """What a fine-tuned model says of the text: its likeliest label, that of the chosen token, the
    best answer, or a number.
    """
    found = outcomes(view, 1)
    if not found:
        value = number(view.trace["task.logits"][0], 3)
        return pieces(f"Which number does this text get? {value}.")
    best = found[0]
    if view.config.task.gives == "span":
        text = f"Which words are the answer? “{{guess}}”, {share_words(best.share)}"
    elif view.config.task.of_tokens:
        twice = place_words(view.tokens(view.config.sides[-1]), token_at(view))
        text = f"Which label does “{{word}}”{twice} get? {{guess}}, {share_words(best.share)}"
    else:
        several = "s" if view.config.task.gives == "any" else ""
        text = f"Which label{several} does this text get? {{guess}}, {share_words(best.share)}"
    token = view.tokens(view.config.sides[-1])[token_at(view)]
    return pieces(
        f"{text}{outcome_was(best, before)}.", word=token, guess=short(best.words, LONGEST_QUOTE)
    )


def outcome_was(best: Outcome, before) -> str:
    """How likely a label or an answer was in the run that this one is compared with."""
    if before is None or best.step not in before:
        return ""
    if any(i >= n for i, n in zip(best.cell, before.shape(best.step), strict=True)):
        return ""
    return f" (before: {share_words(float(before[best.step][best.cell]))})"


def decided(view, decision: Decision) -> list[list]:
    """Between which words one head decides; and why they are these where the second one is not the
    next likeliest.
    """
    which, of = "Which word comes next: {guess1} or {guess2}?", f"{decision.heads} attention heads"
    probs_V = view.trace["head.probs"][row_at(view.trace, guessed_at(view))]
    if int((probs_V > probs_V[decision.second]).sum()) > 1:
        without_it = f"without head {decision.head} of layer {decision.layer}, {{guess3}} would win"
        text = f"{which} One of {of} decides: {without_it}."
    else:
        text = f"{which} One of this model’s {of} decides."
    first, second = view.word(decision.first), view.word(decision.second)
    return pieces(text, guess1=first, guess2=second, guess3=second)


def no_decision(silenced: Silenced) -> str:
    """What is said where no head decides, or several do, each alone."""
    if not silenced.turned:
        return f" Silencing any one of the {silenced.heads} heads leaves it first."
    count, of = len(silenced.turned), silenced.heads
    return f" For {count} of the {of} heads, silencing that one puts another word first."


def translated(view) -> list[list]:
    """What the decoder writes, or was given to read."""
    words = " ".join(bare(token) for token in view.tokens("decoder")[1:])
    does = "read" if view.request.target else "write"
    kind = "word" if view.request.target else "guess"
    words = short(words, LONGEST_QUOTE)
    return pieces(f"What does the decoder {does}? “{{{kind}}}”", **{kind: words})


def is_trained(view) -> bool:
    """Whether the run is the model's as it was trained."""
    return not view.request.change and view.mask == "trained"


def silent_head(view) -> str:
    """The head that this run silences, if that is all that is changed in it."""
    asked = parts(view.request.change)
    alone = len(asked) == 1 and asked[0][0] == "head" and view.mask == "trained"
    return asked[0][1] if alone else ""


def without(view, decision: Decision, silent: str) -> list[list]:
    """Which of the two words is ahead without a head."""
    probs_V = view.trace["head.probs"][row_at(view.trace, guessed_at(view))]
    ahead, other = sorted((decision.first, decision.second), key=lambda i: -probs_V[i])
    verb = "still beats" if ahead == decision.first else "beats"
    more, less = (share_words(float(probs_V[i])) for i in (ahead, other))
    _, layer, head = silent.split(".")
    text = f"Without head {head} of layer {layer}, “{{guess1}}” {verb} “{{guess2}}”"
    return pieces(f"{text}: {more} to {less}.", guess1=view.word(ahead), guess2=view.word(other))


def guessed(view, before, more: str = "") -> list[list]:
    """The likeliest word, what it was before, and more about it."""
    position = guessed_at(view)
    (best, *_), (share, *_) = next_tokens(view.trace, 1, row_at(view.trace, position))
    token, guess = view.tokens(view.config.sides[-1])[position], view.word(int(best))
    now, twice = (
        share_words(float(share)),
        place_words(view.tokens(view.config.sides[-1]), position),
    )
    sign = SIGNS.get(bare(guess))  # between quotes it would hardly be seen
    answer = f"{'{guess}' if sign else '“{guess}”'}, {now}"
    if view.config.decoder_layers:
        text = f"Which word comes after “{{word}}”{twice}? {answer}"
    elif token in HIDING:
        text = f"Which word is hidden? {answer}"
    elif guess == token:
        text = f"Can the model guess “{{word}}”? It still sees the word: {now}"
    else:
        text = f"What would the model put in place of “{{word}}”? {answer}"
    ended = f"{text}{was(view, before, position, int(best))}.{more}"
    return pieces(ended, word=token, guess=sign or guess)


def was(view, before, position: int, best: int) -> str:
    """What the likeliest word was in the run that this one is compared with."""
    row = None if before is None or "head.probs" not in before else row_at(before, position)
    if row is None or len(before["head.probs"][row]) != view.config.n_vocab:
        return ""
    return f" (before: {share_words(float(before['head.probs'][row][best]))})"


def most_changed(view) -> list[list]:
    """For a model that guesses nothing: which word its context changed most."""
    side = view.config.sides[-1]
    tokens = view.tokens(side)
    kept_L = view.trace[f"{side}.{view.config.layers(side) - 1}.out.similarity"]
    words = [i for i, token in enumerate(tokens) if is_word(token)] or range(len(tokens))
    most = min(words, key=lambda i: kept_L[i])
    text = (
        f"Which word does its context change most? “{{word}}”{place_words(tokens, most)}: its last"
        f" vector has a cosine of {number(float(kept_L[most]), 2)} with its first."
    )
    return pieces(text, word=tokens[most])


# --- the six marks --------------------------------------------------------------------------------


def captions(view) -> dict[str, str]:
    """What each part of the motion shows."""
    across = view.config.crosses and view.side == "decoder"
    return {
        "tokens": tokens_caption(view),
        "positions": positions_caption(view),
        "layers": layers_caption(view),
        "attention": attention_caption(view, "cross" if across else "attn"),
        "neurons": neurons_caption(view),
        "guess": guess_caption(view),
    }


def tokens_caption(view) -> str:
    count = counted(len(view.tokens(view.side)), "token")
    return (
        f"{count}: each is looked up in a table, as a vector of {view.config.embed_width} numbers."
    )


def positions_caption(view) -> str:
    return {
        "learned": "Each vector gains another one that stands for its position.",
        "sinusoid": "Each vector gains the sine waves of its position.",
        "rotary": "Positions come later: queries and keys are rotated by position × angle.",
        "relative": "Positions come later: each distance adds a learned number to the scores.",
        "alibi": "Positions come later: each score is lowered with the distance.",
    }.get(view.config.positions, "In this run no token knows its position.")


def attention_caption(view, block: str) -> str:
    """Where the chosen token looks most, in the chosen head."""
    row_M = view.trace[view.at(f"{block}.pattern")][view.head, view.token]
    most = int(row_M.argmax())
    seen = view.tokens(view.side_of(view.at(f"{block}.pattern"), "M"))
    who = named(view.tokens(view.side), view.token)
    whom = "itself" if most == view.token and block == "attn" else named(seen, most)
    head = f"Head {view.head} of layer {view.layer}"
    if is_silent(view) and block == "attn":
        return f"{head} is silent: {who} takes nothing from {whom} there."
    share = share_words(float(row_M[most]))
    return f"{head}: {who} looks most at {whom} ({share}) and takes in its value."


def bare(token: str) -> str:
    """A token without the sign of the space before it."""
    return token.lstrip("␣") or token


def named(tokens: list[str], position: int) -> str:
    """A token in quotes; one that occurs twice, with its position."""
    return f"“{bare(tokens[position])}”{place_words(tokens, position)}"


def place_words(tokens: list[str], position: int) -> str:
    """The position of a token in brackets, where the same token stands elsewhere as well."""
    return f" ({position})" if tokens.count(tokens[position]) > 1 else ""


def is_silent(view) -> bool:
    """Whether the chosen head is one that this run silences."""
    return f"{view.side}.{view.layer}.{view.head}" in details(view.request.change, "head")


def neurons_caption(view) -> str:
    hidden_F = view.trace[view.at("mlp.hidden")][view.token]
    silent = int((hidden_F == 0).sum())
    of = f"{silent:,} of {len(hidden_F):,}" if silent else f"{len(hidden_F):,}"
    does = "neurons stay silent" if silent else "neurons work"
    who = named(view.tokens(view.side), view.token)
    return f"Feed-forward, each token alone: at {who}, {of} {does}."


def layers_caption(view) -> str:
    """The layers before the one that is opened; of the first, what comes after it."""
    before = numbered(0, view.layer)
    if view.config.crosses and view.side == "decoder":
        before = ["the encoder", *before]
    after = numbered(1, view.config.layers(view.side)) if not before else []
    if view.config.crosses and view.side == "encoder" and not before:
        after = [*after, "the decoder"]
    if not before and not after:
        return "This model has one layer: its vectors come out."
    named = before or after
    many = len(named) > 1 or "–" in named[0]
    does = f"come{'s' * (not many)} first" if before else f"follow{'s' * (not many)}"
    text = f"{' and '.join(named)} {does}: each layer adds its updates to the vectors."
    return text[0].upper() + text[1:]


def numbered(start: int, stop: int) -> list[str]:
    """The layers from one to the one before another, as a name: layer 0, layers 0–2; none."""
    if start >= stop:
        return []
    return [f"layer {start}" if stop - start == 1 else f"layers {start}–{stop - 1}"]


def guess_caption(view) -> str:
    if overflowed(view):
        return OVERFLOW
    if found := outcomes(view, 1):
        return outcome_caption(view, found[0])
    if not guesses(view):
        return (
            "The last vectors hold their context. Each bar is the cosine of a token’s last"
            " vector with its first."
        )
    position = guessed_at(view)
    (best, *_), (share, *_) = next_tokens(view.trace, 1, row_at(view.trace, position))
    after, word = named(view.tokens(view.config.sides[-1]), position), view.word(int(best))
    return f"The last vector of {after} points to “{bare(word)}” most: {share_words(float(share))}."


def outcome_caption(view, best: Outcome) -> str:
    """What a fine-tuned model makes of the last vectors."""
    share, words = share_words(best.share), short(best.words, LONGEST_QUOTE)
    if view.config.task.gives == "span":
        return f"Each token is scored as the start and the end of an answer: “{words}”, {share}."
    if view.config.task.of_tokens:
        token = named(view.tokens(view.config.sides[-1]), token_at(view))
        return f"The last vector of {token} gets a score for each label: {words}, {share}."
    return f"One vector gets a score for each label: {words}, {share}."
