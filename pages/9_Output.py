"""Output: what is done with the last vectors."""
from ui.frame import foot, open_page

view = open_page("Output")
foot("Output")
