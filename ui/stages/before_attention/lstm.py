"""An LSTM reads the sentence word by word: what each unit keeps, takes in and shows."""

from __future__ import annotations

import streamlit as st

from core import influence
from core.decoding import next_tokens
from core.early_words import early_words
from core.errors import GlassError
from core.lstm import Lstm
from core.models.tokenizer import Encoding
from core.operands import WEIGHTS
from core.text import number, percent
from ui.kit.components import table
from ui.kit.explanation_panel import open_number, opened_in
from ui.kit.section import detailed, render_depth
from ui.kit.step_charts import ALL, cell_map, largest, stacked
from ui.kit.token_words import titled_word, word
from ui.session import runs
from ui.session.actions import close_number
from ui.session.address import link_asks_for
from ui.session.memory import memory
from ui.session.runs import RunRequest
from ui.session.selection import chosen, fits, opened_cell, select, select_what_fits
from ui.session.settling import settle
from ui.session.steady import steady
from ui.session.view import View
from ui.text import bold, plain, quoted

NAME = runs.LSTM
COUNT = 6  # words in the table of guesses
LONGEST_OTHER = 30
BEGIN_ANEW = (  # with every sentence
    "before_at",
    "before_word",
    "before_other",
    "before_reads",
    "before_place",
    "before_network",
)
MAPS = {
    "forget": "Forget gate f: how much of its cell each unit keeps",
    "input": "Input gate i: how much of the candidate each unit takes in",
    "candidate": "Candidate g: what each unit could take in",
    "cell": "Cell c = f · c before + i · g: what each unit holds",
    "output": "Output gate o: how much of its cell each unit shows",
    "hidden": "Hidden state h = o · tanh(c): what each unit shows",
}


# --- the second model of this page ----------------------------------------------------------------


def model() -> Lstm:
    """The LSTM that comes with this program."""
    return runs.model_of(NAME)


def lstm_encoding(text: str) -> Encoding:
    """A text in pieces, as the LSTM reads it. Raises GlassError where it is empty or too long."""
    return runs.encoding_of(RunRequest(NAME, text))


def is_read(view: View) -> bool:
    """Whether the LSTM can read this sentence; says why where it can't."""
    if why := why_unread(view):
        st.info(f"The LSTM can’t read this sentence. {plain(why)}")
    return not why


def why_unread(view: View) -> str:
    """Why the LSTM can't be shown on this sentence; empty: it can."""
    try:
        reading(view)
        return ""
    except GlassError as error:
        return str(error)


def lstm_view(text: str, position: int = 0) -> View:
    """What the LSTM makes of a text, as a view that the number panel and all pictures can draw."""
    runs.trace_of(RunRequest(NAME, text))  # raises where there is no such run
    return View(RunRequest(NAME, text), "lstm", 0, 0, position)


def reading(view: View) -> View:
    """The LSTM's view of what it was asked to read, at the word that was chosen. Raises GlassError
    where it can't read it.
    """
    other = other_text(view.sentence) if chosen("before_reads") == "other" else ""
    return lstm_view(other or view.sentence, chosen("before_at") or 0)


def chosen_word(view: View, lstm: View) -> int:
    """Where the LSTM reads the word that is looked at, if both cut the sentence into the same
    words; else its last token.
    """
    words, last = view.words if view.side == view.config.sides[0] else [], len(lstm.labels) - 1
    wanted = words[view.token] if view.token < len(words) else None
    return (
        last
        if wanted is None
        else max((i for i, each in enumerate(lstm.words) if each == wanted), default=last)
    )


def settle_reading(view: View) -> None:
    """Settles which sentence the LSTM reads, at which word, and whose number is opened."""
    if not is_of_lstm(opened_cell()):
        select(swap="")
    try:
        settle_words(view.sentence)
        found = reading(view)
    except GlassError:
        select(swap="")
        return  # the page says so in place of the LSTM; its number is closed with a note
    settle("before_at", chosen_word(view, found), range(len(found.labels)))
    other = is_of_lstm(opened_cell()) and found.sentence != view.sentence
    swap = f"{chosen('before_word')}-{(chosen('before_other') or '').strip()}" if other else ""
    select(swap=swap if fits("swap", swap) else "")


