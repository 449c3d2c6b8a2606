"""What-if runs: what they leave out is out, what they leave alone is untouched, and every number of
theirs opens.
"""

import numpy as np
import pytest

from core import GlassError, explain, whatif
from core.models.model import Model
from core.models.weights import read_folder
from core.patches import Patch, patch_of, written_patch
from core.steps.norm import added_to
from core.why.patching import pair_of
from tests.helpers.tiny import FAMILIES, golden

IDS = np.array([3, 5, 7, 2, 9, 4])
WORDS = (None, 0, 1, 1, 2, None)  # signs at both ends, as [CLS] and [SEP]
CHANGES = (
    "positions",
    "norms",
    "scale",
    "head:{}.1.0",
    "neuron:{}.1.3",
    "order",
    "pad:2",
    "open-pad:2",
    "positions+order",
    "repeat",
    "head:{0}.0.0+head:{0}.0.1+neuron:{0}.1.3+neuron:{0}.1.5",
    "attn:{}.1",
    "mlp:{}.0",
    "cross:decoder.1",
    "head:cross.1.0",
    "freeze:{0}.1.1+token:2=8",
    "temp:{0}.1.1=2.5",
    "set:{0}.0.attn.z[1,2,0]=0.5+set:{0}.0.attn.z[0,2,1]=-1e-2",
    "swap:1=3+swap:3=1+token:2=8",
    "patch:{0}.1.stream[2]=9 4 3 5 7 2+patch:{0}.0.attn.1[3]=9 4 3 5 7 2+order",
)
ACROSS = ("cross:decoder.1", "head:cross.1.0")


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    return {
        family: Model(
            family,
            *read_folder(golden(family).write(tmp_path_factory.mktemp(family)), np.float64),
            None,
        )
        for family in FAMILIES
    }


def run(model, change="", mask="trained", ids_L=IDS):
    return whatif.run(
        model,
        whatif.Text(ids_L, WORDS),
        np.array([1, 4, 6]) if model.config.crosses else None,
        mask,
        change,
    )


def side_of(model) -> str:
    return model.config.sides[0]


@pytest.mark.one_in(39)
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("change", CHANGES)
def test_every_number_of_a_what_if_is_recomputed_from_its_operands(models, family, change):
    if change in ACROSS and not models[family].config.crosses:
        with pytest.raises(GlassError, match="This model has no"):
            run(models[family], change)
        return
    trace, rng = (
        run(models[family], change.format(side_of(models[family]))),
        np.random.default_rng(5),
    )
    silenced = set(trace.edits)
    for name in trace.names + trace.derived:
        cell = rng.integers(trace.shape(name))
        made = explain(trace, name, cell)
        assert name in silenced or made.error <= 1e-9 * max(abs(made.value), 1e-3), (
            name,
            cell,
            made.formula,
        )


@pytest.mark.parametrize("family", FAMILIES)
def test_without_positions_attention_shuffles_with_the_words_and_does_nothing_else(models, family):
    model, side, places = models[family], side_of(models[family]), whatif.order(WORDS)
    straight, turned = (
        run(model, change, mask="encoder") for change in ("positions", "positions+order")
    )
    for layer in range(model.config.layers(side)):
        name = f"{side}.{layer}.attn.pattern"
        assert np.allclose(turned[name], straight[name][:, places][:, :, places], atol=1e-12)
    assert np.allclose(turned[f"{side}.out"], straight[f"{side}.out"][places], atol=1e-10)
    with_places = [
        run(model, change, mask="encoder")[f"{side}.0.attn.pattern"] for change in ("", "order")
    ]
    assert not np.allclose(with_places[1], with_places[0][:, places][:, :, places], atol=1e-4)


def test_the_words_are_turned_round_and_the_signs_stay():
    assert whatif.order(WORDS).tolist() == [0, 4, 3, 2, 1, 5]


@pytest.mark.parametrize("family", FAMILIES)
def test_norms_pass_their_vector_on(models, family):
    model, side = models[family], side_of(models[family])
    trace = run(model, "norms")
    source = "in" if model.config.norm_first else "sum"
    assert np.array_equal(trace[f"{side}.0.attn.norm.out"], trace[f"{side}.0.attn.{source}"])
    assert f"{side}.0.attn.norm.scale" not in trace.names


