"""Feed-forward: each token alone, through its neurons."""
from ui.frame import foot, open_page

view = open_page("Feed-forward")
foot("Feed-forward")
