"""Programs that are killed, and two at once: nothing is lost, left behind, or goes on alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.models import cache, own, pip_process

ROOT = Path(cache.__file__).parents[2]


@pytest.fixture(autouse=True)
def cache_of_ours(monkeypatch, tmp_path):
    monkeypatch.setenv("GLASSFORMER_CACHE", str(tmp_path / "cache"))


def started(code: str, *arguments: str, **more) -> subprocess.Popen:
    """Another program that runs this code, with the same cache."""
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, **more)


def first_line(process: subprocess.Popen) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


REMEMBERS = """
import sys
from core.models.cache import remember
from core.models.own import keep
for n in range(60):
    remember("found.json", f"{sys.argv[1]} {n}", n)
    if n < 8:
        keep(f"org/{sys.argv[1]}-{n}")
"""


def test_two_programs_that_remember_at_once_lose_nothing():
    programs = [started(REMEMBERS, name) for name in ("one", "other", "third")]
    assert [program.wait(timeout=300) for program in programs] == [0, 0, 0]
    assert len(cache.remembered("found.json")) == 180
    assert len(own.own()) == own.MOST == 20  # of 24 names the last ones
    assert {name.partition("-")[2] for name in own.own()} == set(map(str, range(8)))
    assert not list(cache.cache().glob(".fetch-*"))


def test_a_name_is_dropped_from_what_is_remembered_then():
    own.keep("org/a")
    own.keep("org/b")
    own.keep("org/a")
    assert own.own() == ("org/a", "org/b")
    own.drop("org/a")
    assert own.own() == ("org/b",)


WRITES = """
import time
from core.models.cache import scratch
with scratch() as folder:
    (folder / "part").write_bytes(bytes(1 << 20))
    print(folder, flush=True)
    time.sleep(600)
"""


def test_the_scratch_folder_of_a_killed_program_goes_and_that_of_a_living_one_stays():
    program, living = started(WRITES), started(WRITES)
    folder, other = Path(first_line(program)), Path(first_line(living))
    try:
        with cache.scratch() as ours:
            assert folder.exists() and other.exists()
            program.kill()
            program.wait()
            cache.remove_leftovers()
            assert not folder.exists() and other.exists() and ours.exists()
        names = {path.name for path in cache.cache().glob(".fetch-*")}
        assert names == {other.name, f"{other.name}.lock"}
    finally:
        living.kill()
        living.wait()
    cache.remove_leftovers()
    assert not list(cache.cache().glob(".fetch-*"))


# A stand-in for pip: it writes how far it is, for ever.
PIP = """
import sys, time
n = 0
while True:
    with open(sys.argv[1], "w") as file:
        file.write(str(n := n + 1))
    time.sleep(0.05)
"""
DOWNLOADS = """
import os, sys, threading
from core.models import download
print("begun", flush=True)
download.run_until(sys.argv[1:], dict(os.environ), threading.Event())
"""


def steps(file: Path) -> str:
    return file.read_text() if file.exists() else ""


def test_pip_ends_with_the_program_that_started_it(tmp_path):
    (tmp_path / "pip").mkdir()
    (tmp_path / "pip/__init__.py").touch()
    (tmp_path / "pip/__main__.py").write_text(PIP)
    file = tmp_path / "steps"
    command = [sys.executable, pip_process.__file__, str(file)]
    parent = started(DOWNLOADS, *command, env=os.environ | {"PYTHONPATH": str(tmp_path)})
    until = time.monotonic() + 120
    while not steps(file) and time.monotonic() < until:
        time.sleep(0.1)
    assert steps(file)
    parent.kill()
    parent.wait()
    before, now = "", steps(file)
    while before != now and time.monotonic() < until:  # until it stands still for a second
        before = now
        time.sleep(1)
        now = steps(file)
    assert before == now


def test_other_weights_of_the_same_size_and_time_have_another_stamp(tmp_path, monkeypatch):
    """Also where a system keeps no time of the last change: a sample of the bytes differs."""
    path = tmp_path / "weights"
    path.write_bytes(bytes(range(256)) * 4096)
    os.utime(path, ns=(0, 10**9))
    *known, sample = cache.stamp_of(path)
    with path.open("r+b") as file:
        file.write(bytes(range(255, -1, -1)) * 4096)
    os.utime(path, ns=(0, 10**9))
    size, inode, modified, *_, other = cache.stamp_of(path)
    assert [size, inode, modified] == known[:3] and other != sample


def test_a_stamp_reads_little_of_a_large_file(tmp_path):
    path = tmp_path / "weights"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    began = time.process_time()
    json.dumps(cache.stamp_of(path))
    assert time.process_time() - began < 1
