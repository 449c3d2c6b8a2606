"""The four study models in PyTorch, for training, and as the measure of the NumPy forward pass.

Parameters have the names of `core.config.weight_shapes` and `core.lstm.weight_shapes`, steps
those of the core's trace.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from core.config import Config
from core.lstm import GATES, LstmConfig
from core.ops import sinusoids
from training.layers import Layer, Projection, Put, below, silent
from training.vocabulary import END, START

LAYERS = {"study-encoder": (4, 0), "study-decoder": (0, 4), "study-translator": (4, 4)}


def config_of(name: str, n_vocab: int, **changed) -> Config | LstmConfig:
    """The sizes of a study model: 100 dimensions, 5 heads of 20. changed: smaller ones, for
    tests.
    """
    if name == "study-lstm":
        return LstmConfig(
            **{"family": "LSTM", "n_vocab": n_vocab, "d_model": 100, "n_units": 100} | changed
        )
    encoder, decoder = LAYERS[name]
    size = {"d_model": 100, "n_heads": 5, "n_kv_heads": 5, "d_head": 20, "d_mlp": 400} | changed
    return Config(
        family="Study",
        encoder_layers=encoder,
        decoder_layers=decoder,
        n_vocab=n_vocab,
        n_positions=128,
        positions="sinusoid",
        norm="layer",
        norm_at="after",
        norm_eps=1e-5,
        activation="relu",
        head="linear",
        score_scale=size["d_head"] ** -0.5,
        embed_scale=size["d_model"] ** 0.5,
        start_id=START if encoder and decoder else None,
        end_id=END,
        **size,
    )


class Transformer(nn.Module):
    """An encoder, a decoder, or both; one table of words for all (section 3.4)."""

    def __init__(self, config: Config, dropout: float = 0.0):
        super().__init__()
        self.config, self.dropout = config, nn.Dropout(dropout)
        for side in config.sides:
            setattr(
                self,
                side,
                nn.ModuleList(Layer(config, side, dropout) for _ in range(config.layers(side))),
            )
        self.head = nn.ModuleDict({"logits": nn.Embedding(config.n_vocab, config.d_model)})
        nn.init.normal_(self.head["logits"].weight, std=config.d_model**-0.5)
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
        x_BLD = at(
            "sum",
            words_BLD
            + at("position", self.positions_PD[None, : ids_BL.shape[1]].to(words_BLD.dtype)),
        )
        x_BLD = self.dropout(at("out", x_BLD))
        for index, layer in enumerate(getattr(self, side)):
            x_BLD = layer(x_BLD, memory_BMD, below(put, str(index)))
        return put("out", x_BLD)

    def table(self) -> tuple[Tensor, Tensor | None]:
        """From vectors to logits: the table (V, D) and its bias, if it has one."""
        return self.head["logits"].weight, None


class Lstm(nn.Module):
    """Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000; the table of words
    stands at both ends.
    """

    def __init__(self, config: LstmConfig, dropout: float = 0.0):
        super().__init__()
        D, U, self.config, self.dropout = (
            config.d_model,
            config.n_units,
            config,
            nn.Dropout(dropout),
        )
        self.lstm = nn.ModuleDict(
            {"embed": nn.Embedding(config.n_vocab, D)} | {gate: Projection(D, U) for gate in GATES}
        )
        for gate in GATES:
            self.lstm[gate].recurrent = nn.Parameter(nn.init.orthogonal_(torch.empty(U, U)))
        nn.init.ones_(
            self.lstm["forget"].bias
        )  # open at first, so that the past is kept until there is a reason
        nn.init.normal_(self.lstm["embed"].weight, std=D**-0.5)
        self.head = nn.ModuleDict(
            {"logits": nn.ParameterDict({"bias": torch.zeros(config.n_vocab)})}
        )

    def forward(self, ids_BL, put: Put = silent):
        """The states after each word, (B, L, U)."""
        at = below(put, "lstm")
        in_BLD = at("in", self.lstm["embed"](at("embed.ids", ids_BL)))
        state_BU = in_BLD.new_zeros(len(in_BLD), self.config.n_units)
        return self.dropout(
            (self.fused if put is silent else self.recorded)(self.dropout(in_BLD), state_BU, at)
        )

    def fused(self, in_BLD, state_BU, put: Put):
        """PyTorch's own LSTM, which wants the gates as (out, in), one below the other, and has a
        second bias.
        """
        weight, recurrent, bias = (
            torch.cat([getattr(self.lstm[gate], kind) for gate in GATES], dim=-1)
            for kind in ("weight", "recurrent", "bias")
        )
        weights = (weight.T.contiguous(), recurrent.T.contiguous(), bias, torch.zeros_like(bias))
        return torch.lstm(
            in_BLD, (state_BU[None], state_BU[None]), weights, True, 1, 0.0, False, False, True
        )[0]

    def recorded(self, in_BLD, hidden_BU, put: Put):
        """Word by word, each value on its own."""
        cell_BU, words = hidden_BU, []
        for x_BD in in_BLD.unbind(1):
            word, open_to = {}, {}
            for gate in GATES:
                p = self.lstm[gate]
                word[f"{gate}.word"], word[f"{gate}.past"] = (
                    x_BD @ p.weight,
                    hidden_BU @ p.recurrent,
                )
                pre_BU = word[f"{gate}.pre"] = word[f"{gate}.word"] + word[f"{gate}.past"] + p.bias
                open_to[gate] = pre_BU.tanh() if gate == "candidate" else pre_BU.sigmoid()
            cell_BU = open_to["forget"] * cell_BU + open_to["input"] * open_to["candidate"]
            hidden_BU = open_to["output"] * cell_BU.tanh()
            words.append(word | open_to | {"cell": cell_BU, "hidden": hidden_BU})
        steps = {
            name: put(name, torch.stack([word[name] for word in words], 1)) for name in words[0]
        }
        return steps["hidden"]

    def table(self) -> tuple[Tensor, Tensor | None]:
        """From states to logits: the table (V, D) and its bias."""
        return self.lstm["embed"].weight, self.head["logits"]["bias"]


def build_network(config: Config | LstmConfig, dropout: float = 0.0) -> Transformer | Lstm:
    """A model with weights drawn from PyTorch's seed."""
    return (Lstm if isinstance(config, LstmConfig) else Transformer)(config, dropout)


