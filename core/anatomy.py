"""What each step is, in words and symbols: the title, the story of a sentence or two, and the
formula of one cell.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from core import gates
from core.operands import is_weight, kind_of


@dataclass(frozen=True)
class About:
    """What is said about a step."""

    title: str
    story: str
    latex: str


ABOUT = {
    "embed.ids": About(
        "Token id",
        "The number of the piece in the vocabulary; the tokenizer gives it.",
        r"\mathrm{id}_l",
    ),
    "embed.token.unscaled": About(
        "Row of the embedding table",
        "What the model knows of this piece before it has seen the sentence.",
        r"E_{\mathrm{id}_l,\,d}",
    ),
    "embed.token": About(
        "Token embedding",
        "The vector of this piece, the same wherever the piece stands.",
        r"x^{\mathrm{token}}_{l,d} = E_{\mathrm{id}_l,\,d}",
    ),
    "embed.position": About(
        "Position embedding",
        "The vector of the place in the sentence, the same for every word that stands there.",
        r"x^{\mathrm{pos}}_{l,d} = P_{l,d}",
    ),
    "embed.segment.ids": About("Segment", "0 for the first sentence, 1 for the second.", r"s_l"),
    "embed.segment": About(
        "Segment embedding",
        "Says which of two sentences a token belongs to.",
        r"x^{\mathrm{seg}}_{l,d} = S_{s_l,\,d}",
    ),
    "embed.sum": About(
        "Sum of the embeddings",
        "Word, place and segment are added into one vector.",
        r"x_{l,d} = x^{\mathrm{token}}_{l,d} + x^{\mathrm{pos}}_{l,d} + x^{\mathrm{seg}}_{l,d}",
    ),
    "embed.out": About(
        "Into the first layer", "The vector with which the token enters the layers.", r"x_{l,d}"
    ),
    "stack.relative": About(
        "Relative position bias",
        "A learned number for each head and distance, added to the score.",
        r"b_{h,l,m} = B_{\mathrm{bucket}(m-l),\,h}",
    ),
    "attn.in": About(
        "Into attention",
        "The token's vector as it reaches this attention: the residual stream.",
        r"x_{l,d}",
    ),
    "attn.q.unrotated": About(
        "Query before rotation",
        "What this token looks for, before its position is turned in.",
        r"q_{l,k} = \sum_d x_{l,d}\, W^Q_{d,k} + b^Q_k",
    ),
    "attn.k.unrotated": About(
        "Key before rotation",
        "What this token offers to be found by, before its position is turned in.",
        r"k_{m,k} = \sum_d x_{m,d}\, W^K_{d,k} + b^K_k",
    ),
    "attn.q": About(
        "Query",
        "What this token looks for in the others.",
        r"q_{l,k} = \sum_d x_{l,d}\, W^Q_{d,k} + b^Q_k",
    ),
    "attn.k": About(
        "Key", "What this token can be found by.", r"k_{m,k} = \sum_d x_{m,d}\, W^K_{d,k} + b^K_k"
    ),
    "attn.q/rotary": About(
        "Query, turned",
        "Each pair of numbers of the query is turned by an angle that grows with the position.",
        r"q'_{l,k} = q_{l,k}\cos(l\theta_k) \mp q_{l,k \pm K/2}\sin(l\theta_k)",
    ),
    "attn.k/rotary": About(
        "Key, turned",
        "Each pair of numbers of the key is turned by an angle that grows with the "
        "position: only the distance matters in q·k.",
        r"k'_{m,k} = k_{m,k}\cos(m\theta_k) \mp k_{m,k \pm K/2}\sin(m\theta_k)",
    ),
    "attn.v": About(
        "Value",
        "What this token gives to those that look at it.",
        r"v_{m,k} = \sum_d x_{m,d}\, W^V_{d,k} + b^V_k",
    ),
    "attn.scores.dot": About(
        "Dot product",
        "How well the query of one token fits the key of another.",
        r"q_l \cdot k_m = \sum_k q_{l,k}\, k_{m,k}",
    ),
    "attn.scores.scaled": About(
        "Scaled score",
        "Divided by √K, so that long vectors do not make softmax all or nothing.",
        r"s_{l,m} = \frac{q_l \cdot k_m}{\sqrt{K}}",
    ),
    "attn.scores.scaled/unscaled": About(
        "Score, not scaled",
        "This family learned weights that need no division by √K: the factor is 1.",
        r"s_{l,m} = 1 \cdot (q_l \cdot k_m)",
    ),
    "attn.scores.biased": About(
        "Score with position bias",
        "The learned number for this distance is added.",
        r"s_{l,m} + b_{h,l,m}",
    ),
    "attn.mask": About(
        "Mask",
        "1 where the token may look, 0 where it may not.",
        r"\mathrm{mask}_{l,m} \in \{0, 1\}",
    ),
    "attn.scores": About(
        "Masked score",
        "Where the mask blocks the view, the score becomes −∞ and softmax makes it 0.",
        r"\tilde s_{l,m} = s_{l,m}\ \text{if}\ \mathrm{mask}_{l,m}\ \text{else}\ -\infty",
    ),
    "attn.pattern": About(
        "Attention weight (softmax)",
        "The share of its attention that the token gives to another; a row sums to 1.",
        r"a_{l,m} = \frac{e^{\tilde s_{l,m} - \max}}{\sum_{m'} e^{\tilde s_{l,m'} - \max}}",
    ),
    "attn.pattern.exp": About(
        "Exponential of the score",
        "The numerator of softmax; the row's largest score is taken off "
        "first, which changes no ratio.",
        r"e^{\tilde s_{l,m} - \max_{m'} \tilde s_{l,m'}}",
    ),
    "attn.pattern.total": About(
        "Sum of the exponentials",
        "The denominator of softmax, one for each row.",
        r"\sum_m e^{\tilde s_{l,m} - \max}",
    ),
    "attn.z": About(
        "Weighted sum of values",
        "The values of all tokens, each taken as much as its weight says.",
        r"z_{l,k} = \sum_m a_{l,m}\, v_{m,k}",
    ),
    "attn.heads": About(
        "One head's own update",
        "What this head alone writes into the token's vector.",
        r"u^h_{l,d} = \sum_k z^h_{l,k}\, W^O_{h,k,d}",
    ),
    "attn.out": About(
        "Update by attention",
        "The heads' contributions added up: what attention adds to the token.",
        r"u_{l,d} = \sum_h u^h_{l,d} + b^O_d",
    ),
    "attn.sum": About(
        "Token plus update",
        "The residual connection: the token keeps what it was and gains the update.",
        r"x_{l,d} + u_{l,d}",
    ),
    "mlp.in": About(
        "Into the feed-forward network",
        "The token's vector as it reaches the feed-forward network.",
        r"x_{l,d}",
    ),
    "mlp.pre": About(
        "Neuron before activation",
        "How strongly the token's vector matches what this neuron looks for.",
        r"p_{l,f} = \sum_d x_{l,d}\, W^1_{d,f} + b^1_f",
    ),
    "mlp.hidden.gate": About(
        "Gate",
        "The activation of one projection; it opens or closes the other.",
        r"g_{l,f} = \mathrm{act}(p_{l,f})",
    ),
    "mlp.hidden.up": About(
        "Gated projection",
        "The second projection, which the gate lets through.",
        r"w_{l,f} = \sum_d x_{l,d}\, W^3_{d,f} + b^3_f",
    ),
    "mlp.hidden": About(
        "Neuron", "The neuron after its activation function.", r"n_{l,f} = \mathrm{act}(p_{l,f})"
    ),
    "mlp.hidden/gated": About(
        "Gated neuron", "Gate times projection.", r"n_{l,f} = g_{l,f} \cdot w_{l,f}"
    ),
    "mlp.out": About(
        "Update by the feed-forward network",
        "Every neuron writes its own direction, as strongly as it is active.",
        r"u_{l,d} = \sum_f n_{l,f}\, W^2_{f,d} + b^2_d",
    ),
    "mlp.sum": About(
        "Token plus update",
        "The residual connection around the feed-forward network.",
        r"x_{l,d} + u_{l,d}",
    ),
    "norm.mean": About(
        "Mean of the vector",
        "The average of the token's numbers.",
        r"\mu_l = \frac{1}{D}\sum_d x_{l,d}",
    ),
    "norm.centred": About(
        "Minus its mean", "The vector moved so that its numbers average 0.", r"x_{l,d} - \mu_l"
    ),
    "norm.scale": About(
        "Deviation",
        "How far the numbers spread around their mean.",
        r"\sigma_l = \sqrt{\tfrac{1}{D}\sum_d (x_{l,d}-\mu_l)^2 + \varepsilon}",
    ),
    "norm.scale/rms": About(
        "Root mean square",
        "How large the token's numbers are.",
        r"\sigma_l = \sqrt{\tfrac{1}{D}\sum_d x_{l,d}^2 + \varepsilon}",
    ),
    "norm.unit": About(
        "Normalised",
        "Divided by the scale: every token's vector now has the same size.",
        r"\hat x_{l,d} = \frac{x_{l,d} - \mu_l}{\sigma_l}",
    ),
    "norm.unit/rms": About(
        "Normalised",
        "Divided by the scale: every token's vector now has the same size.",
        r"\hat x_{l,d} = \frac{x_{l,d}}{\sigma_l}",
    ),
    "norm.out": About(
        "Out of the norm",
        "Each dimension stretched and shifted by learned numbers.",
        r"\hat x_{l,d}\, \gamma_d + \beta_d",
    ),
    "norm.out/none": About(
        "Norm left out", "In this what-if the vector passes the norm unchanged.", r"x_{l,d}"
    ),
    "norm.out/rms": About(
        "Out of the norm",
        "Each dimension stretched by a learned number.",
        r"\hat x_{l,d}\, \gamma_d",
    ),
    "layer.out": About(
        "Out of the layer", "The token's vector as it leaves this layer.", r"x_{l,d}"
    ),
    "layer.out.similarity": About(
        "Similarity with its first vector",
        "The cosine between the token's vector after this layer "
        "and the one it came in with: 1 the same direction, 0 nothing in common.",
        r"\frac{x_l \cdot x^0_l}{\|x_l\| \, \|x^0_l\|}",
    ),
    "layer.out.step": About(
        "Length of the step",
        "How far this layer moved the token, as a share of its vector's length before.",
        r"\frac{\|x_l - x^{\mathrm{before}}_l\|}{\|x^{\mathrm{before}}_l\|}",
    ),
    "stack.out": About(
        "Out of the stack",
        "The token's contextual vector: what the whole stack made of it.",
        r"x_{l,d}",
    ),
    "head.in": About(
        "Into the output head",
        "The vector that will be compared with every word of the vocabulary.",
        r"x_{r,d}",
    ),
    "head.pre": About(
        "Output transform",
        "One more dense layer before the words are compared.",
        r"\sum_{d'} x_{r,d'} W_{d',d} + b_d",
    ),
    "head.hidden": About(
        "Output transform, activated",
        "The activation function of that layer.",
        r"\mathrm{act}(p_{r,d})",
    ),
    "head.logits": About(
        "Logit",
        "How well the vector fits this word of the vocabulary.",
        r"\ell_{r,v} = \sum_d x_{r,d}\, E_{v,d} + b_v",
    ),
    "head.probs": About(
        "Probability",
        "Softmax over the whole vocabulary.",
        r"p_{r,v} = \frac{e^{\ell_{r,v}}}{\sum_{v'} e^{\ell_{r,v'}}}",
    ),
    "pooler.pre": About(
        "Sentence vector before tanh",
        "A dense layer on the first token.",
        r"\sum_{d'} x_{0,d'} W_{d',d} + b_d",
    ),
    "pooler.out": About(
        "Sentence vector", "The first token's vector after one more layer.", r"\tanh(p_d)"
    ),
    "pooler.logits": About(
        "Next-sentence score",
        "Whether sentence B follows sentence A (0: it does).",
        r"\sum_d y_d W_{d,c} + b_c",
    ),
}
ABOUT |= {
    "length": About(
        "Length of the vector",
        "How long the vector is: the root of the sum of its squared numbers.",
        r"\|x_l\| = \sqrt{\sum_d x_{l,d}^2}",
    ),
    "embed.token.similarity": About(
        "Similarity of two tokens",
        "The cosine between their rows of the embedding table, before "
        "the model has read anything: 1 the same direction, 0 nothing in common.",
        r"\frac{x_l \cdot x_m}{\|x_l\| \, \|x_m\|}",
    ),
    "embed.position.similarity": About(
        "Similarity of two places",
        "The cosine between the vectors of two positions.",
        r"\frac{P_l \cdot P_m}{\|P_l\| \, \|P_m\|}",
    ),
    "embed.near": About(
        "Similarity with a word of the vocabulary",
        "The cosine between two rows of the embedding table.",
        r"\frac{E_{\mathrm{id}} \cdot E_v}{\|E_{\mathrm{id}}\| \, \|E_v\|}",
    ),
    "embed.arithmetic": About(
        "Similarity with a − b + c",
        "The cosine between the sum of three rows of the embedding table and the row of a word.",
        r"\frac{(E_{\mathrm{a}} - E_{\mathrm{b}} + E_{\mathrm{c}}) \cdot E_v}"
        r"{\|E_{\mathrm{a}} - E_{\mathrm{b}} + E_{\mathrm{c}}\| \, \|E_v\|}",
    ),
    "embed.sinusoid": About(
        "Sine wave of the place",
        "Each dimension is a wave along the sentence, the next one a little slower: sines in the"
        " first half of the vector, cosines in the second. l is also the token’s place.",
        r"\begin{gathered} P_{l,d} = \begin{cases} \sin(l\, \omega_d) & d < D/2 \\ "
        r"\cos(l\, \omega_{d - D/2}) & d \ge D/2 \end{cases} \\ \omega_d = 10000^{-2d/D}"
        r" \end{gathered}",
    ),
    "attn.scores.terms": About(
        "One product of the score",
        "What one dimension of the head gives to the score of this pair.",
        r"q_{l,k}\, k_{m,k}",
    ),
    "attn.scores.pairs": About(
        "One turning pair’s part of the score",
        "What the two dimensions that turn together give to the score of this pair.",
        r"q_{l,k}\, k_{m,k} + q_{l,k + K/2}\, k_{m,k + K/2}",
    ),
    "attn.scores.falls": About(
        "Score at another distance",
        "The same query and key, as if the query’s token stood so many places behind the other.",
        r"q_l \cdot R_{-s}\, k_m",
    ),
    "attn.pattern.heat": About(
        "Attention weight at another temperature",
        "The scores divided by the temperature before softmax: below 1 sharper, above 1 more even.",
        r"\frac{e^{\tilde s_{l,m} / T}}{\sum_{m'} e^{\tilde s_{l,m'} / T}}",
    ),
    "attn.pattern.unscaled": About(
        "Attention weight without ÷ √K",
        "Softmax of the dot products as they are.",
        r"\frac{e^{\tilde s_{l,m} \sqrt{K}}}{\sum_{m'} e^{\tilde s_{l,m'} \sqrt{K}}}",
    ),
    "attn.pattern.others": About(
        "Attention weight, itself left out",
        "What the token gives to another, as a share of what it gives to all others.",
        r"\frac{a_{l,m}}{\sum_{m' \ne l} a_{l,m'}}",
    ),
    "attn.pattern.mean": About(
        "Attention weight, mean of the heads",
        "The weights of all heads of this layer, averaged.",
        r"\frac{1}{H}\sum_h a_{h,l,m}",
    ),
    "stack.cross.pattern.mean": About(
        "Attention weight, mean of all layers",
        "The weights of cross-attention of all heads in all layers, averaged.",
        r"\frac{1}{n}\sum \bar a_{l,m}",
    ),
    "attn.pattern.entropy": About(
        "Breadth",
        "How evenly the token looks at all it may see: 0 at one token alone, 1 at all alike.",
        r"-\frac{1}{\ln n}\sum_m a_{l,m} \ln a_{l,m}",
    ),
    "attn.pattern.roles": About(
        "What a head does here",
        "How much of its attention it gives to such a token, averaged over the "
        "tokens that have one.",
        r"\frac{1}{n}\sum_{l,m} a_{h,l,m}",
    ),
    "attn.pattern.words": About(
        "Attention between words",
        "Summed over the pieces that are looked at, averaged over those that look; "
        "without signs such as [CLS] each row is shared out anew.",
        r"\sum_m a_{l,m}",
    ),
    "attn.heads.sum": About(
        "The heads added up",
        "Every head’s own update and the bias: together the update by attention.",
        r"\sum_h u^h_{l,d} + b^O_d",
    ),
    "attn.heads.share": About(
        "A head’s share of the update",
        "How much of the update’s length this head makes; below 0 it works "
        "against the others. With the bias’s they add up to 1.",
        r"\frac{u^h_l \cdot u_l}{\|u_l\|^2}",
    ),
    **{
        f"{sublayer}.out.relative": About(
            "Length of the update, relative",
            "How long the update is, as a share of the length of the vector it is added to.",
            r"\frac{\|u_l\|}{\|x_l\|}",
        )
        for sublayer in ("attn", "mlp")
    },
    "mlp.pre.terms": About(
        "One weighted input of a neuron",
        "What one number of the token’s vector gives to this neuron.",
        r"x_{l,d}\, W^1_{d,f}",
    ),
    "mlp.hidden.reach": About(
        "Reach of a neuron",
        "How long a vector this neuron writes into the stream.",
        r"|n_{l,f}| \, \|W^2_f\|",
    ),
    "mlp.writes": About(
        "What one neuron writes",
        "The neuron’s own direction, as long as it is active.",
        r"n_{l,f}\, W^2_{f,d}",
    ),
    "mlp.promotes": About(
        "What one neuron does to a word",
        "What the neuron’s writing adds to this word’s logit, straight through the "
        "stream; the last norm’s scale is held.",
        r"\sum_d \mathrm{norm}(n_{l,f} W^2_f)_d\, E_{v,d}",
    ),
    "mlp.alone": About(
        "Update, computed for this token alone",
        "The feed-forward network run with no other token there.",
        r"\sum_f n_{l,f}\, W^2_{f,d} + b^2_d",
    ),
    "layer.out.turned": About(
        "Similarity with the layer before",
        "The cosine between the token’s vector after this layer and before it.",
        r"\frac{x_l \cdot x^{\mathrm{before}}_l}{\|x_l\| \, \|x^{\mathrm{before}}_l\|}",
    ),
    "layer.rollout": About(
        "Rollout",
        "How much of a token’s first vector has come to another after this layer, if attention only"
        " mixes vectors, and half of each stays where it is.",
        r"R_{l,m} = \frac{1}{2}\Bigl(\sum_{m'} \bar a_{l,m'} "
        r"R^{\mathrm{before}}_{m',m} + R^{\mathrm{before}}_{l,m}\Bigr)",
    ),
    "stack.out.pooled": About(
        "Sentence vector (mean)",
        "The last vectors of all tokens, averaged.",
        r"\frac{1}{L}\sum_l x_{l,d}",
    ),
    "head.tempered": About(
        "Probability at a temperature",
        "Softmax of the logits divided by the temperature, over the whole vocabulary.",
        r"\frac{e^{\ell_{r,v} / T}}{\sum_{v'} e^{\ell_{r,v'} / T}}",
    ),
    "head.sampled": About(
        "Probability in the draw",
        "What is left of it when the unlikely words are cut away and the rest is shared out anew.",
        r"\frac{p_v}{\sum_{v'\,\mathrm{kept}} p_{v'}}\ \text{or}\ 0",
    ),
}
ABOUT |= {
    "head.written": About(
        "Log probability of the next word",
        "The natural logarithm of the probability that the model gives to the word which follows in"
        " the text: 0 if it is sure of it, the further below 0 the less it expects it.",
        r"\ln p_{r,v} = \ell_{r,v} - \ln \sum_{v'} e^{\ell_{r,v'}}",
    ),
    "head.written.sum": About(
        "Log probability up to here",
        "The log probabilities of all words up to here, added up: e to the power "
        "of it is the probability of them all in a row.",
        r"\sum_{r' \le r} \ln p_{r'}",
    ),
}
ABOUT |= {name: About(*words) for name, words in gates.WORDS.items()}
INDICES = {
    "l": "the token",
    "m": "a token that is looked at",
    "k": "dimension of the head",
    "d": "dimension of the vector",
    "h": "head",
    "f": "neuron",
    "v": "word of the vocabulary",
    "r": "the token",
    "u": "unit",
}
LETTERS = {
    "x": "the token's vector",
    "W": "learned weights",
    "b": "learned bias",
    "E": "table of the vocabulary",
    "P": "table of the positions",
    "K": "width of the head",
    "D": "width of the vector",
    r"\gamma": "learned gain",
    r"\beta": "learned shift",
    r"\mu": "mean",
    r"\sigma": "scale",
    r"\theta": "angle",
    r"\omega": "how fast the wave is",
    "T": "temperature",
    r"\varepsilon": "a tiny number, against division by 0",
    "U": "learned weights for the state before",
    "h": "hidden state",
    "c": "cell",
}
WEIGHT = About(
    "A learned number",
    "It stands in the model file; training found it, and no sentence changes it.",
    r"\theta",
)


def about(trace, name: str) -> About:
    """Title, story and formula of a step, in the variant that fits the trace's model."""
    if is_weight(trace, name):
        return WEIGHT
    leaf, c = kind_of(name), trace.config
    if "lstm" in c.sides:
        return ABOUT.get(f"{leaf}/lstm", ABOUT[leaf])
    variant = {
        "attn.q": "rotary" if c.positions == "rotary" else "",
        "attn.k": "rotary" if c.positions == "rotary" else "",
        "attn.scores.scaled": "unscaled" if c.score_scale == 1 else "",
        "mlp.hidden": "gated" if c.gated else "",
    }
    key = f"{leaf}/{variant.get(leaf) or (c.norm if leaf.startswith('norm.') else '')}"
    return ABOUT.get(key, ABOUT[leaf])


