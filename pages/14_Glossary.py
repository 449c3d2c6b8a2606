"""Glossary: every word of the field, what it means, and where to see it."""

from ui.kit.stage import heading
from ui.session.navigation import GLOSSARY
from ui.shell.page_shell import show_page
from ui.stages.glossary import glossary


def page(view):
    heading("What does that word mean?")
    glossary()


show_page(GLOSSARY, page, line=False, beside=False)
