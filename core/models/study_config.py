"""The config.json of our own files ("model_type": "glassformer"): the fields of Config, one by one,
believed in nothing.

The study models in assets/models are such files. Their tensors have our names, so nothing more has
to be known of them.
"""

from __future__ import annotations

from collections.abc import Callable

from ..config import Config, Rope
from ..errors import GlassError
from ..ops import ACTIVATIONS
from .fields import Fields
from .keys import Keys
from .rope_config import check_rope, own_rope

MOST_LAYERS, MOST_POSITIONS = 1000, 1 << 14


def read_config(data: Fields) -> Config:
    """The config, if its fields are of the right kind and size and fit each other.

    Else a GlassError. `keys.check_keys` has refused fields that are not known.
    """
    config = Config(**{key: read(data, key) for key, read in _FIELDS.items()})
    check_together(data, config)
    return config


# Each of these makes a function that reads one field. None as default: it has to be there.


def whole_field(default: int | None = None, low: int = 1, high: int = 1 << 24) -> Callable:
    """A whole number from low to high."""
    return lambda data, key: data.whole(key, default, low, high)


def number_field(default: float | None = None, low: float = 1e-9, high: float = 1e6) -> Callable:
    """A number from low to high."""
    return lambda data, key: data.number(key, default, low, high)


def flag_field(default: bool | None = None) -> Callable:
    """True or false."""
    return lambda data, key: data.flag(key, default)


def word_field(*allowed: str) -> Callable:
    """One of these words."""
    return lambda data, key: data.choice(key, None, {each: each for each in allowed})


def optional_field(read: Callable) -> Callable:
    """The same, or None where nothing stands there."""
    return lambda data, key: None if data.get(key) is None else read(data, key)


def absent_field() -> Callable:
    """Nothing: our own models have no such part."""
    return lambda data, key: None if data.get(key) is None else data.refuse(key, "null")


def norm_at_field(data: Fields, key: str) -> str:
    """Where the norms stand; older files only say whether they come first."""
    if data.get("norm_first") is None:
        return word_field("before", "after", "around", "update")(data, key)
    older = "before" if data.flag("norm_first", False) else "after"
    if data.get(key, older) != older:
        data.refuse(key, "the same as “norm_first” says")
    return older


def list_field(default: tuple, read: Callable) -> Callable:
    """A list, each of it read by itself, or null; the default where there is none."""

    def read_list(data: Fields, key: str) -> tuple:
        given = data.get(key, [])
        if not isinstance(given, list) or len(given) > MOST_LAYERS:
            data.refuse(key, "a list")
        each = [Fields({key: item}, data.where) for item in given]
        return tuple(None if item.get(key) is None else read(item, key) for item in each) or default

    return read_list


_FIELDS = {
    "family": word_field("Study"),
    "encoder_layers": whole_field(low=0, high=MOST_LAYERS),
    "decoder_layers": whole_field(low=0, high=MOST_LAYERS),
    "d_model": whole_field(),
    "n_heads": whole_field(),
    "n_kv_heads": whole_field(),
    "d_head": whole_field(),
    "d_mlp": whole_field(),
    "n_vocab": whole_field(),
    "n_positions": optional_field(whole_field(high=MOST_POSITIONS)),
    "positions": word_field("learned", "sinusoid", "rotary", "relative", "alibi"),
    "norm": word_field("layer", "rms"),
    "norm_at": norm_at_field,
    "norm_eps": number_field(low=0, high=1),
    "activation": word_field(*ACTIVATIONS),
    "gated": flag_field(False),
    "parallel": flag_field(False),
    "score_scale": number_field(1.0),
    "score_cap": optional_field(number_field()),
    "logit_cap": optional_field(number_field()),
    "embed_scale": number_field(1.0),
    "head_scale": number_field(1.0),
    "n_segments": whole_field(0, low=0),
    "embed_norm": flag_field(False),
    "final_norm": flag_field(False),
    "head": optional_field(word_field("linear", "transform")),
    "d_embed": optional_field(whole_field()),
    "head_activation": optional_field(word_field(*ACTIVATIONS)),
    "pooler": optional_field(word_field("dense", "next")),
    "task": absent_field(),
    "sinusoid_first": whole_field(0, low=0),
    "sinusoid_whole": flag_field(False),
    "pad_id": optional_field(whole_field(low=0)),
    "relative_beside": flag_field(False),
    "relative_in_layers": flag_field(False),
    "ropes": list_field((Rope(),), lambda data, key: own_rope(data.get(key), data.where)),
    "windows": list_field((None,), whole_field(low=0)),
    "qk_norm": optional_field(word_field("head", "all")),
    "first_norm": flag_field(True),
    "relative_buckets": whole_field(32, low=4, high=1 << 12),
    "relative_distance": whole_field(128),
    "start_id": optional_field(whole_field(low=0)),
    "end_id": optional_field(whole_field(low=0)),
}


_OLDER = ("norm_first",)  # before there was norm_at
KEYS = Keys(
    ("model_type", *_FIELDS, *_OLDER),
    {"rope_theta": (10000.0,)},  # in files from before `ropes`
    (),
    null=(*_FIELDS, *_OLDER),
    closed="",
)


def check_together(data: Fields, config: Config) -> None:
    """Raises a GlassError unless the fields of a config of our own fit each other."""
    for rope in filter(None, config.ropes if config.positions == "rotary" else ()):
        check_rope(rope, config.d_head, data.where)
    for wrong, why in (*wrong_heads(config), *wrong_positions(config), *wrong_stacks(config)):
        if wrong:
            raise GlassError(f"{data.where} {why}.")


Checks = tuple[tuple[object, str], ...]  # what must not be, and how it is said


def wrong_heads(config: Config) -> Checks:
    """Of the layers and their heads."""
    return (
        (not config.sides, "has no layers"),
        (
            config.n_heads % config.n_kv_heads,
            "gives heads that cannot share their keys and values evenly",
        ),
    )


def wrong_positions(config: Config) -> Checks:
    """Of the positions."""
    tables = config.positions in ("learned", "sinusoid")
    return (
        (tables and config.n_positions is None, "does not say how many positions have a vector"),
        (
            config.relative_distance <= config.relative_buckets // 2,
            "has more relative buckets than distances",
        ),
    )


def wrong_stacks(config: Config) -> Checks:
    """Of how the layers are wired, of the tokens that begin and end a text, and of what only an
    encoder or a decoder has.
    """
    both = config.crosses
    return (
        (
            config.parallel and (both or config.norm_at == "after"),
            "has parallel sublayers, which can neither look across nor be normed after their sum",
        ),
        (
            max(config.start_id or 0, config.end_id or 0) >= config.n_vocab,
            "names a token that is not in the vocabulary",
        ),
        (
            both and config.start_id is None,
            "does not say which token the decoder begins with (“start_id”)",
        ),
        (
            (config.pooler or config.n_segments) and not config.encoder_layers,
            "has parts of an encoder, but no encoder",
        ),
        (config.pooler and both, "has a pooler after a decoder"),
    )
