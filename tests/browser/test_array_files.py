"""Numbers as files, written in the browser: NumPy and a reader of CSV have them to the last bit,
and no text becomes a formula of a spreadsheet.
"""

from __future__ import annotations

import base64
import csv
import io
import re
import zipfile

import numpy as np
import pytest

from tests.helpers.array_files import numbers_in, read_csv, read_npz, same
from tests.helpers.browser import modules
from tests.helpers.pages import HOSTILE

WRITE = """const { csvOf, npzOf } = await import("/array_files.js")
    const kinds = { f4: Float32Array, f8: Float64Array, i4: Int32Array, b1: Uint8Array }
    const arrays = given.arrays.map(({ kind, data, ...array }) => {
        const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0))
        return { ...array, values: new kinds[kind](bytes.buffer) }
    })
    const file = (given.npz ? npzOf : csvOf)(arrays, given.facts)
    const bytes = new Uint8Array(await file.arrayBuffer())
    return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""))"""
FORMULAS = ("=1+1", "+1", "-1+2", "@SUM(A1)", "\t=1", "\r=1", " =1", "'=1", "＝1", "\u200b=1")
HIDDEN = ("a;=1", 'a";=1', "a;\t=1", "a|=1", 'x","=1', 'x"\n=1', "x\r\n=1;@a")
FACTS = [["page", "heads"], ["title", "Attention"], ["model", "MiniLM"], ["sentence", "The books"]]
EDGES = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e-45, 3.4028235e38, 1.1754944e-38, 0.1, 16777216]


@pytest.fixture(scope="module")
def run(browser):
    with modules(browser) as run:
        yield run


def written(run, arrays: dict, npz: bool, facts=FACTS, labels=None) -> bytes:
    """What the browser writes of some arrays by name."""
    given = [
        {
            "name": name,
            "kind": array.dtype.str[1:],
            "data": base64.b64encode(array.tobytes()).decode(),
            "shape": list(array.shape),
            "axes": [
                {"title": f"axis {i}", "labels": labels or [f"{i}.{n}" for n in range(size)]}
                for i, size in enumerate(array.shape)
            ],
        }
        for name, array in arrays.items()
    ]
    return base64.b64decode(run(WRITE, {"arrays": given, "npz": npz, "facts": facts}))


def random_bits(*shape) -> np.ndarray:
    """Float32 numbers of random bits: small, large, and none."""
    rng = np.random.default_rng(11)
    bits = rng.integers(0, 1 << 32, shape, dtype=np.uint64).astype(np.uint32).view(np.float32)
    return np.where(np.isnan(bits), np.float32(np.nan), bits)


ARRAYS = {
    "edges": np.array(EDGES, "<f4"),
    "vectors": random_bits(7, 50),
    "heads": random_bits(3, 4, 5),
    "roles": random_bits(2, 3, 4, 5),
    "doubles": np.random.default_rng(2).normal(size=(6, 4)),
    "ids": np.array([[1, -5], [2**31 - 1, 0]], "<i4"),
}


def test_a_csv_file_reads_back_to_the_last_bit(run):
    facts, found = read_csv(written(run, ARRAYS, npz=False))
    assert facts["glassformer array"] == "1" and facts["sentence"] == "The books"
    assert list(found) == list(ARRAYS)
    for name, array in ARRAYS.items():
        header, down = found[name][0], max(1, array.ndim - 1)
        assert same(numbers_in(found[name], array), array), name
        assert header[:down] == [f"axis {i}" for i in range(down)]
        if array.ndim > 1:
            assert header[down:] == [f"{array.ndim - 1}.{n}" for n in range(array.shape[-1])]
    assert [row[:2] for row in found["heads"][1:6]] == [
        ["0.0", "1.0"],
        ["0.0", "1.1"],
        ["0.0", "1.2"],
        ["0.0", "1.3"],
        ["0.1", "1.0"],
    ]


def test_a_number_is_written_with_as_few_digits_as_tell_it(run):
    ask = """const { exact } = await import("/array_files.js")
        return given.map((x) => exact(Math.fround(x), true))"""
    numbers = [0.1, 1 / 3, 16777216.0, 2.5, 1e-8, -0.7]
    shown = run(ask, numbers)
    assert [float(each) for each in shown] == [float(str(np.float32(x))) for x in numbers]
    assert shown[0] == "0.1" and shown[1] == "0.33333334"


def test_numpy_reads_the_arrays_and_what_they_are(run):
    data = written(run, ARRAYS, npz=True)
    arrays, said = read_npz(data)
    assert list(arrays) == list(said["arrays"]) == list(ARRAYS)
    for name, array in ARRAYS.items():
        assert same(arrays[name], array), name
        assert said["arrays"][name]["shape"] == list(array.shape)
    assert (said["format"], said["version"]) == ("glassformer array", 1)
    assert said["model"] == "MiniLM" and said["sentence"] == "The books"
    axes = said["arrays"]["heads"]["axes"]
    assert axes[1] == {"title": "axis 1", "labels": ["1.0", "1.1", "1.2", "1.3"]}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None and archive.namelist()[0] == "array.json"


def test_the_same_numbers_give_the_same_bytes(run):
    for npz in (True, False):
        assert written(run, ARRAYS, npz) == written(run, ARRAYS, npz)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_no_text_becomes_a_formula_whatever_ends_a_cell(run, delimiter):
    labels = [*FORMULAS, *HIDDEN, *HOSTILE.values()]
    array = np.linspace(-1, 1, len(labels) ** 2, dtype="<f4").reshape(len(labels), -1)
    facts = [["sentence", each] for each in labels]
    data = written(run, dict.fromkeys(FORMULAS, array), False, facts, labels)
    for row in csv.reader(io.StringIO(data.decode("utf-8-sig")), delimiter=delimiter):
        for cell in row:
            bare = re.sub(r"^[\s\u200b\"]+", "", cell)
            dangerous = bare.startswith(("=", "+", "-", "@", "＝", "\t", "\r"))
            assert not dangerous or is_numbers(bare), cell


def is_numbers(text: str) -> bool:
    """Whether a cell holds numbers alone: with a delimiter that the file does not have, a whole
    row."""
    return re.fullmatch(r"[-\d.e,infa]+", text) is not None


def test_a_text_stays_on_one_line_and_none_is_lost(run):
    labels = [*FORMULAS, *HIDDEN, *HOSTILE.values()]
    data = written(run, {"a": np.zeros(len(labels), "<f4")}, False, FACTS, labels)
    _, found = read_csv(data)
    assert len(found["a"]) == len(labels) + 1
    shown = [row[0] for row in found["a"][1:]]
    assert shown[0] == "'=1+1" and shown[4] == "\\t=1" and shown[-1] == "a"
    assert all(re.search(r"[\x00-\x1f\u202e]", each) is None for each in shown)
    assert len(set(shown)) == len(labels)