@pytest.mark.parametrize("family", FAMILIES)
def test_padding_that_is_hidden_changes_nothing_and_padding_that_is_seen_does(models, family):
    model, side, n = models[family], side_of(models[family]), len(IDS)
    bare, hidden, seen = (
        run(model, change)[f"{side}.out"] for change in ("", "pad:2", "open-pad:2")
    )
    assert hidden.shape == seen.shape == (n + 2, model.config.d_model)
    assert np.allclose(hidden[:n], bare, atol=1e-10)
    assert np.allclose(seen[:n], bare, atol=1e-10) == (side == "decoder")  # nobody looks ahead
    if model.config.crosses:
        assert np.allclose(
            run(model, "pad:2")["decoder.out"], run(model)["decoder.out"], atol=1e-10
        )


def test_a_silent_head_writes_nothing(models):
    trace = run(models["bert"], "head:encoder.1.0")
    assert not trace["encoder.1.attn.heads"][0].any() and trace["encoder.1.attn.heads"][1].any()


def test_a_mask_drawn_by_hand(models):
    trace = run(models["bert"], mask="own:e3-4,e5-1")
    mask_LM = np.ones((6, 6), bool)
    mask_LM[3, 4] = mask_LM[5, 1] = False
    assert np.array_equal(trace["encoder.0.attn.mask"], mask_LM)
    opened = run(models["gpt2"], mask="own:d0-3")
    assert opened["decoder.0.attn.mask"][0, 3] and not opened["decoder.0.attn.mask"][0, 4]


def test_a_mask_drawn_by_hand_may_begin_from_a_named_one(models):
    begun = run(models["bert"], mask="own:decoder,e3-4,e3-1")["encoder.0.attn.mask"]
    expected_LM = np.tri(6, dtype=bool)
    expected_LM[3, 4], expected_LM[3, 1] = True, False
    assert np.array_equal(begun, expected_LM)
    drawn = whatif.drawn("decoder,e3-4,d1-0", "encoder", np.tri(6, dtype=bool), expected_LM)
    assert drawn == "decoder,d1-0,e3-1,e3-4"
    assert whatif.begun_from("others") == ("others", "")
    assert whatif.begun_from("e3-4,d1-0") == ("trained", "e3-4,d1-0")


@pytest.mark.parametrize(
    "mask, change",
    [
        ("own:e9-9", ""),
        ("own:d0-0", ""),
        ("own:x", ""),
        ("own:e3-4,decoder", ""),
        ("own:trained,e3-4", ""),
        ("own:e0-0,", "pad:99"),
        ("trained", "pad:0"),
        ("trained", "head:encoder.9.0"),
        ("trained", "head:"),
        ("trained", "nonsense"),
        ("trained", "pad:2+open-pad:2"),
        ("own:e0-0,e0-1,e0-2,e0-3,e0-4,e0-5", ""),
        ("nonsense", ""),
        ("trained", "pad:1+pad:2"),
        ("trained", "head:cross.0.0"),
        ("trained", "cross:encoder.0"),
        ("trained", "cross:decoder.0"),
        ("trained", "attn:encoder.9"),
        ("trained", "mlp:encoder"),
        ("trained", "mlp:head.0"),
        ("trained", "freeze:encoder.0.99"),
        ("trained", "temp:encoder.0.0=0"),
        ("trained", "temp:encoder.0.0=101"),
        ("trained", "temp:encoder.0.0"),
        ("trained", "temp:encoder.0.0=nan"),
        ("trained", "set:encoder.0.attn.z[0,0]=1"),
        ("trained", "set:encoder.0.attn.z[0,0,9999]=1"),
        ("trained", "set:encoder.0.attn.z[0,0,-1]=1"),
        ("trained", "set:encoder.0.attn.z[0,0,0]=nan"),
        ("trained", "set:encoder.0.attn.z[0,0,0]=1e9"),
        ("trained", "set:encoder.0.attn.heads[0,0,0]=1"),
        ("trained", "set:encoder.embed.ids[0]=99999"),
        ("trained", "set:encoder.embed.ids[0]=1.5"),
        ("trained", "set:encoder.embed.segment.ids[0]=7"),
        ("trained", "set:encoder.0.attn.mask[0,0]=2"),
        ("trained", "set:__import__[0]=1"),
        ("trained", "swap:0=6"),
        ("trained", "swap:6=0"),
        ("trained", "swap:decoder.0=1"),
        ("trained", "token:0=999999"),
        ("trained", "token:0=-1"),
        ("trained", "token:x"),
        ("trained", "patch:"),
        ("trained", "patch:encoder.0.stream[0]"),
        ("trained", "patch:encoder.0.stream[0]="),
        ("trained", "patch:encoder.0.stream[0]=9 4 3"),
        ("trained", "patch:encoder.0.stream[0]=9 4 3 5 7 2 8"),
        ("trained", "patch:encoder.0.stream[0]=9 4 3 5 7 999999"),
        ("trained", "patch:encoder.0.stream[0]=nine four three five seven two"),
        ("trained", "patch:encoder.0.stream[6]=9 4 3 5 7 2"),
        ("trained", "patch:encoder.0.stream[-1]=9 4 3 5 7 2"),
        ("trained", "patch:encoder.9.mlp[0]=9 4 3 5 7 2"),
        ("trained", "patch:decoder.0.mlp[0]=9 4 3 5 7 2"),
        ("trained", "patch:encoder.0.cross[0]=9 4 3 5 7 2"),
        ("trained", "patch:encoder.0.attn.99[0]=9 4 3 5 7 2"),
        ("trained", "patch:encoder.0.mlp.1[0]=9 4 3 5 7 2"),
        ("trained", f"patch:encoder.0.mlp[0]=9 4 3 5 7 2{' ' * 400}"),
        ("trained", "+".join(f"patch:encoder.0.mlp[0]=9 4 3 5 7 {i}" for i in range(1, 6))),
        ("trained", "+".join(f"neuron:encoder.0.{i}" for i in range(whatif.MOST_PARTS + 1))),
    ],
)
def test_what_cannot_be_run_is_said(models, mask, change):
    with pytest.raises(GlassError):
        run(models["bert"], change, mask)


