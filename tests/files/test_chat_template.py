"""Chat templates: what they write is what `transformers` makes of them, the tokens they add are
told apart from the reader's own, and a hostile one costs a message.
"""

from __future__ import annotations

import importlib.util
import json
from datetime import datetime

import pytest

from core import GlassError
from core.models import chat_process, chat_template
from core.models.chat_template import ChatTemplate, chat_in_folder, chat_in_gguf
from core.models.gguf_tokenizer import from_gguf
from core.models.model import load
from tests.helpers.model_files import refusal
from tests.helpers.texts import header
from tests.helpers.tokenizer_files import llama, write

NAMES = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
LOOP = "{% for message in messages %}"
# Small ones of our own, each with a part of the language that templates of chat models use.
TEMPLATES = {
    "a loop": (
        LOOP + "<|{{ message['role'] }}|>\n{{ message['content'] }}{{ eos_token }}\n{% endfor %}"
        "{% if add_generation_prompt %}<|assistant|>\n{% endif %}",
        "<|user|>\n{}</s>\n<|assistant|>\n",
    ),
    "its own tokens": (
        "{{ bos_token }}" + LOOP + "{% if message.role == 'user' %}[INST] {{ message.content }}"
        " [/INST]{% else %}{{ message.content }}{{ eos_token }}{% endif %}{% endfor %}",
        "<s>[INST] {} [/INST]",
    ),
    "a name that is not there": ("{{ pad_token }}{{ nothing }}{{ messages[0].content }}.", "{}."),
    "an exception": (
        "{% if messages[0].role != 'user' %}{{ raise_exception('user first') }}{% endif %}"
        "{{ messages[-1].content }}",
        "{}",
    ),
    "trimmed blocks": (
        "  {% set turn = 'user' %}\n" + LOOP + "\n    {%- if loop.first -%}\n  Q: {% endif %}\n"
        "{{ message.content }}\n{% endfor %}\nA:",
        "Q: {}\nA:",
    ),
    "jumps": (
        "{% for n in range(9) %}{% if n == 1 %}{% continue %}{% endif %}{% if n > 2 %}{% break %}"
        "{% endif %}{{ n }}{% endfor %} {{ messages[0].content }}",
        "02 {}",
    ),
    "a namespace": (
        "{% set ns = namespace(n=0) %}{% for letter in 'abc' %}{% set ns.n = ns.n + 1 %}"
        "{% endfor %}{{ ns.n }}{{ messages[0]['content'] }}",
        "3{}",
    ),
    "JSON": (
        "{{ {'é': [1, true, none]} | tojson }} {{ dict(a=1) | tojson(indent=2) }}"
        "{{ messages[0].content }}",
        '{"é": [1, true, null]} {\n  "a": 1\n}{}',
    ),
    "the date": ("{{ strftime_now('%Y') }} {{ messages[0].content }}", f"{datetime.now():%Y} {{}}"),
    "what it has said": (
        "{% generation %}{{ messages | length }}{% endgeneration %}"
        "{% if not tools and documents is none %} {{ messages[0].content }}{% endif %}",
        "1 {}",
    ),
    "a macro": (
        "{% macro turn(m) %}<{{ m.role | upper }}>{{ m.content }}{% endmacro %}"
        "{{ turn(messages[0]) }}",
        "<USER>{}",
    ),
}
TEXTS = ("Hi, “you” {{ 1 + 1 }} <b>&amp;</b>", " 漢\n{% if %} ")


@pytest.mark.parametrize("kind", TEMPLATES)
def test_a_template_writes_what_transformers_makes_of_it(kind):
    source, expected = TEMPLATES[kind]
    asked = {"template": source, "names": NAMES, "texts": TEXTS}
    texts = chat_process.answer(asked)["texts"]
    assert texts == [expected.replace("{}", text) for text in TEXTS]
    if importlib.util.find_spec("transformers"):
        from transformers.utils.chat_template_utils import render_jinja_template

        chats = [[{"role": "user", "content": text}] for text in TEXTS]
        theirs, _ = render_jinja_template(
            chats, chat_template=source, add_generation_prompt=True, **NAMES
        )
        assert texts == theirs


def test_the_reader_s_own_tokens_are_told_apart_from_the_template_s(smollm2):
    text = "What is a 漢?"
    found = smollm2.encode(text, chat=True)
    assert found.text == text and found.chat
    own = [i for i, span in enumerate(found.spans) if span]
    assert own == list(range(own[0], own[-1] + 1)) and 0 < own[0] < own[-1] < len(found.ids_L) - 5
    assert [found.words_L[i] is None for i in range(len(found.ids_L))] == [
        i not in own for i in range(len(found.ids_L))
    ]
    assert found.words_L[own[0]] == 0 and found.characters(own[0]) == "What"
    rendered = smollm2.chat.render(text)
    assert rendered.text[rendered.start : rendered.end] == text
    assert found.ids_L.tolist() == smollm2.ids(rendered.text).tolist()
    assert smollm2.tokenizer.decode(found.ids_L) == rendered.text
    starts = [i for i, piece in enumerate(found.pieces) if piece == "<|im_start|>"]
    assert len(starts) == 3 and all(smollm2.tokenizer.is_special(found.ids_L[i]) for i in starts)
    trace = smollm2.trace(text, chat=True, keep="output", rows=-1)
    assert trace["decoder.embed.ids"].tolist() == found.ids_L.tolist()
    assert trace.words_L == found.words_L


