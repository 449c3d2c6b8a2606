"""Encoder and decoder: one sentence under both masks, and the difference that the mask makes."""
import streamlit as st

from ui.compare import changed_tokens, changed_words, difference, largest_weight, pattern_under, under
from ui.frame import foot, open_page
from ui.numbers import number_over

view = open_page("Encoder and decoder")
encoder, decoder = under(view, "encoder"), under(view, "decoder")

st.subheader(f"1. Who may look at whom: layer {view.layer}, head {view.head}")
st.markdown("An **encoder** lets every token see the whole sentence: it reads. A **decoder** hides from every token what comes "
            "after it: it writes, and must not see the word it is to guess. It is one change: scores above the diagonal "
            "become −∞ before softmax, which makes their weights 0 and shares the rest out anew.")
st.markdown("**Click a weight** to see how it was made; the mask at the left goes along to the run that it belongs to.")
scale = largest_weight(encoder, decoder)
left, right = st.columns(2, gap="large")
with left:
    pattern_under(encoder, "Encoder: sees everything", scale)
with right:
    pattern_under(decoder, "Decoder: sees only the past", scale)
difference(encoder, decoder)

st.subheader("2. What it does to the tokens")
changed_tokens(encoder, decoder)
if view.config.head and view.config.decoder_layers:
    st.subheader("3. What it does to the guess")
    changed_words(encoder, decoder)
number_over(view)
foot("Encoder and decoder")
