"""What a transformer is, as data: the few axes on which the families differ.

A family is one Config, one rename table (`checkpoints.py`) and one golden file. The forward pass reads only what stands
here; `family` is a label for the reader and is never looked at by `model.py`.
"""
from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Config:
    family: str                     # "BERT", "GPT-2", "Llama", "T5", "Marian": a label, never a switch
    encoder_layers: int             # 0: there is no encoder
    decoder_layers: int             # 0: there is no decoder; both: the decoder looks across at the encoder
    d_model: int                    # D
    n_heads: int                    # H
    n_kv_heads: int                 # G: query heads share keys and values in groups of H / G
    d_head: int                     # K
    d_mlp: int                      # F
    n_vocab: int                    # V
    n_positions: int | None         # the longest sequence the model was made for; None: no table limits it
    positions: str                  # "learned", "sinusoid" (both a table), "rotary" (turns q and k), "relative" (a bias)
    norm: str                       # "layer" (mean and deviation) or "rms"
    norm_first: bool                # pre-norm: the norm stands before the sublayer; else after the residual sum
    norm_eps: float
    activation: str                 # "gelu", "gelu_tanh", "silu", "relu"
    gated: bool = False             # the feed-forward multiplies activation(x·W) by a second projection
    score_scale: float = 1.0        # what q·k is multiplied by: 1/√K, and 1 for T5
    embed_scale: float = 1.0        # what a token's embedding is multiplied by: √D for Marian
    head_scale: float = 1.0         # what the last vector is multiplied by before the logits: 1/√D for a tied T5
    n_segments: int = 0             # BERT's sentence A and sentence B
    embed_norm: bool = False        # a norm over the sum of the embeddings
    final_norm: bool = False        # a norm after the last layer
    head: str | None = None         # None (no logits), "linear", or "transform" (dense, activation, norm, linear)
    pooler: str | None = None       # None, "dense" (tanh over the first token) or "next" (that, and the next-sentence logits)
    rope_theta: float = 10000.0
    relative_buckets: int = 32
    relative_distance: int = 128    # beyond it all distances share the last bucket
    start_id: int | None = None     # the token a decoder begins with when it reads an encoder
    end_id: int | None = None       # the token that ends what it writes

    @property
    def sides(self) -> tuple[str, ...]:
        """The stacks there are, in the order they run: "encoder", "decoder" or both."""
        return tuple(side for side in ("encoder", "decoder") if self.layers(side))

    @property
    def crosses(self) -> bool:
        """Whether the decoder looks across at an encoder."""
        return bool(self.encoder_layers and self.decoder_layers)

    def layers(self, side: str) -> int:
        """How many layers the stack of that side has."""
        return {"encoder": self.encoder_layers, "decoder": self.decoder_layers}[side]


def weight_shapes(config: Config) -> dict[str, tuple[int, ...]]:
    """Every weight that `forward` reads, with its shape. A weight is named after the step it makes: `q` has `q.weight`.

    Projections are stored (in, out), so that x_LD @ weight is the equation of the paper. The table of `head.logits` is
    (V, D), because it is the embedding table itself where the two are tied.
    """
    c, D = config, config.d_model
    shapes: dict[str, tuple[int, ...]] = {}

    def linear(name: str, n_in: int, n_out: int) -> None:
        shapes[f"{name}.weight"], shapes[f"{name}.bias"] = (n_in, n_out), (n_out,)

    def norm(name: str) -> None:
        shapes[f"{name}.weight"], shapes[f"{name}.bias"] = (D,), (D,)

    for side in c.sides:
        shapes[f"{side}.embed.token.weight"] = (c.n_vocab, D)
        if c.positions in ("learned", "sinusoid"):
            shapes[f"{side}.embed.position.weight"] = (c.n_positions, D)
        if c.n_segments and side == "encoder":
            shapes[f"{side}.embed.segment.weight"] = (c.n_segments, D)
        if c.positions == "relative":
            shapes[f"{side}.relative.weight"] = (c.relative_buckets, c.n_heads)
        if c.embed_norm:
            norm(f"{side}.embed.norm")
        for layer in range(c.layers(side)):
            for sublayer in ("attn", "cross") if side == "decoder" and c.crosses else ("attn",):
                at = f"{side}.{layer}.{sublayer}"
                linear(f"{at}.q", D, c.n_heads * c.d_head)
                linear(f"{at}.k", D, c.n_kv_heads * c.d_head)
                linear(f"{at}.v", D, c.n_kv_heads * c.d_head)
                linear(f"{at}.out", c.n_heads * c.d_head, D)
                norm(f"{at}.norm")
            at = f"{side}.{layer}.mlp"
            linear(f"{at}.pre", D, c.d_mlp)
            if c.gated:
                linear(f"{at}.hidden.up", D, c.d_mlp)
            linear(f"{at}.out", c.d_mlp, D)
            norm(f"{at}.norm")
        if c.final_norm:
            norm(f"{side}.norm")
    if c.pooler:
        linear("pooler.pre", D, D)
    if c.pooler == "next":
        linear("pooler.logits", D, 2)
    if c.head == "transform":
        linear("head.pre", D, D)
        norm("head.norm")
    if c.head:
        shapes["head.logits.weight"], shapes["head.logits.bias"] = (c.n_vocab, D), (c.n_vocab,)
    return shapes
