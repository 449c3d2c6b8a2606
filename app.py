"""Overview: what happens to the sentence, stage by stage, and what comes out."""
import streamlit as st

from ui.components import blocks
from ui.diagram import diagram
from ui.frame import foot, go, open_page
from ui.numbers import number_over
from ui.outcome import moved, next_words
from ui.theme import plain
from ui.tokens import signs_in, token_strip

view = open_page("Overview")
config = view.config


def open_box(step: str) -> None:
    """A box of the drawing leads to the page that shows its numbers."""
    go("Attention" if step == view.at("attn.pattern") else "Every number", step=step)


st.markdown("A transformer, opened: what you see below is computed for your sentence by a real model, and every number can be "
            "taken apart. **Type a sentence of your own** at the left (behind **»** on a telephone).")
st.subheader(f"1. Your sentence becomes {len(view.tokens(config.sides[0]))} tokens")
st.markdown("A model reads numbers, so the text is cut into pieces of its vocabulary, and each piece is a number "
            "there. Underlined pieces belong to one word. **Choose a token** to follow it through all pages.")
token_strip(view)
signs_in(view)

drawing, outcome = st.columns(2, gap="large")
with drawing:
    st.subheader(f"2. {plain(view.title)} works on them")
    st.markdown("Each token becomes a vector. In attention the tokens look at each other, in the feed-forward network "
                "each works alone, and what they find is **added** to the vector. **Choose a box** to see its numbers "
                f"in layer {view.layer}.")
    blocks(diagram(config, view.mask, view.layer), key="architecture", on_open=open_box)
with outcome:
    if config.head and config.decoder_layers:
        st.subheader("3. It guesses the next token")
        next_words(view)
    else:
        st.subheader("3. Every token has moved")
        moved(view)

    st.subheader("4. See how")
    st.markdown("**Attention** shows one head at work on the chosen token, in five steps. **Heads** shows all of them "
                "at once. **Encoder and decoder** hides the future from the tokens and shows what changes. "
                "On every page, **click a number** to see how it was made.")

number_over(view)
foot("Overview")
