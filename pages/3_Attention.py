"""Attention: one head, one token, in five steps."""
import streamlit as st

from ui.frame import foot, open_page
from ui.numbers import number_beside
from ui.steps import STEPS, stepper
from ui.tokens import token_strip

view = open_page("Attention")
token_strip(view)
step = stepper([step.title for step in STEPS])
picture, words = st.columns((11, 9), gap="large")
with picture:
    opened = STEPS[step].draw(view)         # the cell that the formula beside it shows until another one is clicked
with words:
    number_beside(view, opened)
foot("Attention")
