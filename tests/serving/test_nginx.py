"""The app behind nginx: what is sent along, what is refused, what stands in the logs, and what a
reader notices of a process that is killed.
"""

from __future__ import annotations

import gzip
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest

from deploy.nginx import Proxy, configuration, policy
from deploy.serve import NGINX, free_ports
from tests.helpers.browser import CHROMIUM, ROOT, Tab, chromium, watch
from tests.helpers.visitor import Visitor
from ui.session.navigation import PAGES

WORD = "zanzibar"  # of a sentence; it must not stand in a log
SENTENCE = f"the books that the {WORD} student recommended"
STEP_BACK = ".st-key-place .stepper[aria-label=Head] .less"
needs_nginx = pytest.mark.skipif(
    NGINX is None, reason="there is no nginx on this machine (apt install nginx)"
)


@dataclass
class Served:
    """A running `make serve`: its address, the log of the requests, and what it says."""

    address: str
    log: Path
    said: Path
    process: subprocess.Popen | None

    def get(self, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
        """A request as a program sends it: status, headers by small letters, body."""
        return self.send("GET", path, None, headers)

    def send(self, method: str, path: str, body, headers) -> tuple[int, dict[str, str], bytes]:
        line = HTTPConnection(urlsplit(self.address).netloc, timeout=60)
        try:
            with suppress(BrokenPipeError):  # it may refuse before it has read all
                line.request(method, path, body, headers)
            answer = line.getresponse()
            given = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, given, answer.read()
        finally:
            line.close()

    @property
    def pids(self) -> dict[int, int]:
        """The processes of the app by their ports, as they were said last."""
        found = re.findall(r"is pid (\d+) on port (\d+)", self.said.read_text())
        return {int(port): int(pid) for pid, port in found}

    def port_of(self, reader: str) -> int:
        """The port of the process that a reader's cookie leads to."""
        mark = f"/static/none-{time.monotonic_ns()}"
        self.get(mark, Cookie=f"glassformer={reader}")
        until = time.monotonic() + 20
        while time.monotonic() < until:
            if found := re.search(rf"{mark} .*127\.0\.0\.1:(\d+)", self.log.read_text()):
                return int(found[1])
            time.sleep(0.05)
        raise AssertionError("The request did not reach the log.")


@contextmanager
def serve(folder: Path) -> Iterator[Served]:
    """`make serve` on a free port, until the end."""
    (port,) = free_ports(1)
    log, said = folder / "requests", folder / "said"
    command = [sys.executable, "-m", "deploy.serve", "--port", str(port), "--log", str(log)]
    with said.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT)
    served = Served(f"http://127.0.0.1:{port}", log, said, process)
    try:
        wait_until(lambda: is_healthy(served), 120)
        yield served
    finally:
        process.terminate()
        process.wait(30)


def is_healthy(served: Served) -> bool:
    assert served.process.poll() is None, served.said.read_text()
    try:
        return served.get("/healthz")[0] == 200
    except OSError:
        return False


