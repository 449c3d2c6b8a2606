"""What a transformer is, as data: the few axes on which the families differ.

A family is one Config, one table of names (`core/models/families/`) and one golden file. The
forward pass reads only what stands here; `family` is a label for the reader and is never looked at
by `transformer.py`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Task:
    """What a head that a model was fine-tuned with makes of the last vectors: a score for each of
    its labels.
    """

    reads: str  # "pooled" (the pooler's vector), "first", "last" (that token's) or "each" token's
    # "one" of the labels holds (softmax over them), "any" of them (a sigmoid for each); "number":
    # the scores are what is meant; "span": an answer's first and last token (softmax over tokens)
    gives: str
    labels: tuple[str, ...]  # "start" and "end" of a span
    hidden: str | None = None  # the activation of a layer of its own before the scores
    pad_id: int | None = None  # no text whose "last" token is read may end with this one

    @property
    def of_tokens(self) -> bool:
        """Whether every token has scores of its own."""
        return self.reads == "each"


@dataclass(frozen=True)
class Rope:
    """How far rotary positions turn each pair of a query's and a key's numbers, and how that is
    stretched for texts longer than those of the training (core.ops.frequencies).
    """

    theta: float = 10000.0  # pair i of P turns by theta^(-i/P) radians from token to token
    width: int | None = None  # so many numbers of a head are turned, its first; None: all
    kind: str = "default"  # "default", "linear", "dynamic", "llama3", "yarn" or "longrope"
    factor: float = 1.0  # how many times as long
    trained: int = 0  # the tokens that the unstretched angles were made for
    slow: float = 1.0  # of a pair that turns less often than this in `trained` tokens all is
    fast: float = 1.0  # stretched; of one that turns more often than this, nothing
    whole: bool = True  # yarn: the borders between the two are whole pairs
    short: tuple[float, ...] = ()  # longrope: the divisor of each pair up to `trained` tokens
    long: tuple[float, ...] = ()  # and in longer texts
    size: float = 1.0  # what the turned numbers are multiplied by

    @property
    def grows(self) -> bool:
        """Whether the angles depend on how long the text is."""
        return self.kind == "dynamic" or self.kind == "longrope" and self.short != self.long


@dataclass(frozen=True)
class Config:
    """One transformer, told from all others."""

    family: str  # "BERT", "GPT-2", "Llama", "T5", "Marian": a label, never a switch
    encoder_layers: int  # 0: there is no encoder
    decoder_layers: int  # 0: there is no decoder; both: the decoder looks across at the encoder
    d_model: int  # D
    n_heads: int  # H
    n_kv_heads: int  # G: query heads share keys and values in groups of H / G
    d_head: int  # K
    d_mlp: int  # F
    n_vocab: int  # V
    n_positions: int | None  # the longest sequence the model was made for; None: no table limits it
    # "learned", "sinusoid" (both a table), "rotary" (turns q and k), "relative" (a learned bias) or
    # "alibi" (a bias that grows with the distance); "none": a what-if that no model was trained
    # with, here and for the norm
    positions: str
    norm: str  # "layer" (mean and deviation), "rms" or "none"
    # Where a sublayer's norms stand: "before" it (pre-norm), "after" the sum (post-norm, as in the
    # paper), "update" (on what it adds), or "around" (before it, and one more on what it adds)
    norm_at: str
    norm_eps: float
    activation: str  # "gelu", "gelu_tanh", "silu", "relu"
    gated: bool = False  # the feed-forward multiplies activation(x·W) by a second projection
    parallel: bool = False  # attention and feed-forward both read what enters the layer
    score_scale: float = 1.0  # what q·k is multiplied by: 1/√K, and 1 for T5
    score_cap: float | None = None  # scores are bent to between -cap and cap by a tanh (Gemma 2)
    logit_cap: float | None = None  # and logits
    embed_scale: float = 1.0  # what a token's embedding is multiplied by: √D for Marian
    head_scale: float = (
        1.0  # what the last vector is multiplied by before the logits: 1/√D for a tied T5
    )
    n_segments: int = 0  # BERT's sentence A and sentence B
    embed_norm: bool = False  # a norm over the sum of the embeddings
    final_norm: bool = False  # a norm after the last layer
    head: str | None = (
        None  # None (no logits), "linear", or "transform" (dense, activation, norm, linear)
    )
    d_embed: int | None = None  # the tables' width, where the model's is another: projected
    head_activation: str | None = None  # of "transform"; None: that of the layers
    pooler: str | None = (
        # None, "dense" (tanh over the first token) or "next" (that, and the next-sentence logits)
        None
    )
    task: Task | None = None  # the head that the model was fine-tuned with
    sinusoid_first: int = 0  # the number that the first position has in the waves
    sinusoid_whole: bool = False  # the slowest wave: 10000 times slower than the first, or nearly
    pad_id: int | None = None  # a token without a position, which is not read (M2M100)
    relative_beside: bool = False  # the bias of "relative" beside other positions (MPNet)
    relative_in_layers: bool = False  # a table of biases in each layer, not one for all (uMT5)
    # By layer, over and over: one entry stands for all layers, four for each 4th.
    ropes: tuple[Rope | None, ...] = (Rope(),)  # None: this layer turns nothing
    windows: tuple[int | None, ...] = (None,)  # how many tokens away one is still seen; None: all
    qk_norm: str | None = None  # a norm of queries and keys: of each "head", or of "all" together
    first_norm: bool = True  # False: the first attention reads the stream as it is (ModernBERT)
    relative_buckets: int = 32
    relative_distance: int = 128  # beyond it all distances share the last bucket
    start_id: int | None = None  # the token a decoder begins with when it reads an encoder
    end_id: int | None = None  # the token that ends what it writes

    @property
    def sides(self) -> tuple[str, ...]:
        """The stacks there are, in the order they run: "encoder", "decoder" or both."""
        return tuple(side for side in ("encoder", "decoder") if self.layers(side))

    @property
    def crosses(self) -> bool:
        """Whether the decoder looks across at an encoder."""
        return bool(self.encoder_layers and self.decoder_layers)

    @property
    def divides_by_root(self) -> bool:
        """Whether scores are divided by √K, as in the paper, and not otherwise scaled."""
        return math.isclose(self.score_scale, self.d_head**-0.5)

    @property
    def norm_first(self) -> bool:
        """Whether a sublayer reads a norm of the stream."""
        return self.norm_at in ("before", "around")

    @property
    def norms_update(self) -> bool:
        """Whether what a sublayer adds to the stream has passed a norm of its own."""
        return self.norm_at in ("update", "around")

    def rope(self, layer: int) -> Rope | None:
        """How a layer turns queries and keys; None where it does not."""
        return self.ropes[layer % len(self.ropes)] if self.positions == "rotary" else None

    def norm_of(self, path: str) -> str:
        """What the norm at a path does: as `norm` says; "none" where there is none."""
        bare = not self.first_norm and path.endswith(".0.attn.norm")
        return "none" if bare else self.norm

    def window(self, layer: int) -> int | None:
        """How many tokens away a layer's self-attention still looks; None: at all of them."""
        return self.windows[layer % len(self.windows)]

    def group(self, head: int) -> int:
        """The set of keys and values that a query head uses."""
        return head * self.n_kv_heads // self.n_heads

    def columns(self, head: int) -> slice:
        """Where the dimensions of a head, or of a set of keys and values, stand among those of all
        of them.
        """
        return slice(head * self.d_head, (head + 1) * self.d_head)

    @property
    def embed_width(self) -> int:
        """The width of the tables of tokens, and of what is compared with words."""
        return self.d_embed or self.d_model

    @property
    def relative(self) -> bool:
        """Whether a learned bias for each distance is added to the scores."""
        return self.positions == "relative" or self.relative_beside

    @property
    def head_bends(self) -> str:
        """The activation in the layer that an output head has of its own."""
        return self.head_activation or self.activation

    def relative_step(self, path: str) -> str:
        """The step with the bias for distances that an attention adds: its own, or its side's."""
        return f"{path if self.relative_in_layers else path.split('.')[0]}.relative"

    def layers(self, side: str) -> int:
        """How many layers the stack of that side has."""
        return {"encoder": self.encoder_layers, "decoder": self.decoder_layers}[side]


