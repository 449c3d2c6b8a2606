"""The four study models in PyTorch, as the papers write them: for training, and as the measure of the NumPy forward pass.

Parameters have the names of `core.config.weight_shapes`. A batch has sentences of one length, so that nothing is padded
or masked but the future. B: the sentences of a batch; the other axes are those of core/. `put` sees every value under its
step's name and gives it back; where nobody listens (`silent`), the same is computed by fused operations.
"""
from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from core.config import Config
from core.ops import sinusoids
from core.recurrent import GATES, LstmConfig

LAYERS = {"study-encoder": (4, 0), "study-decoder": (0, 4), "study-translator": (4, 4)}
START, END = 2, 3
Put = Callable[[str, Tensor], Tensor]


def silent(name: str, value: Tensor) -> Tensor:
    """Nobody listens."""
    return value


def below(put: Put, at: str) -> Put:
    """The same listener, one level down in the names."""
    return silent if put is silent else lambda name, value: put(f"{at}.{name}", value)


def config_of(name: str, n_vocab: int, **changed) -> Config | LstmConfig:
    """The sizes of a study model: 100 dimensions, 5 heads of 20. changed: smaller ones, for tests."""
    if name == "study-lstm":
        return LstmConfig(**{"family": "LSTM", "n_vocab": n_vocab, "d_model": 100, "n_units": 100} | changed)
    encoder, decoder = LAYERS[name]
    size = {"d_model": 100, "n_heads": 5, "n_kv_heads": 5, "d_head": 20, "d_mlp": 400} | changed
    return Config(**dict(
        family="Study", encoder_layers=encoder, decoder_layers=decoder, n_vocab=n_vocab, n_positions=128, positions="sinusoid",
        norm="layer", norm_first=False, norm_eps=1e-5, activation="relu", head="linear", score_scale=size["d_head"] ** -0.5,
        embed_scale=size["d_model"] ** 0.5, start_id=START if encoder and decoder else None, end_id=END) | size)


class Projection(nn.Module):
    """x · W + b, with W as (in, out)."""

    def __init__(self, n_in: int, n_out: int):
        super().__init__()
        self.weight = nn.Parameter(nn.init.xavier_uniform_(torch.empty(n_in, n_out)))
        self.bias = nn.Parameter(torch.zeros(n_out))

    def forward(self, x):
        return side_by_side(x, self)[0]


def side_by_side(x, *projections: Projection) -> tuple[Tensor, ...]:
    """Several projections of the same vectors, as one product."""
    weight, bias = (torch.cat([getattr(each, kind) for each in projections], dim=-1) for kind in ("weight", "bias"))
    return F.linear(x, weight.T, bias).chunk(len(projections), dim=-1)


class Norm(nn.Module):
    """Layer norm (Ba et al. 2016)."""

    def __init__(self, width: int, eps: float):
        super().__init__()
        self.weight, self.bias, self.eps = nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width)), eps

    def forward(self, x_BLD, put: Put):
        if put is silent:
            return F.layer_norm(x_BLD, self.weight.shape, self.weight, self.bias, self.eps)
        mean_BL = put("mean", x_BLD.mean(-1))
        centred_BLD = put("centred", x_BLD - mean_BL[..., None])
        scale_BL = put("scale", (centred_BLD.square().mean(-1) + self.eps).sqrt())
        unit_BLD = put("unit", centred_BLD / scale_BL[..., None])
        return put("out", unit_BLD * self.weight + self.bias)


class Attention(nn.Module):
    """softmax(q·kᵀ / √K) · v in every head, and the sum with what came in, normed (Vaswani et al. 2017, sections 3.1, 3.2)."""

    def __init__(self, c: Config, dropout: float):
        super().__init__()
        self.q, self.k, self.v, self.out = (Projection(c.d_model, c.d_model) for _ in "qkvo")
        self.norm, self.n_heads, self.dropout = Norm(c.d_model, c.norm_eps), c.n_heads, nn.Dropout(dropout)

    def forward(self, x_BLD, memory_BMD, causal: bool, put: Put):
        put("in", x_BLD)
        if memory_BMD is None:
            q, k, v = side_by_side(x_BLD, self.q, self.k, self.v)
        else:
            q, (k, v) = self.q(x_BLD), side_by_side(memory_BMD, self.k, self.v)
        heads_BHLK = (each.unflatten(-1, (self.n_heads, -1)).transpose(1, 2) for each in (q, k, v))
        z_BHLK = mixed(*heads_BHLK, causal, put)
        out_BLD = put("out", self.out(z_BHLK.transpose(1, 2).flatten(2)))
        return self.norm(put("sum", x_BLD + self.dropout(out_BLD)), below(put, "norm"))


