"""How long does a click take? From the click to the last change on the screen, on every page, in a
real Chromium.

    python benchmarks/clicks.py [--rounds 9] [--models minilm smollm2] [--tokens 16 64] [--pages
    Overview Attention …]

first     milliseconds from letting go of the mouse button, as the page itself hears it, to the end
          of the frame that painted the first change (median): of the document, of a shadow root, or
          of a canvas. Streamlit's marks on what a run has not reached yet do not count: they begin
          to show after half a second only.
p50, p95  the same to the last change
shift     how far things moved that nobody had touched: Chromium's layout shift score (median)
server    milliseconds from the message that the click sends to the one that says that the run has
          ended (median). A browser that is drawing takes messages up later: it is the most that the
          server can have needed.
KB        received over the websocket for one click (median)

The first click of each case is not counted. The aims are the limits in AIMS. Only comparisons
within one run mean something on another machine. The models have to be on this machine: `python -m
core.models fetch smollm2`.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402  (after the paths)
from playwright.sync_api import Error  # noqa: E402

from core import load  # noqa: E402
from tests.helpers.browser import Tab, chromium, serve, tab  # noqa: E402
from ui.session import navigation  # noqa: E402

AIMS = {"first": 50, "p50": 150, "p95": 300, "shift": 0.02, "KB": 200}
HOVER, SILENCE, LIMIT = (
    250,
    400,
    10_000,
)  # milliseconds; pointing at a place before the click: HOVER
WORDS = (
    "the river bank was quiet and the old man sat there with his dog until it rained on the hills"
).split()
PAGES = tuple(page.title for page in navigation.PAGES)

WATCH = """(() => {
  const all = { subtree: true, childList: true, attributes: true, characterData: true }
  const none = { start: null, first: null, last: null, painted: null, shift: 0 }
  const times = { ...none }, channel = new MessageChannel()
  channel.port1.onmessage = () => {
    times.painted = performance.now()
    times.first ??= times.painted
  }
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries())
      if (times.start !== null && entry.startTime > times.start) times.shift += entry.value
  }).observe({ type: "layout-shift" })
  let asked = false
  const changed = () => {
    if (times.start === null) return
    times.last = performance.now()
    // read after the paint
    if (!asked) requestAnimationFrame(() => { asked = false; channel.port2.postMessage(0) })
    asked = true
  }
  const unseen = ({ target, attributeName: name }) => document.head?.contains(target)
    || name === "data-stale"
    || name === "data-test-script-state"
    || (name === "class" && target.matches("[data-testid=stElementContainer]"))
  const observer = new MutationObserver((records) => records.every(unseen) || changed())
  observer.observe(document, all)
  const attach = Element.prototype.attachShadow
  Element.prototype.attachShadow = function (options) {
    const root = attach.call(this, options)
    observer.observe(root, all)
    return root
  }
  for (const name of ["drawImage", "fillRect", "clearRect"]) {
    const draw = CanvasRenderingContext2D.prototype[name]
    CanvasRenderingContext2D.prototype[name] = function (...args) {
      changed(); return draw.apply(this, args)
    }
  }
  const begin = () => Object.assign(times, none, { start: performance.now() })
  addEventListener("pointerup", begin, true)
  window.untilRest = (silence, limit) => new Promise((done, fail) => {
    const look = () => {
      const { start, first, last, painted, shift } = times, now = performance.now()
      if (last && painted > last && now - painted > silence)
        done([first - start, painted - start, shift])
      else if (now - start > limit)
        fail(last ? "The page did not come to rest." : "The click changed nothing.")
      else setTimeout(look, 50)
    }
    look()
  })
})()"""
PLACE = """(element, [x, y]) => {
  // it may lie beyond the edge of a panel that scrolls by itself
  element.scrollIntoView({ block: "nearest" })
  const box = () => element.getBoundingClientRect(), down = box().top + y * box().height
  if (down < 120 || down > 780)
    document.querySelector("[data-testid=stMain]").scrollBy(0, down - 450)
  return [box().left + x * box().width, box().top + y * box().height]
}"""


@dataclass(frozen=True)
class Target:
    """What is clicked: the first element that fits, and where in it, as shares of its width and
    height.
    """

    selector: str
    x: float = 0.5
    y: float = 0.5


@dataclass(frozen=True)
class Case:
    """A kind of click: its targets take turns, so that each click changes something; `back` undoes
    it, not counted.
    """

    page: str
    click: str
    targets: tuple[Target, ...]
    back: Target | None = None
    choices: dict[str, str] = field(default_factory=dict)


def cases(config) -> Iterator[Case]:
    """Every click that is measured, for one model."""
    attn = f"{config.sides[0]}.0.attn"
    cells = Target("canvas.picture", 0.1, 0.1), Target("canvas.picture", 0.2, 0.3)
    yield from before_attention()
    yield from attention_steps(cells)
    yield from heads()
    yield from after_attention()
    yield from all_layers(config.layers(config.sides[0]))
    yield from both_masks(cells)
    yield from output(config)
    yield from every_number(attn, cells)


def nth(selector: str, *places: int, x: float = 0.5, y: float = 0.5) -> tuple[Target, ...]:
    """Some of the elements that fit a selector."""
    return tuple(Target(f"{selector} >> nth={n}", x, y) for n in places)


CHIPS = nth(".st-key-place .chip", 3, 6)
HEAD = nth(".st-key-place .stepper[aria-label=Head] .greater", 0)
HEAD_BACK = Target(".st-key-place .stepper[aria-label=Head] .less")
LAYER = nth(".st-key-place .stepper[aria-label=Layer] .greater", 0)
LAYER_BACK = Target(".st-key-place .stepper[aria-label=Layer] .less")
NUMBERS = nth("button.number", 4, 11)


def before_attention() -> Iterator[Case]:
    """The overview, and what happens to a token before attention."""
    layers = '.st-key-river button.title[data-act^=layer][data-act$="/{}"] >> nth=0'
    yield Case("Overview", "token", nth(".st-key-river button.token", 3, 6))
    yield Case("Overview", "silence this head", nth(".st-key-river .try", 0))
    others = tuple(Target(layers.format(n)) for n in (1, 2))  # a click on the opened one leads on
    yield Case("Overview", "layer of the map", others, choices={"layer": "0"})
    pieces = "[class*=st-key-pieces] {}"
    yield Case("Tokens", "piece", nth(pieces.format("button.piece"), 3, 6))
    yield Case("Tokens", "cell of a strip", nth(pieces.format("canvas.cells"), 3, 6, x=0.3))
    strips = "[class*=st-key-places] canvas.cells"
    yield Case("Positions", "token", CHIPS)
    yield Case("Positions", "cell of a strip", nth(strips, 0, 1, x=0.3))


def attention_steps(cells: tuple) -> Iterator[Case]:
    """The walk through attention."""
    for stage, title in enumerate(("2 Keys", "3 Scores", "4 Softmax", "5 Values")):
        yield Case(
            "Attention",
            f"Next, to {title}",
            (Target("button.next"),),
            Target(f"button.step >> nth={stage}"),
            {"stage": str(stage)},
        )
    softmax = {"stage": "3"}
    tables = softmax | {"depth": "numbers"}
    yield Case("Attention", "token", CHIPS, choices=softmax)
    yield Case("Attention", "next head", HEAD, HEAD_BACK, softmax)
    yield Case("Attention", "next layer", LAYER, LAYER_BACK, softmax)
    figures = nth("[class*=st-key-pipeline] button.figure.end", 2, 5)
    yield Case("Attention", "number of the figure", figures, choices=softmax)
    yield Case("Attention", "cell of a map", cells, choices=tables)
    yield Case("Attention", "number in a table", NUMBERS, choices=tables)
    depths = nth(".st-key-place .depth button", 2, 1)
    yield Case("Attention", "another depth", depths, choices=softmax)


def heads() -> Iterator[Case]:
    """All heads of a layer beside each other."""
    grid = ".st-key-heads canvas.picture"
    yield Case("Heads", "token", CHIPS)
    yield Case("Heads", "cell of a head", (Target(grid, 0.17, 0.15), Target(grid, 0.22, 0.25)))
    lines = nth(".st-key-lines .left button", 3, 6)
    yield Case("Heads", "token of the lines", lines, choices={"cards": "heads-lines"})


def after_attention() -> Iterator[Case]:
    """What happens to a token after attention."""
    strips, tables = "[class*=st-key-addnorm-way] canvas.cells", {"depth": "numbers"}
    yield Case("Add and norm", "token", CHIPS)
    yield Case("Add and norm", "cell of a strip", nth(strips, 0, 1, x=0.3))
    yield Case("Add and norm", "number in a table", NUMBERS, choices=tables)
    yield Case("Feed-forward", "token", CHIPS)
    yield Case("Feed-forward", "neuron", nth("[class*=st-key-ff-neurons] button.neuron", 2, 5))
    yield Case("Feed-forward", "number in a table", NUMBERS, choices=tables)


def all_layers(layers: int) -> Iterator[Case]:
    """The page that looks at all layers at once."""
    yield Case("Layers", "token", CHIPS)
    yield Case("Layers", "number of the figure", nth("[class*=st-key-layers] button.number", 3, 8))
    # Six layers in turn: a trace of a long text remembers eight, and a reader goes to one that was
    # not seen before.
    other = [n * layers // 6 * 3 for n in range(1, 6)]
    yield Case("Layers", "head of a layer", nth("[class*=st-key-layers] button.head", *other))


def both_masks(cells: tuple) -> Iterator[Case]:
    """The page on which a mask is drawn by hand."""
    yield Case("Encoder and decoder", "cell of a pattern", cells)
    own = Target("[class*=st-key-map-draw] canvas.picture", 0.12, 0.25)
    yield Case("Encoder and decoder", "cell of a mask", (own,), own, {"masks_click": "draw"})


def output(config) -> Iterator[Case]:
    """What is done with the last vectors: of a decoder the next word, of an encoder a vector."""
    figures = "[class*=st-key-output-next] button.value"
    if not config.decoder_layers:
        figures = ".st-key-output_stages button.number"
    yield Case("Output", "number of the figure", nth(figures, 2, 5))


def every_number(attn: str, cells: tuple) -> Iterator[Case]:
    """The page on which every step opens by its name."""
    yield Case(
        "Every number",
        "operand link",
        (Target(".st-key-number button.link"),),
        Target(".st-key-number button.back"),
        {"cell": f"{attn}.scores.dot:3,2,1"},
    )
    yield Case("Every number", "cell of a map", cells, choices={"step": f"{attn}.pattern"})
    yield Case(
        "Every number",
        "next step",
        (Target(".st-key-step_after button"),),
        choices={"step": f"{attn}.in"},
    )


def sentence_of(model, tokens: int) -> str:
    """The longest text of whole words with at most so many tokens."""
    texts = [" ".join(WORDS[i % len(WORDS)] for i in range(n)) for n in range(tokens + 1)]
    return [text for text in texts if len(model.ids(text)) <= tokens][-1]


def told(name: str, sentence: str) -> dict[str, str]:
    """What every address says: the model, the sentence, and that no figure waits behind a guess."""
    return {"model": name, "sentence": sentence, "ask": "0"}


def frames_of(page: Tab) -> list[tuple[float, int, int]]:
    """A list that grows with each message: seconds, bytes received (0: it was sent), runs that have
    ended by then.
    """
    frames = []

    def note(size: int) -> None:
        frames.append(
            (time.perf_counter(), size, page.runs)
        )  # the tab reads a message first, and counts the runs

    page.view.on(
        "websocket",
        lambda socket: (
            socket.on("framesent", lambda payload: note(0)),
            socket.on("framereceived", lambda payload: note(len(payload))),
        ),
    )
    return frames


def click(page: Tab, frames: list, target: Target) -> tuple[float, float, float, float, float]:
    """Clicks, and waits until the page is at rest: milliseconds to the first and to the last
    change, layout shift, milliseconds of the server, and KB.
    """
    place = page.view.locator(target.selector).first.evaluate(
        PLACE, [target.x, target.y], timeout=LIMIT
    )
    page.view.mouse.move(*place)
    page.view.wait_for_timeout(HOVER)
    frames.clear()
    before = page.runs
    page.view.mouse.down()
    page.view.mouse.up()
    page.wait(lambda: page.runs > before, LIMIT / 1000)
    first, last, shift = page.view.evaluate(f"untilRest({SILENCE}, {LIMIT})")
    asked = next(at for at, size, _ in frames if not size)
    ended = next(at for at, _, runs in frames if runs == page.runs)
    return first, last, shift, (ended - asked) * 1000, sum(size for _, size, _ in frames) / 1000


def row(page: Tab, frames: list, case: Case, rounds: int, **choices: str) -> dict | None:
    """Clicks so often, and prints what it took, or why it can't be measured. Returns it, by the
    names of AIMS.
    """
    stem = Path(next(page.path for page in navigation.PAGES if page.title == case.page)).stem
    path, taken = "" if stem == "app" else stem.split("_", 1)[1], []
    try:
        page.do(
            lambda: page.view.goto(
                f"{page.address}/{path}?{urlencode({'v': '2'} | choices | case.choices)}"
            )
        )
        page.view.wait_for_timeout(800)  # pictures arrive after the run has ended
        for number in range(max(2, rounds)):
            taken.append(click(page, frames, case.targets[number % len(case.targets)]))
            if case.back:
                click(page, frames, case.back)
    except (Error, TimeoutError) as error:
        print("  error:", str(error).split("\n")[0][:110], flush=True)
        return None
    first, last, shift, server, size = np.array(taken[1:]).T
    p50, p95 = np.percentile(last, (50, 95))
    found = {"first": np.median(first), "p50": p50, "p95": p95, "shift": np.median(shift)}
    found |= {"server": np.median(server), "KB": np.median(size)}
    over = [name for name, aim in AIMS.items() if found[name] > aim]
    print(
        f"{found['first']:6.0f}{p50:6.0f}{p95:6.0f}{found['shift']:7.3f}{found['server']:8.0f}"
        f"{found['KB']:8.1f}{'   over: ' * bool(over)}{', '.join(over)}",
        flush=True,
    )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--rounds", type=int, default=9, help="clicks of each kind; the first is not counted"
    )
    parser.add_argument("--models", nargs="+", default=["minilm", "smollm2"])
    parser.add_argument("--tokens", nargs="+", type=int, default=[16, 64])
    parser.add_argument("--pages", nargs="+", choices=PAGES, default=PAGES)
    asked, taken = parser.parse_args(), []
    print(
        f"{'page':20}{'click':20}{'model':9}{'tokens':>6}{'first':>6}{'p50':>6}{'p95':>6}"
        f"{'shift':>7}{'server':>8}{'KB':>8}"
    )
    with serve() as address, chromium() as browser, tab(browser, address) as page:
        page.view.add_init_script(WATCH)
        page.view.emulate_media(reduced_motion="reduce")  # what a motion ends with, at once
        frames = frames_of(page)
        for name, tokens in ((name, tokens) for name in asked.models for tokens in asked.tokens):
            model = load(name, fetch=False)
            sentence = sentence_of(model, tokens)
            for case in (case for case in cases(model.config) if case.page in asked.pages):
                print(
                    f"{case.page:20}{case.click:20}{name:9}{len(model.ids(sentence)):6}",
                    end="",
                    flush=True,
                )
                taken.append(row(page, frames, case, asked.rounds, **told(name, sentence)))
        print(*dict.fromkeys(page.problems), sep="\n", end="\n" if page.problems else "")
    for name, aim in AIMS.items():
        good = sum(found is not None and found[name] <= aim for found in taken)
        print(f"{good} of {len(taken)} have {name} at most {aim:g}.")
    sys.exit(1 if None in taken or page.problems else 0)


if __name__ == "__main__":
    main()