def test_changes_are_told_in_words():
    change = "positions+head:encoder.0.3"
    assert whatif.title(change) == "without positions, head 3 of the encoder’s layer 0 silent"
    assert whatif.title(change, two_stacks=False) == "without positions, head 3 of layer 0 silent"
    assert whatif.title("head:x") == "head x silent"
    assert whatif.title("") == "" and whatif.parts("pad:3+order") == (("pad", "3"), ("order", ""))
    assert whatif.kinds("pad:3+order") == {"pad", "order"}
    several = "head:encoder.0.1+order+head:encoder.1.0"
    assert whatif.details(several, "head") == ("encoder.0.1", "encoder.1.0")
    assert whatif.without(several, "head:encoder.0.1") == "order+head:encoder.1.0"
    assert whatif.without(several, "head") == "order"


@pytest.mark.parametrize(
    "change, words",
    [
        ("head:cross.2.3", "cross-attention head 3 of layer 2 silent"),
        ("attn:decoder.2", "attention of the decoder’s layer 2 silent"),
        ("cross:decoder.2", "cross-attention of the decoder’s layer 2 silent"),
        ("mlp:encoder.0", "feed-forward of the encoder’s layer 0 silent"),
        ("freeze:encoder.0.3", "attention of head 3 of the encoder’s layer 0 frozen"),
        ("temp:decoder.1.3=0.5", "head 3 of the decoder’s layer 1 at temperature 0.5"),
        ("set:decoder.0.attn.z[1,4,0]=-0.5", "decoder.0.attn.z[1, 4, 0] set to −0.5"),
        ("swap:3=5", "token 3 read as token 5"),
        ("token:decoder.3=712", "token 3 read as number 712 of the vocabulary in the decoder"),
        (
            "patch:decoder.1.stream[2]=The book",
            "the vector that enters the decoder’s layer 1 at token 2 patched in from “The book”",
        ),
        (
            "patch:encoder.3.attn.4[6]=1 %2B 1",
            "what head 4 of the encoder’s layer 3 gathers at token 6 patched in from “1 + 1”",
        ),
        (
            "patch:decoder.0.cross.2[1]=x",
            "what cross-attention head 2 of the decoder’s layer 0 gathers at token 1 patched in"
            " from “x”",
        ),
        ("patch:<b>", "patch <b>"),
        ("mlp:x", "feed-forward of layer x silent"),
        ("temp:hot", "temp hot"),
    ],
)
def test_changes_of_steps_are_told_in_words(change, words):
    assert whatif.title(change) == words
    alone = words.replace("the encoder’s ", "").replace("the decoder’s ", "")
    assert whatif.title(change, two_stacks=False) == alone


# --- changes of steps -----------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_several_silent_heads_and_neurons_write_nothing(models, family):
    model, side = models[family], side_of(models[family])
    change = f"head:{side}.0.0+head:{side}.0.1+neuron:{side}.0.2+neuron:{side}.0.4"
    trace = run(model, change)
    assert not trace[f"{side}.0.attn.z"][:2].any()
    hidden_LF = trace[f"{side}.0.mlp.hidden"]
    assert not hidden_LF[:, [2, 4]].any() and hidden_LF[:, 3].any()


