"""Exercises: thirty questions on the reader's own run, five a chapter: predict, then look."""

from ui.session.navigation import EXERCISES
from ui.shell.page_shell import show_page
from ui.stages.exercises.page import exercises, owner
from ui.stages.exercises.sheet import settle_seed

show_page(EXERCISES, exercises, line=False, settle=settle_seed, owner=owner)