def wait_until(true, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "It did not happen in time."
        time.sleep(0.1)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    if NGINX is None:
        pytest.skip("there is no nginx on this machine (apt install nginx)")
    with serve(tmp_path_factory.mktemp("serve")) as served:
        yield served


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine (apt install chromium)")
    with chromium() as browser:
        yield browser


# --- the configuration ----------------------------------------------------------------------------


@needs_nginx
@pytest.mark.parametrize("behind", [(), ("10.0.0.0/8", "192.168.0.0/16")])
def test_nginx_accepts_the_configuration(behind, tmp_path):
    file = tmp_path / "nginx.conf"
    apps = ("127.0.0.1:8601", "127.0.0.1:8602", "127.0.0.1:8603")
    file.write_text(configuration(Proxy(tmp_path, apps, behind=behind, log=str(tmp_path / "log"))))
    command = [NGINX, "-t", "-e", "stderr", "-p", str(tmp_path), "-c", str(file)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert all(f"server {app} max_fails" in file.read_text() for app in apps)
    assert ("real_ip_header" in file.read_text()) == bool(behind)


@pytest.mark.parametrize("word", ["x; }", "127.0.0.1:80;\nuser root", "a b", '"'])
def test_no_word_can_end_a_line_of_the_configuration(word, tmp_path):
    for field in ("listen", "log", "certificate", "key"):
        with pytest.raises(ValueError, match="nginx"):
            configuration(Proxy(tmp_path, ("127.0.0.1:1",), **{field: word}))
    for field in ("apps", "behind"):
        with pytest.raises(ValueError, match="nginx"):
            configuration(Proxy(tmp_path, **({"apps": ()} | {field: (word,)})))


def test_the_policy_lets_no_other_script_run():
    rules = dict(rule.split(" ", 1) for rule in policy().split("; "))
    assert rules["default-src"] == rules["frame-ancestors"] == rules["base-uri"] == "'none'"
    assert "unsafe" not in rules["script-src"] and "'sha256-" in rules["script-src"]
    assert not re.search(r"https?:|\*", policy())


class Slow(BaseHTTPRequestHandler):
    """Stands for the app: takes its time over /slow, and answers the rest at once."""

    def do_GET(self) -> None:
        time.sleep(3 if self.path == "/slow" else 0)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_) -> None:
        pass


@pytest.fixture
def limited(tmp_path):
    """limited(pages=1): nginx with these limits, and the log of its requests; behind it no app."""
    started, app = [], ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    threading.Thread(target=app.serve_forever, daemon=True).start()

    def begin(**limits: int) -> Served:
        (port,) = free_ports(1)
        served = Served(f"http://127.0.0.1:{port}", tmp_path / "log", tmp_path / "said", None)
        told = {"listen": f"127.0.0.1:{port}", "log": str(served.log)} | limits
        file = tmp_path / "nginx.conf"
        file.write_text(configuration(Proxy(tmp_path, (f"127.0.0.1:{app.server_port}",), **told)))
        command = [NGINX, "-e", "stderr", "-p", str(tmp_path), "-c", str(file)]
        with served.said.open("wb") as said:
            started.append(subprocess.Popen(command, stderr=said))
        wait_until(lambda: answers(port), 20)
        return served

    yield begin
    for process in started:
        process.terminate()
        process.wait(10)
    app.shutdown()
    app.server_close()


def answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


@needs_nginx
def test_a_flood_is_refused_and_no_log_holds_its_sentence(limited):
    served = limited(pages=1)
    query = urlencode({"sentence": SENTENCE})
    found = [served.get(f"/?{query}", Referer=f"{served.address}/?{query}")[0] for _ in range(30)]
    assert found[:5] == [200] * 5, "a burst of four times the rate is let through"
    assert set(found) == {200, 429} and found.count(429) >= 10
    wait_until(lambda: served.log.read_text().count("\n") >= 30, 20)
    logs = served.log.read_text() + served.said.read_text()
    assert " GET / 429 " in logs and WORD not in logs and "sentence" not in logs


@needs_nginx
def test_a_large_body_is_refused(limited):
    served = limited()
    for path in ("/", "/_stcore/upload_file/a/b"):
        assert served.send("POST", path, bytes(100_000), {})[0] == 413
        assert served.send("POST", path, bytes(100), {})[0] != 413


@needs_nginx
def test_so_many_connections_of_an_address_and_no_more(limited):
    served, found = limited(connections=3), []
    threads = [
        threading.Thread(target=lambda: found.append(served.get("/slow")[0])) for _ in range(6)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join(30)
    assert sorted(found) == [200, 200, 200, 429, 429, 429]
    assert served.get("/")[0] == 200


# --- what is sent, and what is closed ------------------------------------------------------------


@pytest.mark.slow
def test_a_page_comes_with_its_headers_and_a_cookie_that_says_nothing_else(served):
    status, headers, body = served.get("/Attention?" + urlencode({"sentence": SENTENCE}))
    assert status == 200 and b"<title>Streamlit" in body
    assert headers["content-security-policy"] == policy()
    assert headers["x-frame-options"] == "DENY" and headers["referrer-policy"] == "same-origin"
    assert headers["x-content-type-options"] == "nosniff"
    assert re.fullmatch(
        r"glassformer=[0-9a-f]{32}; Path=/; HttpOnly; SameSite=Lax", headers["set-cookie"]
    )
    assert "nginx/" not in headers.get("server", "")
    kept = headers["set-cookie"].partition(";")[0]
    assert "glassformer" not in served.get("/", Cookie=kept)[1].get("set-cookie", "")


@pytest.mark.slow
def test_static_files_are_compressed_and_kept(served):
    page = served.get("/")[2].decode()
    script = "/" + re.search(r'src="\./(static/js/index[^"]+)"', page)[1]
    status, headers, packed = served.get(script, **{"Accept-Encoding": "gzip"})
    assert status == 200 and headers["content-encoding"] == "gzip"
    assert "max-age=31536000" in headers["cache-control"] and "set-cookie" not in headers
    assert "content-security-policy" in headers
    plain = served.get(script)[2]
    assert gzip.decompress(packed) == plain and len(packed) < len(plain) / 2
    wait_until(lambda: served.log.read_text().count(script) == 2, 20)
    lines = [line for line in served.log.read_text().splitlines() if script in line]
    stored = [line.endswith(" - -") for line in lines]
    assert sorted(stored) == [False, True], "the second one came from nginx's own store"


@pytest.mark.slow
@pytest.mark.parametrize(
    "path",
    (
        "/_stcore/metrics",
        "/_stcore/agent/openapi.json",
        "/_stcore/agent/interact",
        "/_stcore/upload_file/a/b",
        "/_stcore/script-health-check",
        "/Attention/_stcore/agent/mcp",
        "//_stcore/metrics",
        "/x/..//_stcore/metrics",
        "/%5fstcore/metrics",
        "/_stcore/bidi-components/glassformer.0/..%2f..%2fmetrics",
        "/static/..%2f_stcore/metrics",
    ),
)
def test_the_servers_own_addresses_are_closed(served, path):
    assert served.get(path)[0] == 404 and served.send("POST", path, b"{}", {})[0] in (404, 405)


@pytest.mark.slow
def test_the_health_of_the_app_shows(served):
    status, headers, body = served.get("/healthz")
    assert (status, body) == (200, b"ok") and "set-cookie" not in headers
    assert served.get("/_stcore/health")[0] == 200


@pytest.mark.slow
def test_the_longest_link_still_gets_through(served):
    """Twelve bytes for each of 2,000 characters, as an address writes an emoji."""
    assert served.get("/?" + urlencode({"sentence": "😀" * 2000}))[0] == 200


@pytest.mark.slow
def test_a_reader_stays_with_one_process_and_many_use_all(served):
    readers = [f"{number:032x}" for number in range(12)]
    ports = {reader: served.port_of(reader) for reader in readers}
    assert set(ports.values()) == set(served.pids) and len(served.pids) == 2
    assert {reader: served.port_of(reader) for reader in readers} == ports


@pytest.mark.slow
def test_the_word_of_a_reader_on_their_own_address_does_not_count(served):
    served.get("/static/forged", **{"X-Forwarded-For": "203.0.113.9", "X-Real-IP": "203.0.113.9"})
    wait_until(lambda: "/static/forged" in served.log.read_text(), 20)
    assert "203.0.113.9" not in served.log.read_text()


# --- in a browser ---------------------------------------------------------------------------------


@contextmanager
def reading(browser, served: Served, url: str) -> Iterator[Tab]:
    """A page in a fresh session; a busy machine may take its time."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    watch(opened := Tab(context.new_page(), served.address))
    try:
        opened.do(lambda: opened.view.goto(url, timeout=120_000), 120)
        yield opened
    finally:
        context.close()


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.title)
def test_every_page_works_under_the_policy(served, browser, page):
    query = urlencode({"model": "study-decoder", "sentence": SENTENCE, "ask": "0"})
    url = f"{served.address}/{page.path.removesuffix('.py').partition('_')[2]}?{query}"
    with reading(browser, served, url) as opened:
        assert opened.view.locator(".st-key-bar").count() == 1
        assert opened.problems == []


@pytest.mark.slow
@pytest.mark.browser
def test_a_reader_of_a_killed_process_keeps_the_page_and_the_sentence(served, browser):
    """Others read meanwhile: those of the other process notice nothing."""
    place = {"model": "study-decoder", "layer": 1, "head": 3, "ask": "0"}
    query = urlencode(place | {"sentence": SENTENCE})
    with (
        reading(browser, served, f"{served.address}/Attention?{query}") as opened,
        crowd(served) as seen,
    ):
        address = opened.view.url
        port = served.port_of(cookie_of(opened))
        pid = served.pids[port]
        runs = opened.runs
        subprocess.run(["kill", "-9", str(pid)], check=True)
        opened.wait(lambda: opened.runs > runs, 120)  # it has found the other process
        opened.settle(60)
        assert opened.view.url == address
        assert sentence_of(opened) == SENTENCE
        opened.do(opened.view.locator(STEP_BACK).click, 60)  # and what is clicked is answered
        assert "head=2" in opened.view.url and sentence_of(opened) == SENTENCE
        assert opened.problems == []
        wait_until(lambda: served.pids[port] != pid, 60)
        wait_until(lambda: is_healthy(served), 60)
    assert seen.healthy and all(status == 200 for status in seen.healthy)
    other = [problem for at, problem in seen.problems if at != port]
    assert seen.clicks > 3 and other == []


def sentence_of(opened: Tab) -> str:
    return opened.view.locator(".st-key-sentence input").input_value()


@dataclass
class Seen:
    """What others have seen meanwhile: problems by the port that they read at."""

    problems: list
    healthy: list
    clicks: int = 0


@contextmanager
def crowd(served: Served) -> Iterator[Seen]:
    """Four readers who click, and somebody who asks for the health, until the end."""
    seen, over = Seen([], []), threading.Event()

    def read(number: int) -> None:
        reader = f"{number:032x}"
        port = served.port_of(reader)
        try:
            with Visitor(served.address, headers={"Cookie": f"glassformer={reader}"}) as visitor:
                visitor.open("Attention", model="study-decoder", sentence=SENTENCE)
                while not over.is_set():
                    visitor.trigger("place", "step", ["head", seen.clicks % 5])
                    seen.clicks += 1
                    time.sleep(0.5)
                seen.problems += [(port, problem) for problem in visitor.problems]
        except Exception as error:  # the line of a killed process breaks
            seen.problems.append((port, repr(error)))

    def ask() -> None:
        while not over.is_set():
            seen.healthy.append(served.get("/healthz")[0])
            time.sleep(0.2)

    threads = [threading.Thread(target=read, args=(number,)) for number in range(4)]
    threads.append(threading.Thread(target=ask))
    for each in threads:
        each.start()
    try:
        yield seen
    finally:
        over.set()
        for each in threads:
            each.join(60)


def cookie_of(opened) -> str:
    cookies = opened.view.context.cookies()
    return next(each["value"] for each in cookies if each["name"] == "glassformer")


# --- the logs -------------------------------------------------------------------------------------


@pytest.mark.slow
def test_no_log_holds_a_sentence(served):
    """After all of the above, a killed process, refused requests and an error among it."""
    query = urlencode({"sentence": SENTENCE})
    referrer = f"{served.address}/?{query}"
    served.get(f"/Heads?{query}", Referer=referrer)
    served.send("POST", f"/Heads?{query}", bytes(100_000), {"Referer": referrer})
    served.get(f"/_stcore/agent/none?{query}", Referer=referrer)
    wait_until(lambda: "/_stcore/agent/none" in served.log.read_text(), 20)
    requests, said = served.log.read_text(), served.said.read_text()
    assert "GET /Heads 200" in requests and "POST /Heads 413" in requests
    assert WORD not in requests and WORD not in said and "sentence" not in requests + said


@pytest.mark.slow
def test_a_rolling_restart_lets_no_request_fail(tmp_path):
    if NGINX is None:
        pytest.skip("there is no nginx on this machine (apt install nginx)")
    with serve(tmp_path) as served:
        before, found = served.pids, []
        served.process.send_signal(signal.SIGHUP)
        wait_until(lambda: found.append(served.get("/healthz")[0]) or renewed(served, before), 180)
        assert set(found) == {200}
        pids = list(served.pids.values())
    assert served.process.returncode == 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids), "none is left behind"


def renewed(served: Served, before: dict[int, int]) -> bool:
    return "all processes are new" in served.said.read_text() and all(
        served.pids[port] != pid for port, pid in before.items()
    )