@pytest.mark.parametrize("sublayer", ("attn", "mlp", "cross"))
@pytest.mark.parametrize("family", FAMILIES)
def test_a_silent_sublayer_passes_the_stream_on(models, family, sublayer):
    model = models[family]
    if sublayer == "cross" and not model.config.crosses:
        return
    side = model.config.sides[-1]
    trace = run(model, f"{sublayer}:{side}.1")
    at = f"{side}.1.{sublayer}"
    before_LD = trace[added_to(model.config, at)]
    assert not trace[f"{at}.out"].any() and np.array_equal(before_LD, trace[f"{at}.sum"])


def names_after(trace, name: str) -> list[str]:
    """The steps from that one on."""
    return list(trace.names[trace.names.index(name) :])


@pytest.mark.parametrize("family", FAMILIES)
def test_what_sets_a_number_as_it_is_changes_nothing_and_another_changes_what_follows(
    models, family
):
    model, side = models[family], side_of(models[family])
    before, name = run(model), f"{side}.0.mlp.out"
    value = float(np.round(before[name][2, 1], 6))
    exact = run(model, f"set:{name}[2,1]={value:.6f}")
    other = run(model, f"set:{name}[2,1]={value + 3:.6f}")
    for step in before.names:
        assert np.allclose(exact[step], before[step], atol=1e-4), step
        if step not in names_after(before, name):
            assert np.array_equal(other[step], before[step]), step
    assert other[name][2, 1] == round(value + 3, 6)
    assert (other[name] != before[name]).sum() == 1
    assert not np.allclose(other[f"{side}.out"], before[f"{side}.out"], atol=1e-4)


@pytest.mark.one_in(4)
@pytest.mark.parametrize("family", FAMILIES)
def test_a_frozen_head_looks_where_it_looked_in_the_run_without_changes(models, family):
    model, side = models[family], side_of(models[family])
    clean, changed, frozen = (
        run(model, change)[f"{side}.1.attn.pattern"]
        for change in ("", "token:2=8", f"freeze:{side}.1.1+token:2=8")
    )
    assert not np.allclose(clean[1], changed[1], atol=1e-6)
    assert np.array_equal(frozen[1], clean[1]) and np.array_equal(frozen[0], changed[0])
    alone = run(model, f"freeze:{side}.1.1")
    for name, value in ((name, alone[name]) for name in alone.names):
        assert np.array_equal(value, run(model)[name]) or name == f"{side}.1.attn.pattern", name


def test_a_frozen_head_knows_the_mask_of_the_training_and_the_text_as_it_is_read(models):
    model = models["gpt2"]
    trained, masked = (run(model, mask=m)["decoder.1.attn.pattern"] for m in ("trained", "encoder"))
    frozen = run(model, "freeze:decoder.1.1", mask="encoder")["decoder.1.attn.pattern"]
    assert np.array_equal(frozen[1], trained[1]) and np.array_equal(frozen[0], masked[0])
    longer = run(model, "freeze:decoder.1.1+repeat")["decoder.1.attn.pattern"]
    assert np.array_equal(longer, run(model, "repeat")["decoder.1.attn.pattern"])


@pytest.mark.parametrize("family", FAMILIES)
def test_a_head_at_another_temperature(models, family):
    model, side = models[family], side_of(models[family])
    before, same, hot = (
        run(model, change)
        for change in ("", f"temp:{side}.1.1=1", f"temp:{side}.1.1=2.5+temp:{side}.1.0=0.5")
    )
    name = f"{side}.1.attn"
    assert np.array_equal(same[f"{side}.out"], before[f"{side}.out"])
    for head, heat in ((1, 2.5), (0, 0.5)):
        scores_LM = before[f"{name}.scores"][head] / heat
        exp_LM = np.exp(scores_LM - scores_LM.max(axis=-1, keepdims=True))
        expected_LM = exp_LM / exp_LM.sum(axis=-1, keepdims=True)
        assert np.allclose(hot[f"{name}.pattern"][head], expected_LM, atol=1e-12)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_token_read_as_another_is_the_run_of_the_text_with_that_one(models, family):
    model = models[family]
    for change, ids in (
        ("swap:1=3", [3, 2, 7, 2, 9, 4]),
        ("swap:1=3+swap:3=1", [3, 2, 7, 5, 9, 4]),  # both as they were
        ("token:2=8+swap:1=2", [3, 7, 8, 2, 9, 4]),
    ):
        changed, typed = run(model, change), run(model, ids_L=np.array(ids))
        for name in changed.names:
            assert np.array_equal(changed[name], typed[name]), (change, name)