def mixed(q_BHLK, k_BHMK, v_BHMK, causal: bool, put: Put):
    """What each token takes from those it looks at, in every head. For sentences as short as ours, faster than PyTorch's own."""
    put("q", q_BHLK), put("k", k_BHMK), put("v", v_BHMK)
    scores_BHLM = put("scores.dot", q_BHLK @ k_BHMK.mT)
    scores_BHLM = put("scores.scaled", scores_BHLM / math.sqrt(q_BHLK.shape[-1]))
    seen_LM = torch.ones(scores_BHLM.shape[-2:], dtype=torch.bool)
    if causal:
        seen_LM = seen_LM.tril()
        scores_BHLM = scores_BHLM + torch.zeros(seen_LM.shape, dtype=scores_BHLM.dtype).masked_fill(~seen_LM, -math.inf)
    put("mask", seen_LM[None])
    pattern_BHLM = put("pattern", put("scores", scores_BHLM).softmax(-1))
    return put("z", pattern_BHLM @ v_BHMK)


class FeedForward(nn.Module):
    """W₂ · max(0, W₁x + b₁) + b₂ for each token alone, and the sum with what came in, normed (section 3.3)."""

    def __init__(self, c: Config, dropout: float):
        super().__init__()
        self.pre, self.out = Projection(c.d_model, c.d_mlp), Projection(c.d_mlp, c.d_model)
        self.norm, self.dropout = Norm(c.d_model, c.norm_eps), nn.Dropout(dropout)

    def forward(self, x_BLD, put: Put):
        hidden_BLF = put("hidden", put("pre", self.pre(put("in", x_BLD))).relu())
        out_BLD = put("out", self.out(hidden_BLF))
        return self.norm(put("sum", x_BLD + self.dropout(out_BLD)), below(put, "norm"))


class Layer(nn.Module):
    """Attention, attention across where there is an encoder to look at, feed-forward."""

    def __init__(self, c: Config, side: str, dropout: float):
        super().__init__()
        self.attn, self.causal = Attention(c, dropout), side == "decoder"
        self.cross = Attention(c, dropout) if side == "decoder" and c.crosses else None
        self.mlp = FeedForward(c, dropout)

    def forward(self, x_BLD, memory_BMD, put: Put):
        x_BLD = self.attn(x_BLD, None, self.causal, below(put, "attn"))
        if self.cross is not None:
            x_BLD = self.cross(x_BLD, memory_BMD, False, below(put, "cross"))
        return put("out", self.mlp(x_BLD, below(put, "mlp")))


class Transformer(nn.Module):
    """An encoder, a decoder, or both; one table of words for all (section 3.4)."""

    def __init__(self, config: Config, dropout: float = 0.0):
        super().__init__()
        self.config, self.dropout = config, nn.Dropout(dropout)
        for side in config.sides:
            setattr(self, side, nn.ModuleList(Layer(config, side, dropout) for _ in range(config.layers(side))))
        self.head = nn.ModuleDict({"logits": nn.Embedding(config.n_vocab, config.d_model)})
        nn.init.normal_(self.head["logits"].weight, std=config.d_model ** -0.5)
        self.positions_PD = torch.from_numpy(sinusoids(config.n_positions, config.d_model))

    def forward(self, *ids, put: Put = silent):
        """ids: (B, L) for each side. The last vectors, (B, L, D)."""
        x = None
        for side, ids_BL in zip(self.config.sides, ids, strict=True):
            x = self.stack(side, ids_BL, x, below(put, side))
        return x

    def stack(self, side: str, ids_BL, memory_BMD, put: Put):
        """Words and positions, then layer after layer."""
        at = below(put, "embed")
        words_BLD = at("token.unscaled", self.head["logits"](at("ids", ids_BL)))
        words_BLD = at("token", words_BLD * self.config.embed_scale)
        x_BLD = at("sum", words_BLD + at("position", self.positions_PD[None, :ids_BL.shape[1]].to(words_BLD.dtype)))
        x_BLD = self.dropout(at("out", x_BLD))
        for index, layer in enumerate(getattr(self, side)):
            x_BLD = layer(x_BLD, memory_BMD, below(put, str(index)))
        return put("out", x_BLD)

    def table(self) -> tuple[Tensor, Tensor | None]:
        """From vectors to logits: the table (V, D) and its bias, if it has one."""
        return self.head["logits"].weight, None