def settle_words(sentence: str) -> None:
    """The choices of this page begin anew with every sentence: which word is read, which one is
    replaced, and by what. Raises GlassError where the LSTM can't read the sentence.
    """
    encoding = lstm_encoding(sentence)
    count = len(influence.spans(encoding))
    if memory().before_sentence != sentence:
        select(**{name: None for name in BEGIN_ANEW if not link_asks_for(name)})
        memory().before_sentence = sentence
    if (link := memory().link) and memory().before_link is not link:  # a link has led here
        memory().before_link = link
        follow_link(count)
    example = early_words().example(sentence)
    first = example.noun if example else min(1, max(count - 1, 0))
    settle("before_word", first, range(max(count, 1)))
    settle("before_reads", "own")
    if example and chosen("before_word") == example.noun:
        settle("before_other", example.other)
    elif count:
        settle("before_other", proposed_word(encoding, chosen("before_word")))


def proposed_word(encoding: Encoding, place: int) -> str:
    """What is put in place of a word at first: its plural or singular, where the LSTM knows it;
    else another word of the same kind.
    """
    word = influence.words(encoding)[place]
    other = word[:-1] if word.endswith("s") else word + "s"
    known = len(word) > 3 and model().tokenizer.id_of(other.lower()) is not None
    return other if known else influence.of_the_same_kind(model(), encoding, place)


def follow_link(count: int) -> None:
    """Takes over the swap of a link: its number is of the sentence with a word replaced. count: how
    many words there are to replace."""
    word, _, other = chosen("swap").partition("-")
    if other and int(word) < count:
        select_what_fits(before_word=int(word), before_other=other, before_reads="other")
    elif "before_reads" not in memory().link:
        select(before_reads="own")


def other_text(sentence: str) -> str:
    """The sentence with the chosen word replaced; empty where there is no other word to put
    there.
    """
    encoding, word = lstm_encoding(sentence), chosen("before_word")
    other = " ".join((chosen("before_other") or "").split())[:LONGEST_OTHER]
    count = len(influence.spans(encoding))
    if not other or not count:
        return ""
    text = influence.replaced(encoding, word, other)
    try:
        again = lstm_encoding(text)  # raises where the other word has made the sentence too long
    except GlassError:
        return ""
    return text if len(influence.spans(again)) == count else ""


def owner(view: View) -> View:
    """The view in which the opened number stands, or the first one. `head.` is the LSTM's on its
    page, which draws none of the other's.
    """
    if opened_cell() and not is_of_lstm(opened_cell()):
        return view
    try:
        return reading(view)
    except GlassError:
        return view


def is_of_lstm(cell: str | None) -> bool:
    """Whether an opened number is the LSTM's."""
    return (cell or "").removeprefix(WEIGHTS).startswith(("lstm.", "head."))


# --- the section ----------------------------------------------------------------------------------


def lstm_section(view: View, lstm: View) -> None:
    """The stepper, one word through all gates, the whole sentence, and the guess."""
    t, unit = lstm.token, unit_of(lstm)
    ids, probs = next_tokens(lstm.trace, COUNT, t)
    steps = ("forget.pre", "forget", "input", "candidate", "cell", "output", "hidden")
    render_depth(
        lstm,
        lstm_text(lstm, unit, int(ids[0]), float(probs[0])),
        *((f"lstm.{step}", (t, unit)) for step in steps),
        ("head.probs", (t, int(ids[0]))),
    )
    text_controls(view)
    word_controls(lstm)
    one_word(lstm)
    whole_sentence(lstm)
    table(
        {"probability": probs},
        [lstm.word(i) for i in ids],
        key="before:next",
        bar="probability",
        corner="next token",
        title=f"The likeliest words after {titled_word(lstm, t)}",
        opened=opened_guess(t, ids.tolist()),
        on_cell=lambda row, _: open_number("head.probs", (t, int(ids[row]))),
    )


def unit_of(lstm: View) -> int:
    """The unit that is spoken of: the opened number's, else the one whose cell holds most at this
    word.
    """
    opened = next((index for step in MAPS if (index := opened_in(f"lstm.{step}"))), None)
    return (
        opened[1]
        if opened and opened[1] < lstm.config.n_units
        else largest(lstm, "lstm.cell", lstm.token, ALL)[1][1]
    )