def test_a_token_of_a_decoder_that_reads_a_text_of_its_own(models):
    trace = run(models["marian"], "token:decoder.1=5+swap:decoder.2=0")
    assert trace["decoder.embed.ids"].tolist() == [1, 5, 1]
    assert trace["encoder.embed.ids"].tolist() == IDS.tolist()


def test_a_mask_is_changed_in_one_layer_and_in_no_other(models):
    trace = run(models["bert"], "set:encoder.1.attn.mask[3,4]=0")
    assert not trace["encoder.1.attn.mask"][3, 4] and trace["encoder.0.attn.mask"].all()
    assert (trace["encoder.1.attn.pattern"][:, 3, 4] == 0).all()


@pytest.mark.parametrize("family", FAMILIES)
def test_a_layer_that_is_computed_again_keeps_all_its_changes(models, family):
    model, side = models[family], side_of(models[family])
    change = f"head:{side}.0.0+head:{side}.0.1+temp:{side}.0.1=2+freeze:{side}.1.0+token:1=6"
    text = whatif.Text(IDS, WORDS)
    target_ids_L = np.array([1, 4, 6]) if model.config.crosses else None
    light = whatif.run(model, text, target_ids_L, "trained", change, keep="layers")
    whole = run(model, change)
    for name in whole.names:
        assert np.array_equal(light[name], whole[name]), name


# --- patches --------------------------------------------------------------------------------------

OTHER = np.array([9, 4, 3, 5, 7, 2])
TYPED = " ".join(map(str, OTHER))


def handed_over(model) -> list[tuple[str, str]]:
    """What can be patched in, and on which side."""
    found = [(side, what) for side in model.config.sides for what in ("stream", "mlp", "head:1")]
    return found + [("decoder", "cross"), ("decoder", "cross:0")] * model.config.crosses


@pytest.mark.parametrize("family", FAMILIES)
def test_a_patch_is_what_the_other_text_has_there_and_does_what_why_patch_says(models, family):
    model = models[family]
    giver = run(model, ids_L=OTHER)
    for side, what in handed_over(model):
        patch = Patch(side, 1, what, 2, TYPED)
        trace = run(model, written_patch(patch))
        name, cell = patch.step
        assert np.array_equal(trace[name][cell], giver[name][cell]), what
        if model.config.head:
            pair = pair_of(model, run(model), giver, 5, 3, what, -1, side)
            logits_V = trace["head.logits"][-1]
            wanted = float(logits_V[5]) - float(logits_V[3])
            assert pair.after(1, [2]) == pytest.approx(wanted, abs=1e-12)


def test_patches_add_up_with_each_other_and_with_other_changes(models):
    model, side = models["gpt2"], "decoder"
    one, two = f"patch:{side}.0.mlp[1]={TYPED}", f"patch:{side}.0.mlp[3]={TYPED}"
    trace, giver = run(model, f"{one}+{two}+head:{side}.1.0"), run(model, ids_L=OTHER)
    places = [1, 3]
    name = f"{side}.0.mlp.out"
    assert np.array_equal(trace[name][places], giver[name][places])
    assert not trace[f"{side}.1.attn.z"][0].any() and giver[f"{side}.1.attn.z"][0].any()
    every = "+".join(f"patch:{side}.0.stream[{place}]={TYPED}" for place in range(len(IDS)))
    assert np.array_equal(run(model, every)["head.logits"], giver["head.logits"])


def test_the_other_text_is_read_under_the_mask_of_the_training_with_its_words_turned_as_well(
    models,
):
    model = models["bert"]
    patch = f"patch:encoder.1.stream[2]={TYPED}"
    masked = run(model, patch, mask="decoder")["encoder.1.attn.in"][2]
    assert np.array_equal(masked, run(model, ids_L=OTHER)["encoder.0.out"][2])
    turned = run(model, f"{patch}+positions")["encoder.1.attn.in"][2]
    assert np.array_equal(turned, run(model, "positions", ids_L=OTHER)["encoder.0.out"][2])


@pytest.mark.parametrize("text", ("a+b", "100 % + %2B", "head:decoder.0.1", "x]=y", " ü\n+"))
def test_any_text_can_be_written_into_a_patch_and_read_again(text):
    written = written_patch(patch := Patch("decoder", 3, "head:4", 6, text))
    ((name, detail),) = whatif.parts(written)
    assert name == "patch" and patch_of(detail) == patch and "+" not in written
    assert whatif.parts(f"order+{written}+scale")[1] == (name, detail)