Shapes = dict[str, tuple[int, ...]]


def weight_shapes(config: Config) -> Shapes:
    """Every weight that `forward` reads, with its shape. A weight is named after the step it makes:
    `q` has `q.weight`.

    Projections are stored (in, out), so that x_LD @ weight is the equation of the paper. The table
    of `head.logits` is (V, D), because it is the embedding table itself where the two are tied.
    """
    shapes: Shapes = {}
    for side in config.sides:
        shapes |= embedding_shapes(config, side)
        for layer in range(config.layers(side)):
            for sublayer in (
                ("attn", "cross") if side == "decoder" and config.crosses else ("attn",)
            ):
                shapes |= attention_shapes(config, f"{side}.{layer}.{sublayer}")
            if config.relative and config.relative_in_layers:
                shapes |= relative_shapes(config, f"{side}.{layer}.attn")
            shapes |= feed_forward_shapes(config, f"{side}.{layer}.mlp")
        if config.final_norm:
            shapes |= norm(f"{side}.norm", config.d_model)
    return shapes | end_shapes(config)


def linear_shapes(name: str, n_in: int, n_out: int) -> Shapes:
    """A projection and its bias."""
    return {f"{name}.weight": (n_in, n_out), f"{name}.bias": (n_out,)}


def norm(name: str, width: int) -> Shapes:
    """What a norm stretches and shifts each dimension by."""
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}


