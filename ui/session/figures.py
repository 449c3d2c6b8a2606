"""Figures for Prometheus, on a port of their own (GLASSFORMER_METRICS): how many read,
how long their pages take, how many wait, what is in memory. No text and no address is in them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from prometheus_client import Gauge, Histogram, start_http_server
from streamlit.runtime import Runtime, get_instance

from core import settings
from ui.session.shelf import SHELF
from ui.session.turns import Turns

_STEPS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5, 10, 20, 60)
SECONDS = Histogram(
    "glassformer_page_seconds", "From a click to the end of its run", buckets=_STEPS
)
REFUSED = Gauge("glassformer_refused", "Clicks that found the queue full")
SESSIONS = Gauge("glassformer_sessions", "Open pages")
COMPUTING = Gauge("glassformer_computing", "Pages that are computed now")
WAITING = Gauge("glassformer_waiting", "Pages that wait for their turn")
SHELVED = Gauge("glassformer_shelf_bytes", "Bytes of models and runs that are kept")


@contextmanager
def measured() -> Iterator[None]:
    """Counts the seconds that a click takes, waiting included."""
    begun = time.perf_counter()
    try:
        yield
    finally:
        SECONDS.observe(time.perf_counter() - begun)


def watch_queue(queue: Turns) -> None:
    """Shows the counts of a queue."""
    REFUSED.set_function(lambda: queue.refused)
    COMPUTING.set_function(lambda: queue.counts[0])
    WAITING.set_function(lambda: queue.counts[1])


@cache
def serve_figures() -> int:
    """Serves the figures, once for the process; the port, 0 where none was asked for."""
    port, server = settings.whole("METRICS"), get_instance()
    if not port or type(server) is not Runtime:  # AppTest has a stand-in
        return 0
    SHELVED.set_function(lambda: SHELF.nbytes)
    SESSIONS.set_function(lambda: sessions(server))
    start_http_server(port, settings.text("METRICS_ADDRESS") or "127.0.0.1")
    return port


def sessions(server: Runtime) -> float:
    """How many pages are open."""
    found = server.stats_mgr.get_stats(family_names=["active_sessions"])
    return float(sum(getattr(each, "value", 0) for stats in found.values() for each in stats))