@torch.no_grad()
def record(model: Transformer | Lstm, *ids) -> dict[str, Tensor]:
    """Every step of one sentence (of two, for a translator), under the names of the core's
    trace.
    """
    steps: dict[str, Tensor] = {}

    def put(name: str, value: Tensor) -> Tensor:
        steps[name] = value[0]
        return value

    last_BLD = model.eval()(*(torch.tensor([each]) for each in ids), put=put)
    if isinstance(model, Transformer):
        put("head.in", last_BLD)
    put("head.probs", put("head.logits", functional.linear(last_BLD, *model.table())).softmax(-1))
    return steps


def export(model: Transformer | Lstm, folder: Path) -> None:
    """Writes config.json and model.safetensors, as the app reads them: float16, each table once, no
    positions.
    """
    folder.mkdir(parents=True, exist_ok=True)
    c = model.config
    fields = (
        {"model_type": "glassformer"} | asdict(c)
        if isinstance(c, Config)
        else {
            "model_type": "glassformer-lstm",
            "n_vocab": c.n_vocab,
            "d_model": c.d_model,
            "n_units": c.n_units,
        }
    )
    (folder / "config.json").write_text(json.dumps(fields, indent=1) + "\n", encoding="utf-8")
    write_weights(model, folder / "model.safetensors")


def write_weights(model: Transformer | Lstm, file: Path) -> None:
    """Writes the weights as float16."""
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: value.half().contiguous() for name, value in model.state_dict().items()}, file)
    file.chmod(0o644)  # the library lets only the owner read it
