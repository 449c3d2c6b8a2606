"""The page Attention: its five steps, with every family."""

from __future__ import annotations

import re

import pytest

from core import load
from tests.helpers.pages import opened, parts
from ui.session.selection import STAGES
from ui.stages.attention import STEPS


@pytest.mark.one_in(3)
@pytest.mark.parametrize("stage", range(STAGES))
@pytest.mark.parametrize("mask", ("trained", "decoder"))
def test_the_five_steps_of_every_family(tiny_folder, mask, stage):
    config = load(tiny_folder).config
    for side in config.sides:
        app = opened(
            "pages/3_Attention.py",
            model=tiny_folder,
            sentence="3 5 7 2 9",
            target="4 6 8",
            mask=mask,
            side=side,
            stage=str(stage),
            layer="1",
            head="1",
        )
        assert not app.exception and not app.warning
        assert re.match(
            rf"{side}\.1\.attn\.", parts(app)[0]["name"]
        )  # the panel explains a number of this step


def test_there_are_as_many_steps_as_an_address_may_ask_for():
    assert len(STEPS) == STAGES