class Lstm(nn.Module):
    """Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000; the table of words stands at both ends."""

    def __init__(self, config: LstmConfig, dropout: float = 0.0):
        super().__init__()
        D, U, self.config, self.dropout = config.d_model, config.n_units, config, nn.Dropout(dropout)
        self.lstm = nn.ModuleDict({"embed": nn.Embedding(config.n_vocab, D)} | {gate: Projection(D, U) for gate in GATES})
        for gate in GATES:
            self.lstm[gate].recurrent = nn.Parameter(nn.init.orthogonal_(torch.empty(U, U)))
        nn.init.ones_(self.lstm["forget"].bias)         # open at first, so that the past is kept until there is a reason
        nn.init.normal_(self.lstm["embed"].weight, std=D ** -0.5)
        self.head = nn.ModuleDict({"logits": nn.ParameterDict({"bias": torch.zeros(config.n_vocab)})})

    def forward(self, ids_BL, put: Put = silent):
        """The states after each word, (B, L, U)."""
        at = below(put, "lstm")
        in_BLD = at("in", self.lstm["embed"](at("embed.ids", ids_BL)))
        state_BU = in_BLD.new_zeros(len(in_BLD), self.config.n_units)
        return self.dropout((self.fused if put is silent else self.recorded)(self.dropout(in_BLD), state_BU, at))

    def fused(self, in_BLD, state_BU, put: Put):
        """PyTorch's own LSTM, which wants the gates below each other and has a second bias."""
        weight_XD, recurrent_XU, bias_X = (torch.cat([getattr(self.lstm[gate], kind).mT for gate in GATES]) if kind != "bias" else
                                           torch.cat([self.lstm[gate].bias for gate in GATES]) for kind in ("weight", "recurrent", "bias"))
        start, weights = (state_BU[None],) * 2, (weight_XD, recurrent_XU, bias_X, torch.zeros_like(bias_X))
        return torch.lstm(in_BLD, start, weights, True, 1, 0.0, False, False, True)[0]

    def recorded(self, in_BLD, hidden_BU, put: Put):
        """Word by word, each value on its own."""
        cell_BU, words = hidden_BU, []
        for x_BD in in_BLD.unbind(1):
            word, open_to = {}, {}
            for gate in GATES:
                p = self.lstm[gate]
                word[f"{gate}.word"], word[f"{gate}.past"] = x_BD @ p.weight, hidden_BU @ p.recurrent
                pre_BU = word[f"{gate}.pre"] = word[f"{gate}.word"] + word[f"{gate}.past"] + p.bias
                open_to[gate] = pre_BU.tanh() if gate == "candidate" else pre_BU.sigmoid()
            cell_BU = open_to["forget"] * cell_BU + open_to["input"] * open_to["candidate"]
            hidden_BU = open_to["output"] * cell_BU.tanh()
            words.append(word | open_to | {"cell": cell_BU, "hidden": hidden_BU})
        steps = {name: put(name, torch.stack([word[name] for word in words], 1)) for name in words[0]}
        return steps["hidden"]

    def table(self) -> tuple[Tensor, Tensor | None]:
        """From states to logits: the table (V, D) and its bias."""
        return self.lstm["embed"].weight, self.head["logits"]["bias"]


def build(config: Config | LstmConfig, dropout: float = 0.0) -> Transformer | Lstm:
    """A model with weights drawn from PyTorch's seed."""
    return (Lstm if isinstance(config, LstmConfig) else Transformer)(config, dropout)


@torch.no_grad()
def record(model: Transformer | Lstm, *ids) -> dict[str, Tensor]:
    """Every step of one sentence (of two, for a translator), under the names of the core's trace."""
    steps: dict[str, Tensor] = {}

    def put(name: str, value: Tensor) -> Tensor:
        steps[name] = value[0]
        return value

    last_BLD = model.eval()(*(torch.tensor([each]) for each in ids), put=put)
    if isinstance(model, Transformer):
        put("head.in", last_BLD)
    put("head.probs", put("head.logits", F.linear(last_BLD, *model.table())).softmax(-1))
    return steps


def export(model: Transformer | Lstm, folder: Path) -> None:
    """Writes config.json and model.safetensors, as the app reads them: float16, each table once, no positions."""
    folder.mkdir(parents=True, exist_ok=True)
    c = model.config
    fields = ({"model_type": "glassformer"} | asdict(c) if isinstance(c, Config) else
              {"model_type": "glassformer-lstm", "n_vocab": c.n_vocab, "d_model": c.d_model, "n_units": c.n_units})
    (folder / "config.json").write_text(json.dumps(fields, indent=1) + "\n", encoding="utf-8")
    save_file({name: value.half().contiguous() for name, value in model.state_dict().items()}, folder / "model.safetensors")


def restore(folder: Path) -> Transformer | Lstm:
    """The model whose weights lie there."""
    fields = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    ours = fields.pop("model_type") == "glassformer"
    model = build(Config(**fields) if ours else LstmConfig("LSTM", **fields))
    model.load_state_dict(load_file(folder / "model.safetensors"))
    return model
