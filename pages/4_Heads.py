"""Heads: all heads of the layer at once, all layers and heads as thumbnails, and who looks at whom as lines."""
import streamlit as st

from ui.components import heads_canvas, layers_canvas, lines
from ui.frame import foot, open_page
from ui.heads import choose_head, choose_token, open_weight, thumbnails_of
from ui.numbers import number_over, opened_in

view = open_page("Heads")
pattern, labels = view.at("attn.pattern"), view.labels
patterns_HLM = view.trace[pattern]

st.subheader(f"1. All {len(patterns_HLM)} heads of layer {view.layer}")
st.markdown("Every head looks at the sentence in a way of its own. A row is a token that looks, a column a token that is "
            "looked at; the stronger the colour, the more of its attention it gives there. The chosen token’s row is framed. "
            "**Click a cell**: its head and its token are chosen, and the number opens.")
heads_canvas(patterns_HLM, labels, labels, key="heads", chosen=view.head, row=view.token, opened=opened_in(pattern),
             blocked_LM=~view.trace[view.at("attn.mask")],
             on_cell=lambda head, row, column: open_weight(pattern, head, row, column))

words, maps = st.columns(2, gap="large")
with words:
    st.subheader(f"2. Head {view.head}, from word to word")
    st.markdown("Each line is an attention weight: the stronger the line, the larger the weight. **Rest on a token** to see "
                "its lines alone, **click** one on the left to choose it.")
    lines(patterns_HLM[view.head], labels, labels, key="lines", chosen=view.token, on_token=choose_token)
with maps:
    st.subheader(f"3. All {view.config.layers(view.side)} layers")
    st.markdown("One row for each layer, one column for each head. **Click a map** to choose its layer and head.")
    layers_canvas(thumbnails_of(view), key="layers", chosen=(view.layer, view.head), on_head=choose_head)
number_over(view)
foot("Heads")