def embedding_shapes(config: Config, side: str) -> Shapes:
    """The tables from which a side's first vectors are added up, and what projects the sum."""
    c, path, width = config, f"{side}.embed", config.embed_width
    shapes: Shapes = {f"{path}.token.weight": (c.n_vocab, width)}
    if c.positions in ("learned", "sinusoid"):
        shapes[f"{path}.position.weight"] = (c.n_positions or 0, width)
    if c.n_segments and side == "encoder":
        shapes[f"{path}.segment.weight"] = (c.n_segments, width)
    if c.relative and not c.relative_in_layers:
        shapes |= relative_shapes(c, side)
    if c.d_embed:
        shapes |= linear_shapes(f"{path}.out", width, c.d_model)
    return shapes | (norm(f"{path}.norm", width) if c.embed_norm else {})


def relative_shapes(config: Config, path: str) -> Shapes:
    """The table of biases, one for each bucket of distances and head."""
    return {f"{path}.relative.weight": (config.relative_buckets, config.n_heads)}


def attention_shapes(config: Config, path: str) -> Shapes:
    """The four projections of all heads side by side, and the norms."""
    c = config
    all_q, all_k = c.n_heads * c.d_head, c.n_kv_heads * c.d_head
    gains = {"head": (c.d_head, c.d_head), "all": (all_q, all_k)}.get(c.qk_norm or "", ())
    return {
        **{f"{path}.{x}.norm.weight": (width,) for x, width in zip("qk", gains, strict=False)},
        **linear_shapes(f"{path}.q", c.d_model, all_q),
        **linear_shapes(f"{path}.k", c.d_model, all_k),
        **linear_shapes(f"{path}.v", c.d_model, all_k),
        **linear_shapes(f"{path}.out", all_q, c.d_model),
        **sublayer_norms(config, path),
    }


def feed_forward_shapes(config: Config, path: str) -> Shapes:
    """Out to the neurons and back, a second way out where it is gated, and the norms."""
    c = config
    return {
        **linear_shapes(f"{path}.pre", c.d_model, c.d_mlp),
        **(linear_shapes(f"{path}.hidden.up", c.d_model, c.d_mlp) if c.gated else {}),
        **linear_shapes(f"{path}.out", c.d_mlp, c.d_model),
        **sublayer_norms(config, path),
    }


def sublayer_norms(config: Config, path: str) -> Shapes:
    """The norm of the stream, before a sublayer or after its sum, and that of its update."""
    there = config.norm_at != "update" and config.norm_of(f"{path}.norm") == config.norm
    return {
        **(norm(f"{path}.norm", config.d_model) if there else {}),
        **(norm(f"{path}.out.norm", config.d_model) if config.norms_update else {}),
    }


def end_shapes(config: Config) -> Shapes:
    """What stands on the last vectors: the pooler and the output head."""
    c, D, shapes = config, config.d_model, {}
    if c.pooler:
        shapes |= linear_shapes("pooler.pre", D, D)
    if c.pooler == "next":
        shapes |= linear_shapes("pooler.logits", D, 2)
    if c.task and c.task.hidden:
        shapes |= linear_shapes("task.pre", D, D)
    if c.task:
        shapes |= linear_shapes("task.logits", D, len(c.task.labels))
    if c.head == "transform" or c.head and c.d_embed:
        shapes |= linear_shapes("head.pre", D, c.embed_width)
    if c.head == "transform":
        shapes |= norm("head.norm", c.embed_width)
    if c.head:
        shapes["head.logits.weight"] = (c.n_vocab, c.embed_width)
        shapes["head.logits.bias"] = (c.n_vocab,)
    return shapes
