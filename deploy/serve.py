"""Several processes of the app behind nginx, on this machine or in a container.

    python -m deploy.serve --processes 2 --port 8080        for this machine alone
    python -m deploy.serve --address 0.0.0.0                for all who reach it

A process that ends, or does not answer any longer, is replaced: nginx leads its readers to the
others meanwhile. SIGHUP replaces one process after the other, SIGTERM ends all. docs/serving.md
says what a reader notices.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from deploy.nginx import SHUNNED, Proxy, configuration

ROOT = Path(__file__).resolve().parents[1]
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
LOOK = 1  # seconds between two looks at the processes
PATIENCE = 60  # seconds that a process may take to begin, and 10 that it may be silent later
THREADS = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}  # a process for each core instead


@dataclass
class App:
    """One process of the app: its port, its number, and until when it has to answer."""

    port: int
    number: int
    deadline: float = 0.0
    process: subprocess.Popen = field(init=False)

    def start(self) -> None:
        """Starts it, or starts it again on the same port."""
        command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true"]
        command += [f"--server.port={self.port}", "--server.address=127.0.0.1"]
        command += ["--server.fileWatcherType=none"]
        self.process = subprocess.Popen(command, cwd=ROOT, env=self.environment())
        say(f"process {self.number} is pid {self.process.pid} on port {self.port}")
        self.deadline = time.monotonic() + PATIENCE

    def environment(self) -> dict[str, str]:
        """A public server, unless the environment says otherwise. Each process has a port of its
        own for its figures.
        """
        own = THREADS | {"GLASSFORMER_PUBLIC": "1"} | os.environ
        if (port := own.get("GLASSFORMER_METRICS", "")).isdecimal() and int(port):
            own["GLASSFORMER_METRICS"] = str(int(port) + self.number)
        return own

    def answers(self) -> bool:
        """Whether it is ready for readers."""
        try:
            address = f"http://127.0.0.1:{self.port}/_stcore/health"
            with urllib.request.urlopen(address, timeout=2):
                return True
        except OSError:
            return False

    def look(self) -> None:
        """Starts it again where it has ended, or has been silent for too long."""
        if self.answers():
            self.deadline = max(self.deadline, time.monotonic() + PATIENCE / 6)
        elif self.process.poll() is not None or time.monotonic() > self.deadline:
            say(f"process {self.number} is gone or silent, and is started again")
            self.restart()

    def restart(self) -> None:
        """Ends it, and starts it again."""
        end(self.process)
        self.start()


def say(words: str) -> None:
    """Says something in the log."""
    print(f"serve: {words}", flush=True)


def end(process: subprocess.Popen) -> None:
    """Ends a process, with force if it must be."""
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_for(app: App) -> None:
    """Returns when a process answers, has ended, or has had its time."""
    while not app.answers() and app.process.poll() is None and time.monotonic() < app.deadline:
        time.sleep(0.1)


@contextmanager
def proxied(given: argparse.Namespace, apps: list[App], folder: Path) -> Iterator[subprocess.Popen]:
    """nginx before the processes, until the end."""
    assert NGINX is not None
    proxy = Proxy(
        folder,
        tuple(f"127.0.0.1:{app.port}" for app in apps),
        f"{given.address}:{given.port}",
        given.log,
        certificate=given.certificate,
        key=given.key,
        behind=tuple(given.behind),
    )
    file = folder / "nginx.conf"
    file.write_text(configuration(proxy), encoding="utf-8")
    command = [NGINX, "-e", "stderr", "-p", str(folder), "-c", str(file)]
    process = subprocess.Popen(command)
    try:
        yield process
    finally:
        end(process)


@contextmanager
def running(count: int) -> Iterator[list[App]]:
    """So many processes of the app, until the end."""
    apps = [App(port, number) for number, port in enumerate(free_ports(count))]
    try:
        for app in apps:
            app.start()
        for app in apps:
            wait_for(app)
        yield apps
    finally:
        for app in apps:
            end(app.process)


def free_ports(count: int) -> list[int]:
    """Ports of this machine that nobody listens on."""
    taken = [socket.socket() for _ in range(count)]
    for each in taken:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in taken]
    for each in taken:
        each.close()
    return ports


class Signals:
    """What this process was told since: to end, to replace the others."""

    def __init__(self):
        self.over = self.renew = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: setattr(self, "over", True))
        signal.signal(signal.SIGHUP, lambda *_: setattr(self, "renew", True))


def serve(given: argparse.Namespace) -> int:
    """Serves until it is told to end; the exit code."""
    told = Signals()
    with (
        tempfile.TemporaryDirectory(prefix="glassformer-") as name,
        running(given.processes) as apps,
    ):
        os.chmod(name, 0o755)  # nginx's workers have a user of their own where it starts as root
        with proxied(given, apps, Path(name)) as nginx:
            say(f"{len(apps)} processes behind http://{given.address}:{given.port}")
            while not told.over and nginx.poll() is None:
                time.sleep(LOOK)
                look_after(apps, told)
            return 0 if told.over else 1


def look_after(apps: list[App], told: Signals) -> None:
    """Replaces what has ended; and all, one after the other, where that was asked for."""
    for app in apps:
        if told.renew:
            app.restart()
            wait_for(app)
            time.sleep(SHUNNED + LOOK)  # until nginx leads readers to it again
        else:
            app.look()
    if told.renew:
        say("all processes are new")
        told.renew = False


def arguments() -> argparse.ArgumentParser:
    """What can be said."""
    parser = argparse.ArgumentParser(prog="python -m deploy.serve", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--processes", type=int, default=2, help="of the app; one a core (2)")
    parser.add_argument("--address", default="127.0.0.1", help="on which nginx listens (127.0.0.1)")
    parser.add_argument("--port", type=int, default=8080, help="on which nginx listens (8080)")
    parser.add_argument("--log", default="/dev/stdout", help="file for one line a request")
    parser.add_argument("--certificate", default="", help="file; with it, nginx speaks TLS")
    parser.add_argument("--key", default="", help="file of the certificate's key")
    parser.add_argument(
        "--behind", nargs="*", default=[], metavar="NETWORK", help="of proxies before this nginx"
    )
    return parser


def main() -> int:
    """Serves as the command line says; the exit code."""
    if NGINX is None:
        say("there is no nginx on this machine (apt install nginx)")
        return 2
    return serve(arguments().parse_args())


if __name__ == "__main__":
    sys.exit(main())
