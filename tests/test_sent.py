"""What a browser sends: clicks reach the page, and what is late, foreign or forged changes nothing."""
from __future__ import annotations

import json

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.testing.v1 import AppTest
from test_pages import OTHERS, READY, opened, smallest_model  # noqa: F401  (fixture)

from ui import state


def send(app: AppTest, *states: WidgetState) -> AppTest:
    """Runs the page as if the browser had sent these, beside what its widgets hold."""
    new = {each.id for each in states}
    held = app._tree.get_widget_states()
    kept = [each for each in held.widgets if each.id not in new]
    del held.widgets[:]
    held.widgets.extend([*kept, *states])
    return app._run(held)


def components(app: AppTest) -> dict[str, str]:
    """The components on the page: their keys, and the ids that a browser knows them by."""
    protos = [element.proto for element in app.get("bidi_component")]
    return {proto.id.split("-", 2)[2]: proto.id for proto in protos}


def click(app: AppTest, component: str, **values) -> AppTest:
    return send(app, WidgetState(id=components(app)[component], json_value=json.dumps(values)))


# --- clicks reach the page ------------------------------------------------------------------------------------------

@pytest.mark.parametrize("path, key", [("app.py", "tokens"), ("pages/1_Tokens.py", "pieces")])
def test_every_token_of_each_side_can_be_chosen_where_the_encoder_reads_more(path, key):
    app = opened(path, model="study-translator", sentence="The key to the old houses is in the garden.", target="la clé")
    trace = state.trace_of(app.session_state["_good"])
    sizes = {side: len(trace[f"{side}.embed.ids"]) for side in trace.config.sides}
    assert sizes["encoder"] > sizes["decoder"] + 2
    for side, size in sizes.items():
        for at in range(size):
            click(app, f"{key}-{side}", chosen=at)
            assert not app.exception and (app.session_state["side"], app.session_state["token"]) == (side, at)
