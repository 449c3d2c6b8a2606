"""Overview: the whole model on the typed sentence in one picture, and the way to its parts."""
import streamlit as st

from ui.frame import foot, open_page
from ui.numbers import number_over
from ui.river import CELLS, HOW, deeper, river_map, road, story
from ui.tokens import signs_in, token_strip

view = open_page("Overview")
st.markdown(HOW)
token_strip(view)
river_map(view)
st.caption(CELLS)
signs_in(view)
story(view)
deeper(view)
road()
number_over(view)
foot("Overview")