@pytest.mark.parametrize(
    "source, text, typed",
    [
        ("[{{ messages[0].content | trim }}]", "  a b ", ("  a b ", (2, 5))),
        ("assistant a {{ messages[0].content }} a", "a", ("a", (0, 1))),
        ("{{ messages[0].content[::-1] }}", "ab", None),  # it can't be told apart
        ("{{ messages[0].content }}{{ messages[0].content }}", "ab", None),
    ],
)
def test_what_was_typed_is_found_in_what_was_written(source, text, typed):
    made = ChatTemplate(source).render(text)
    assert (made.start < made.end) == (typed is not None)
    if typed:
        whole, (first, last) = typed
        assert made.text[made.start : made.end] == whole[first:last] and made.first == first


HOSTILE = {
    "{% for a in range(10**9) %}{% endfor %}": "Range too big",
    "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}": "too long",
    "{{ 7 ** (9 ** (9 ** 9)) }}": "too long",  # computed while it is compiled
    "{{ 'a' * 10**10 }}": "too much memory",
    "{{ messages.__class__.__mro__ }}": "unsafe|empty|__mro__",
    "{{ raise_exception('Say please') }}": "Say please",
    "{{ messages[0] ": "unexpected end",
    "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}": "calls itself",
    "{{ 'ab' * 150000 }}": "300,000 characters",
    "{% set ns = namespace() %}{% set ns.__init__ = 1 %}": "namespace|unsafe|attribute",
}


@pytest.mark.one_in(2)
@pytest.mark.parametrize("source", HOSTILE)
def test_a_hostile_template_costs_a_message(source, monkeypatch):
    monkeypatch.setattr(chat_template, "SECONDS", 1)
    said = refusal(ChatTemplate(source).render, "a")
    assert said.startswith("The chat template of this model cannot be used: ")
    assert any(word in said for word in HOSTILE[source].split("|")), said


def test_tokens_that_the_template_writes_are_not_put_there_twice():
    metadata = header(add_bos_token=True, model="gpt2")
    for source in ("{{ bos_token }}{{ messages[0].content }}", "{{ messages[0].content }}"):
        chat, notes = chat_in_gguf(metadata | {"tokenizer.chat_template": source})
        assert chat and notes == ()
        found = chat.encode(from_gguf(metadata), "the the")
        assert found.pieces == ("<s>", "the", " the") and found.spans[0] is None
    twice, _ = chat_in_gguf(
        metadata | {"tokenizer.chat_template": "<s><s>{{ messages[0].content }}"}
    )
    assert twice.encode(from_gguf(metadata), "the").pieces == ("<s>", "<s>", "the")


def folder_with(path, template=None, **files):
    said = {"bos_token": "<s>", "eos_token": "</s>", "tokenizer_class": "LlamaTokenizer"}
    said |= {} if template is None else {"chat_template": template}
    folder = write(path, "llama", said, llama())
    for name, text in files.items():
        (folder / f"{name}.jinja").write_text(text)
    return folder


def test_where_a_folder_keeps_its_template(tmp_path):
    named = [{"name": "rag", "template": "r"}, {"name": "default", "template": "d"}]
    assert chat_in_folder(folder_with(tmp_path / "none"), "Llama") == (None, ())
    for i, (files, source) in enumerate(
        (({"template": "c"}, "c"), ({"template": named}, "d"), ({"chat_template": "f"}, "f"))
    ):
        chat, _ = chat_in_folder(folder_with(tmp_path / str(i), **files), "Llama")
        assert chat.source == source and dict(chat.names) == NAMES and not chat.around


@pytest.mark.parametrize(
    "template, says",
    [(["a"], "none is “default”"), (7, "no text"), ("a" * 100_001, "100,001 characters")],
)
def test_a_template_that_is_none_costs_a_note(tmp_path, template, says):
    chat, (note,) = chat_in_folder(folder_with(tmp_path / "m", template), "Llama")
    assert chat is None and says in note
    if not isinstance(template, list):
        assert chat_in_gguf({"tokenizer.chat_template": template})[1] == (note,)


def test_ids_are_those_of_apply_chat_template(tmp_path):
    pytest.importorskip("transformers", exc_type=ImportError)
    from transformers import AutoTokenizer

    source = "{{ bos_token }}" + LOOP + "he {{ message.content | trim }}{{ eos_token }}{% endfor %}"
    folder = folder_with(tmp_path / "m", source, config="")
    (folder / "config.json").write_text(json.dumps({"model_type": "llama"}))
    chat, _ = chat_in_folder(folder, "Llama")
    theirs = AutoTokenizer.from_pretrained(folder)
    from core.models.auto_tokenizer import from_folder

    ours, _ = from_folder(folder, "Llama")
    for text in ("ab he", "  ab\n", "<s>ab</s>", "漢 é"):
        expected = theirs.apply_chat_template(
            [{"role": "user", "content": text}], add_generation_prompt=True, return_dict=False
        )
        found = chat.encode(ours, text)
        assert found.ids_L.tolist() == expected and expected.count(1) == 1 + text.count("<s>")


def test_a_model_without_a_template_says_so(minilm, smollm2):
    with pytest.raises(GlassError, match="no chat template"):
        minilm.encode("a", chat=True)
    with pytest.raises(GlassError, match="one text"):
        smollm2.trace("a", second="b", chat=True)
    with pytest.raises(GlassError, match="needs a sentence"):
        smollm2.trace(ids_L=[1, 2], chat=True)
    assert load("study-decoder").chat is None
