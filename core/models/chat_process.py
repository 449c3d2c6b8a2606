"""Renders a chat template, in a process of its own: `core.models.chat_template` asks for it.

A template comes with a model's files, and is a program: it may loop for hours, or double a text
until the memory is full, already while it is compiled. So it runs where that costs an answer and no
more (`apart_process`), in jinja2's sandbox, as `transformers` does.

The process has this file alone, which needs nothing else of the app.
"""

from __future__ import annotations

import json
from datetime import datetime

LONGEST = 200_000  # characters that come out


def environment():
    """jinja2's sandbox with what templates of chat models expect to find in it."""
    from jinja2.exceptions import TemplateError
    from jinja2.ext import loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    def raise_exception(message):
        raise TemplateError(str(message))

    found = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[generation_tag(), loopcontrols]
    )
    found.filters["tojson"] = as_json
    found.globals |= {
        "raise_exception": raise_exception,
        "strftime_now": lambda form: datetime.now().strftime(form),
        "dict": lambda *given, **named: dict(*given, **named),
        "namespace": plain_namespace(),
    }
    return found


def generation_tag() -> type:
    """The tag {% generation %}, which marks what the model itself has said: its body as it is."""
    from jinja2 import nodes
    from jinja2.ext import Extension

    class Generation(Extension):
        tags = {"generation"}  # noqa: RUF012

        def parse(self, parser):
            line = next(parser.stream).lineno
            body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
            return nodes.Scope(body).set_lineno(line)

    return Generation


def plain_namespace() -> type:
    """jinja2's namespace without a way to what Python keeps for itself."""
    from jinja2.exceptions import SecurityError
    from jinja2.utils import Namespace

    class PlainNamespace(Namespace):
        def __setitem__(self, name, value):
            if str(name).startswith("_"):
                raise SecurityError(f"a namespace may not have the attribute {name}")
            super().__setitem__(name, value)

    return PlainNamespace


def as_json(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False) -> str:
    """JSON with its letters as they are, where jinja2's own filter would write HTML."""
    return json.dumps(
        value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )


def rendered(template, text: str, names: dict) -> str:
    """The text as the user's only message, and the beginning of the answer."""
    found = template.render(
        messages=[{"role": "user", "content": text}],
        tools=None,
        documents=None,
        add_generation_prompt=True,
        **names,
    )
    if len(found) > LONGEST:
        raise ValueError(f"it writes {len(found):,} characters; the limit is {LONGEST:,}")
    return found


def answer(asked: dict) -> dict:
    """What is answered: {"texts": …}, one for each that was given."""
    template = environment().from_string(asked["template"])
    return {"texts": [rendered(template, each, asked["names"]) for each in asked["texts"]]}
