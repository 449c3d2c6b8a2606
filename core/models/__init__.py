"""Models: which there are, how they get here, and how their files are read.

    catalogue        which models there are, and which of them are on this machine
    download, cache  bring one here, checked; the folder where it is kept
    locks, pip_process
                     what two programs share there, and a pip that ends with its parent
    own              those that were chosen in the app
    removal          remove what was fetched or kept
    __main__         python -m core.models list, fetch, remove, tidy, check (core/cli/models.py)
    model            from a name, a folder or a GGUF file to a Model that makes traces

    weights          from files to a config and weights
    families/        one file a family: the keys of its config, the names of its tensors
    keys             what is done with each key: computed, without effect, refused by name
    study_config     the config of our own files
    assembly         from tensors to weights: found, checked, laid side by side
    prepared         weights that were converted once, kept for a quick start
    streaming        weights that stay in their file until they are asked for
    engines          who computes the layers: NumPy, or another program
    safetensors, gguf, stored, fields
                     the two kinds of weight files, tensors in them, JSON and its values

    any_tokenizer    the tokenizer of a model, of whichever kind its files hold
    tokenizer        text <-> token ids, with the `tokenizers` library
    auto_tokenizer   which tokenizer a folder's files describe
    gguf_tokenizer, gguf_cuts, sentencepiece_model
                     the other two kinds of vocabularies
    first_use, plain_rules, tokenizer_process
                     one from elsewhere is first used where it can do no harm
    chat_template, chat_process
                     a text as a message of a chat
    apart, apart_process
                     what may hang or swell, in a process of its own with limits
    generation_rules which tokens a decoder may write, and what ends its text
    head_links       what was measured about the heads of the study models
    over_time        a study model as it was during its training, and what was measured then

docs/models.md is the guide. Nothing is imported here: `python -m core.models` starts quickly.
"""
