"""What the roles of heads measure: on attention whose answer is known, on a random text that comes
twice, and on a real model whose induction heads are known.
"""

import numpy as np
import pytest

from core import load, whatif
from core.sampling import random_tokens
from core.steps.heads import ROLES
from core.whatif import MOST_RANDOM, specials_around
from tests.helpers.tiny import FAMILIES

CAT = "The cat sat on the mat. The cat"
IDS = np.array([3, 5, 7, 2, 5, 7, 9])  # 5 7 comes twice
AT = "decoder.0.attn"


def looking_at(places: dict[int, int], share: float = 1.0):
    """Edits after which every head gives that share of its attention to one place each, and the
    rest to the first token.
    """

    def pattern(before_HLM):
        pattern_HLM = np.zeros_like(before_HLM)
        pattern_HLM[:, :, 0] = 1
        for l, m in places.items():
            pattern_HLM[:, l, 0] -= share
            pattern_HLM[:, l, m] += share
        return pattern_HLM

    return {f"{AT}.pattern": pattern}


def measured(tiny_trace, edits) -> dict[str, float]:
    """The roles of a head, and what it leaves on the first token."""
    trace = tiny_trace("gpt2", ids_L=IDS, edits=edits)
    roles_O = trace[f"{AT}.pattern.roles"][0]
    return dict(zip(ROLES, roles_O.tolist(), strict=True)) | {
        "sink": float(trace[f"{AT}.pattern.sink"][0])
    }


@pytest.mark.parametrize(
    "role, places",
    [
        ("induction", {4: 2, 5: 3}),  # the second 5 at the first 7, the second 7 at what follows it
        ("duplicate", {4: 1, 5: 2}),
        ("previous token", {l: l - 1 for l in range(2, 7)}),
        ("itself", {l: l for l in range(1, 7)}),
    ],
)
def test_a_head_that_does_one_thing_has_all_of_that_role(tiny_trace, role, places):
    found = measured(tiny_trace, looking_at(places))
    assert found.pop(role) == 1 and found.pop("sink") == (6 - len(places)) / 6
    assert set(found.values()) == {0}


def test_a_head_that_leaves_all_attention_on_the_first_token_has_no_role(tiny_trace):
    """Not even for the second token, for which the first one is the token before."""
    found = measured(tiny_trace, looking_at({}))
    assert found.pop("sink") == 1 and set(found.values()) == {0}


def test_half_of_the_attention_is_half_of_the_role(tiny_trace):
    assert measured(tiny_trace, looking_at({4: 2, 5: 3}, 0.5))["induction"] == 0.5


@pytest.mark.parametrize("ids_L", ([3], [3, 5]))
def test_a_text_too_short_for_any_role_has_none(tiny_trace, ids_L):
    trace = tiny_trace("gpt2", ids_L=np.array(ids_L))
    shares_HO = trace[f"{AT}.pattern.roles"][:, :-1]
    assert np.isfinite(shares_HO).all() and shares_HO[:, :2].max() == 0
    assert (trace[f"{AT}.pattern.sink"] == 0).all() == (len(ids_L) == 1)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_shares_of_heads_and_bias_make_the_whole_update(tiny_trace, family):
    trace = tiny_trace(family)
    for name in (n for n in trace.names if n.endswith(".z")):
        at = name[:-2]
        whole_L = trace[f"{at}.heads.share"].sum(axis=0) + trace[f"{at}.heads.share.bias"]
        np.testing.assert_allclose(whole_L, 1, rtol=1e-9)


# --- the random text ------------------------------------------------------------------------------


def test_the_random_tokens_are_the_same_every_time_all_different_and_never_special():
    drawn_N = random_tokens(40, MOST_RANDOM, lambda token: token < 5)
    assert drawn_N.tolist() == random_tokens(40, MOST_RANDOM, lambda token: token < 5).tolist()
    assert len(set(drawn_N.tolist())) == MOST_RANDOM and drawn_N.min() >= 5
    assert len(random_tokens(12, MOST_RANDOM, lambda token: token < 5)) == 7  # all that there are


def test_special_tokens_stay_around_the_random_ones(minilm):
    encoding = minilm.encode("The cat sat.")
    assert specials_around(encoding.words_L) == (1, 1) and specials_around([0, 1]) == (0, 0)
    text, target = whatif.repeated(minilm, whatif.Text(encoding.ids_L, encoding.words_L), None)
    first, *words, last = text.ids_L.tolist()
    assert (first, last) == (encoding.ids_L[0], encoding.ids_L[-1]) and target is None
    assert words[:MOST_RANDOM] == words[MOST_RANDOM:] and len(set(words)) == MOST_RANDOM
    assert text.words_L == (None, *range(2 * MOST_RANDOM), None)


def test_a_decoder_with_a_text_of_its_own_reads_the_random_tokens_too():
    model = load("study-translator")
    ids_L = model.ids("The cat sleeps.")
    run = whatif.run(model, whatif.Text(ids_L, None), np.array([2, 9]), "trained", "repeat")
    read_L, written_L = run["encoder.embed.ids"], run["decoder.embed.ids"]
    assert written_L[0] == 2 and written_L[1:].tolist() == read_L.tolist()


# --- a real model ---------------------------------------------------------------------------------


def on_random_text(model):
    encoding = model.encode(CAT)
    text = whatif.Text(encoding.ids_L, encoding.words_L)
    return whatif.run(model, text, None, "trained", "repeat", keep="layers", rows=-1)


def test_head_6_of_layer_18_of_smollm2_is_an_induction_head_and_so_is_head_4_of_layer_17(smollm2):
    trace, induction = on_random_text(smollm2), ROLES.index("induction")
    for layer, head in ((18, 6), (17, 4)):
        roles_O = trace[f"decoder.{layer}.attn.pattern.roles"][head]
        assert roles_O[:-1].argmax() == induction and roles_O[induction] >= 0.5
    assert 0.86 <= trace["decoder.18.attn.pattern.roles"][6, induction] <= 0.90
    sentence = smollm2.trace(CAT)
    assert sentence["decoder.17.attn.pattern.roles"][4, induction] >= 0.5


def test_most_heads_of_smollm2_leave_attention_on_a_first_token_whose_value_is_short(smollm2):
    """What made 224 of its 270 heads count as “first token”: now it is said once, and ranks no
    head.
    """
    trace, layers = smollm2.trace(CAT), range(smollm2.config.decoder_layers)
    sink_NH = np.stack([trace[f"decoder.{n}.attn.pattern.sink"] for n in layers])
    length_NGM = np.stack([trace[f"decoder.{n}.attn.v.length"] for n in layers])
    assert (sink_NH > 0.5).sum() == 205
    shorter_N = length_NGM[..., 0].mean(axis=1) < np.median(length_NGM[..., 1:], axis=(1, 2))
    assert shorter_N[2:].sum() >= len(layers) - 3  # all but one of the layers from the third on
    roles_NHO = np.stack([trace[f"decoder.{n}.attn.pattern.roles"] for n in layers])
    strongest = {ROLES[o] for o in roles_NHO[..., :-1].argmax(axis=-1).ravel()}
    assert {"previous token", "duplicate", "induction"} <= strongest