def lstm_text(lstm: View, unit: int, best: int, share: float) -> str:
    """What happens at this word, with the numbers of one unit."""
    t, units = lstm.token, lstm.config.n_units
    f, i, g, c, o, h = (float(lstm.trace[f"lstm.{step}"][t, unit]) for step in MAPS)
    before = float(lstm.trace["lstm.cell"][t - 1, unit]) if t else 0.0
    return (
        "Before attention, networks read one word at a time, and everything they knew about the"
        f" earlier words had to fit into {units} numbers. In a **long short-term memory**"
        f" (Hochreiter & Schmidhuber 1997) each of the {units} units holds one number, its"
        " **cell**, and three gates between 0 and 1: how much to keep (**forget** gate), how"
        " much to take in (**input** gate), how much to show (**output** gate). The gates read"
        f" the word and what all units showed at the previous word.\n\nAt {word(lstm)} ({t}) unit"
        f" {unit} keeps {number(f, 3)} of its {number(before, 3)} and takes in {number(i, 3)} of"
        f" {number(g, 3)}: its cell becomes **{number(c, 3)}**. It shows {number(o, 3)} ·"
        f" tanh({number(c, 3)}) = {number(h, 3)}. From what all units show comes the guess:"
        f" {bold(lstm.word(best))}, {percent(share, 0)}."
    )


def text_controls(view: View) -> None:
    """Which of the two sentences is read, once there is another one."""
    other = other_text(view.sentence)
    if other and other != view.sentence:
        put = chosen("before_other")
        replaced = influence.words(lstm_encoding(view.sentence))[chosen("before_word")]
        titles = {
            "own": "your sentence",
            "other": f"with {quoted(plain(put))} for {quoted(plain(replaced))}",
        }
        st.segmented_control(
            "The LSTM reads",
            list(titles),
            key="before_reads",
            required=True,
            format_func=titles.get,
            on_change=close_number,
            persist_state="session",
        )


def word_controls(lstm: View) -> None:
    """The word that is read now, and one before or after."""
    labels, last = lstm.labels, len(lstm.labels) - 1
    row = st.container(horizontal=True, vertical_alignment="bottom")
    row.button(
        "←",
        key="before_back",
        on_click=read_word,
        args=(lstm.token - 1,),
        disabled=lstm.token == 0,
        help="The word before",
    )
    if last:
        words = [f"{i} · {label}" for i, label in enumerate(labels)]
        steady("before_at", range(last + 1), words.__getitem__, last)
        row.select_slider(
            "Word that is read",
            range(last + 1),
            key="before_at",
            format_func=words.__getitem__,
            persist_state="session",
        )
    row.button(
        "→",
        key="before_on",
        on_click=read_word,
        args=(lstm.token + 1,),
        disabled=lstm.token == last,
        help="The next word",
    )


def read_word(position: int) -> None:
    """Goes to a word."""
    select(before_at=position)


def one_word(lstm: View) -> None:
    """This word's numbers in all units, one below the other in the order of the equation."""
    t = lstm.token
    rows = {
        "f forget": ("lstm.forget", t),
        "c before": ("lstm.cell", t - 1),
        "i input": ("lstm.input", t),
        "g candidate": ("lstm.candidate", t),
        "c cell": ("lstm.cell", t),
        "o output": ("lstm.output", t),
        "h hidden": ("lstm.hidden", t),
    }
    stacked(
        lstm,
        "before",
        {title: (step, (p, ALL)) for title, (step, p) in rows.items() if p >= 0},
        columns_title="unit",
        title=(
            f"{titled_word(lstm, t)}: c = f · c before + i · g, and h = o · tanh(c), a column for"
            " each unit"
        ),
    )


def whole_sentence(lstm: View) -> None:
    """Tokens × units: the cells, and, deeper, the gates and what is shown."""
    for step, title in MAPS.items():
        if detailed() or step == "cell":
            name = f"lstm.{step}"
            cell_map(
                lstm,
                name,
                ALL,
                ALL,
                title=title,
                chosen=lstm.token,
                key="before",
                limit=1.0 if step not in ("cell", "hidden") else None,
                on_cell=lambda row, unit, name=name: open_at(name, row, unit),
            )


def open_at(name: str, row: int, unit: int) -> None:
    """A number of the whole sentence: the word goes along."""
    read_word(row)
    open_number(name, (row, unit))


def opened_guess(t: int, ids: list[int]) -> tuple[int, int] | None:
    """Where the opened probability stands in the table."""
    opened = opened_in("head.probs")
    return (ids.index(opened[1]), 0) if opened and opened[0] == t and opened[1] in ids else None
