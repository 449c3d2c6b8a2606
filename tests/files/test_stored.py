"""Numbers, as they are written in a file, against the package of the format's makers."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
import pytest

from core.models.gguf import open_gguf
from core.models.stored import Stored
from core.models.weights import read_folder
from tests.helpers.model_files import golden, refusal, written


def stored(path: Path, kind: str, raw_RB: np.ndarray) -> Stored:
    """A GGUF file of one tensor of these bytes, read back."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_tensor("a", raw_RB, raw_dtype=gguf.GGMLQuantizationType[kind])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return open_gguf(path)[1]["a"]


@pytest.mark.parametrize(
    "kind", ("F32", "F16", "BF16", "Q4_0", "Q4_1", "Q8_0", "Q5_0", "Q4_K", "Q6_K", "IQ4_NL")
)
def test_numbers_are_what_the_gguf_package_makes_of_any_bytes(kind, tmp_path):
    block, size = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[kind]]
    raw_RB = np.random.default_rng(1).integers(0, 256, (37, 3 * size), np.uint8)
    with np.errstate(all="ignore"):
        ours = stored(tmp_path / "model.gguf", kind, raw_RB)
        theirs_RN = gguf.dequantize(raw_RB, gguf.GGMLQuantizationType[kind])
        assert ours.shape == theirs_RN.shape == (37, 3 * block) and ours.kind == kind
        np.testing.assert_array_equal(ours.numbers().astype(np.float32), theirs_RN)
        np.testing.assert_array_equal(
            ours.numbers(np.array([36, 0, 7])).astype(np.float32), theirs_RN[[36, 0, 7]]
        )
        np.testing.assert_array_equal(ours.numbers(slice(5, 9)).astype(np.float32), theirs_RN[5:9])


@pytest.mark.parametrize("dtype", (np.int64, np.uint64, np.int32, np.uint8, bool))
def test_whole_numbers_are_no_weights(dtype, tmp_path):
    model = golden("gpt2")
    tensors = model.tensors | {
        "transformer.wpe.weight": model.tensors["transformer.wpe.weight"].astype(dtype)
    }
    assert "“transformer.wpe.weight” is stored as" in refusal(
        read_folder, written("gpt2", tmp_path, tensors)
    )
