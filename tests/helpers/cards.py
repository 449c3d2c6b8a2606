"""The cards of each page, as they stand in an address that has them open."""

CARDS = {
    "pages/7_Layers.py": (
        "layers-attends.layers-rollout.layers-path.layers-added.layers-roles.layers-links"
    ),
    "pages/8_Encoder_and_decoder.py": (
        "masks-draw.masks-tokens.masks-words.masks-padding.masks-trained"
    ),
    "pages/10_Output.py": (
        "output-vector.output-cut.output-line"
        ".output-sure.output-beams.output-reused"
        ".output-context.output-pair.output-mean.output-alike.output-search"
    ),
    "pages/17_How_it_learned.py": "learned-step.learned-teach.learned-training.learned-gradient",
    "pages/16_Laboratory.py": "lab-looks.lab-patch.lab-repeat",
    "pages/11_Before_attention.py": (
        "before-lost.before-lstm.before-reach.before-mean.before-neuron.before-layer"
    ),
    "pages/15_Why_this_word.py": (
        "why-lens.why-neurons.why-reads.why-look.why-trail.why-silent.why-gradients"
    ),
}
