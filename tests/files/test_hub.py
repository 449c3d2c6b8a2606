"""Models of the Hub, fetched by its real client from a Hub on this machine."""

from __future__ import annotations

import threading
import time

import pytest
from huggingface_hub import constants, file_download

from core.errors import GlassError
from core.models import catalogue, download
from core.models.cache import cache, remembered
from core.models.catalogue import find
from core.models.download import StoppedError, fetch, look_up
from tests.helpers.small_hub import COMMITS, small_hub
from tests.helpers.tiny import golden

CONTENTS = {"config.json": b'{"model_type": "gpt2"}', "model.safetensors": bytes(30 << 20)}


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A Hub with one model, and an empty cache of our own."""
    monkeypatch.setenv("GLASSFORMER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "others"))
    with small_hub({"someone/small": dict(CONTENTS)}) as served:
        for module in (constants, file_download):
            template = served.address + "/{repo_id}/resolve/{revision}/{filename}"
            monkeypatch.setattr(module, "HUGGINGFACE_CO_URL_TEMPLATE", template, raising=False)
        monkeypatch.setattr(constants, "ENDPOINT", served.address)
        yield served


def halves() -> list:
    """What a download that broke off could leave behind."""
    return [*cache().rglob("*.incomplete"), *cache().glob(".fetch-*")]


def test_the_size_is_known_before_any_weights_are_fetched(hub):
    offer = look_up("someone/small")
    assert offer.size == sum(map(len, CONTENTS.values())) and offer.kind == "gpt2"
    assert offer.commit == COMMITS[0] and set(offer.sizes) == set(CONTENTS)
    assert ("GET", "model.safetensors") not in hub.asked and find("someone/small") is None


@pytest.mark.parametrize(
    "config, says",
    (
        (b'{"model_type": "mamba"}', "is of type “mamba”"),
        (b'{"model_type": "gpt2", "scale_attn_by_inverse_layer_idx": true}', "scale_attn_by"),
        (b"{", "damaged"),
    ),
)
def test_a_model_that_is_not_computed_is_refused_before_its_weights_are_fetched(config, says, hub):
    hub.versions["someone/small"][0]["config.json"] = config
    with pytest.raises(GlassError, match=says):
        look_up("someone/small")
    assert ("GET", "model.safetensors") not in hub.asked


def test_a_disk_without_room_is_said_before_the_download(hub, monkeypatch):
    monkeypatch.setattr(download.shutil, "disk_usage", lambda path: type("Disk", (), {"free": 5e6}))
    with pytest.raises(GlassError, match=r"takes 31 MB, and the disk of .* has 5 MB free"):
        look_up("someone/small")
    with pytest.raises(GlassError, match="5 MB free"):
        fetch("someone/small")


def test_a_download_that_is_cancelled_leaves_no_broken_file_and_can_be_begun_again(hub):
    hub.hold.set()
    begun = threading.Event()

    def progress(done: int, total: int, message: str) -> None:
        if ("GET", "model.safetensors") in hub.asked:
            begun.set()
            hub.hold.clear()  # the next bytes come, and with them the client sees that it is over
            raise StoppedError

    with pytest.raises(StoppedError):
        fetch("someone/small", progress)
    assert begun.is_set() and halves() == [] and find("someone/small") is None
    fetched = hub.asked.count(("GET", "config.json"))
    folder = fetch("someone/small")
    assert (folder / "model.safetensors").read_bytes() == CONTENTS["model.safetensors"]
    assert hub.asked.count(("GET", "config.json")) == fetched  # what was whole is not fetched again
    assert halves() == []


def test_a_branch_is_pinned_to_the_commit_of_the_first_fetch(hub):
    folder = fetch("someone/small")
    assert folder.name == COMMITS[0]
    assert remembered(catalogue.COMMITS) == {"someone/small@main": COMMITS[0]}
    hub.versions["someone/small"].append(CONTENTS | {"config.json": b"{}"})  # the branch moves on
    (folder / "model.safetensors").unlink()
    assert fetch("someone/small") == folder and look_up("someone/small").commit == COMMITS[0]


@pytest.mark.parametrize("name", CONTENTS)
def test_every_file_is_pinned_by_its_sha256_at_the_first_fetch(name, hub):
    folder = fetch("someone/small")
    assert len(remembered(catalogue.FIRST_SEEN)) == len(CONTENTS)
    data = bytearray(CONTENTS[name])
    data[-1] ^= 1
    path = (folder / name).resolve()
    path.write_bytes(data)
    assert find("someone/small") is None  # changed on the disk
    path.unlink()
    (folder / name).unlink()
    hub.versions["someone/small"][0][name] = bytes(data)  # and on the Hub, under the same commit
    with pytest.raises(GlassError, match=f"{name} of someone/small is not the expected file"):
        fetch("someone/small")
    assert find("someone/small") is None


def test_pip_ends_when_the_download_is_cancelled():
    stop, began = threading.Event(), time.monotonic()
    threading.Timer(0.3, stop.set).start()
    command = [download.sys.executable, "-c", "import time; time.sleep(60)"]
    with pytest.raises(StoppedError):
        download.run_until(command, dict(download.os.environ), stop)
    assert time.monotonic() - began < 30
    code, said = download.run_until(
        [download.sys.executable, "-c", "raise SystemExit('why')"],
        dict(download.os.environ),
        threading.Event(),
    )
    assert code == 1 and said.strip() == "why"


def test_a_model_from_the_hub_is_read(hub, tmp_path):
    folder = golden("gpt2").write(tmp_path / "gpt2")
    hub.versions["someone/small"] = [{each.name: each.read_bytes() for each in folder.iterdir()}]
    from core import load

    assert load("someone/small").config.family == "GPT-2"
