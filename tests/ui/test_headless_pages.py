"""Every page on models without an output head, and on T5's encoder alone: none fails."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.models.weights import load_folder
from tests.helpers.pages import OTHERS, opened
from tests.helpers.tiny import golden
from ui.session import runs

BARE = {
    "gpt2": "GPT2Model",
    "llama": "LlamaModel",
    "t5_relu": "T5Model",
    "marian": "MarianModel",
    "t5_gated": "T5EncoderModel",
}


@pytest.fixture(params=BARE)
def folder(request, tmp_path, monkeypatch):
    """A tiny model without its head, in the app's list."""
    family, model = request.param, golden(request.param)
    gone = (
        "lm_head.weight",
        "final_logits_bias",
        *(("decoder.",) if BARE[family] == "T5EncoderModel" else ()),
    )
    tensors = {name: value for name, value in model.tensors.items() if not name.startswith(gone)}
    config = model.config | {"architectures": [BARE[family]]}
    folder = replace(model, config=config, tensors=tensors).write(tmp_path / family)
    assert load_folder(folder).config.head is None
    monkeypatch.setenv("GLASSFORMER_MODELS", str(folder))
    runs.ready_of.clear()
    yield str(folder)
    runs.ready_of.clear()


@pytest.mark.one_in(15)
@pytest.mark.parametrize("page", ["app.py", *OTHERS])
def test_every_page_copes_with_a_model_that_scores_no_words(page, folder):
    app = opened(page, model=folder, sentence="3 5 7 2 9 4")
    assert not app.exception, (page, app.exception[0].message, app.exception[0].stack_trace)
    assert any(
        "up to its last vectors" in " ".join(caption.value.split()) for caption in app.caption
    )