def letters_in(latex: str) -> dict[str, str]:
    """What the letters of a formula stand for, those below the line last."""
    bare = re.sub(r"\\(mathrm|text)\{[^}]*\}", " ", latex)
    below = re.sub(r"\\[a-z]+", " ", " ".join(re.findall(r"_(\{[^}]*\}|[a-z])", bare)))
    above = re.sub(r"[_^](\{[^}]*\}|[A-Za-z])", " ", bare)
    found = [
        (letter, LETTERS)
        for letter in re.findall(r"\\[a-z]+|[A-Za-z]", above) + re.findall(r"[A-Z]", below)
    ]
    found += [(letter, INDICES) for letter in re.findall(r"[a-z]", below)]
    return {letter: words[letter] for letter, words in found if letter in words}


AXES = {
    "L": "token that looks",
    "M": "token that is looked at",
    "D": "dimension",
    "H": "head",
    "G": "key/value head",
    "K": "dimension of the head",
    "F": "neuron",
    "V": "word of the vocabulary",
    "R": "token",
    "C": "class",
    "P": "turning pair",
    "S": "places apart",
    "O": "what it looks at",
    "I": "word that looks",
    "J": "word that is looked at",
    "U": "unit",
}


def axis_words(letter: str) -> str:
    """An axis letter in words."""
    return AXES[letter]
