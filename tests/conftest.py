"""What several test files need: the tiny models of all families, read once, and the real ones,
fetched once.
"""

import os
from collections import Counter
from functools import cache, lru_cache

import numpy as np
import pytest
from streamlit import get_option
from streamlit.components.v2 import manifest_scanner

from core import load
from core.forward_pass import forward
from core.models.weights import read_folder
from tests.helpers.tiny import EVERY, FURTHER, TWINS, golden


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Of several workers, one drives the browser: it begins with that, and has the only server and
    Chromium. All other files go to whoever is free, each as a whole: its tests share models and
    runs; the shards of tests/hostile share nothing, so each goes by itself. (The group marks of
    pytest-xdist 3.8 are lost under pytest 9.2.)
    """
    from xdist.scheduler import LoadScopeScheduling

    scheduler = LoadScopeScheduling(config, log)
    scheduler._split_scope = scope_of
    return scheduler


def scope_of(nodeid: str) -> str:
    """What goes to one worker as a whole: all tests with the same answer."""
    if "tests/browser/" in nodeid:
        return "browser"
    return nodeid if "tests/hostile/" in nodeid else nodeid.partition("::")[0]


def pytest_configure():
    """One thread for each worker, in PyTorch as well where it is installed: its products are small
    here, and threads that wait for each other take most of the time."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    get_option("server.address")  # reads the settings now: later a test may stand elsewhere


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Of the cases of a test that is marked one_in(n), one in n is quick; the others are slow."""
    seen = Counter()
    for item in items:
        mark = item.get_closest_marker("one_in")
        if mark and not item.get_closest_marker("slow"):
            test = item.nodeid.partition("[")[0]
            if seen[test] % mark.args[0]:
                item.add_marker(pytest.mark.slow)
            seen[test] += 1


@pytest.fixture(scope="session", autouse=True)
def one_look_for_components():
    """Every AppTest looks for components in all installed packages, 0.3 s long; here, the first."""
    with pytest.MonkeyPatch.context() as patch:
        found = lru_cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", found)
        yield


@pytest.fixture(scope="session")
def tiny_trace(tmp_path_factory):
    """tiny_trace("llama", **options): the trace of a golden model on its golden input, in
    float64.
    """

    @cache
    def model(family):
        return read_folder(golden(family).write(tmp_path_factory.mktemp(family)), np.float64)

    return lambda family, **options: forward(*model(family), **golden(family).inputs | options)


FURTHER_TOO = [
    pytest.param(name, marks=[pytest.mark.slow] if name in (*TWINS, *FURTHER) else [])
    for name in EVERY
]


@pytest.fixture(params=FURTHER_TOO)
def family(request):
    """Each tiny model in turn; the shapes of their layers stand in test_layer_shapes as well."""
    return request.param


@pytest.fixture(scope="session")
def minilm():
    return load("minilm")


@pytest.fixture(scope="session")
def smollm2():
    return load("smollm2")
