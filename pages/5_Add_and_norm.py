"""Add and norm: before + update = after, and the size kept in bounds."""
from ui.frame import foot, open_page

view = open_page("Add and norm")
foot("Add and norm")
