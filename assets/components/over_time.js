// A model during its training: the curves of what was measured, a slider over its snapshots, and for each of them what it writes, its next
// words, and where a head looks. All of it is here, so that the slider answers at once; the page follows when it rests.
import { channels, themeOf } from "./colours.js"
import { create, make, makeButton, markOpened, set, SVG } from "./dom.js"
import { decode, percent, rounded } from "./numbers.js"
import { oneStopAmong } from "./one_stop.js"
import { bounds, curve, nearest, shareOf, stopAfter, ticks } from "./over_time_geometry.js"
import { saveElements } from "./saving.js"
import { ofOverTime } from "./shown_arrays.js"
import { inkOn, room } from "./why_geometry.js"

const LEFT = 40, RIGHT = 12, LOSS = 92, SHARES = 132, GAP = 22        // pixels of the curves
const THUMB = 8                                                     // pixels: half of the slider's
const REST = 220, WAIT = 3000           // ms after which the page is told, and that a move stands before what the page says
const memory = new WeakMap()

// --- the curves ------------------------------------------------------------------------------------------------------

function drawn(svg, tag, name, attributes) {
  const element = document.createElementNS(SVG, tag)
  Object.entries({ class: name, ...attributes }).forEach(([key, value]) => element.setAttribute(key, value))
  svg.append(element)
  return element
}

function words(stage, name, text, left, top) {
  const label = make("span", name, stage, text)
  Object.assign(label.style, { left: `${left}px`, top: `${top}px` })
}

// A box of curves: its frame, its ends, and the lines in it.
function panel(parts, { top, tall, low, high, ends, lines }) {
  const { svg, stage, wide, shown } = parts, steps = shown.curves.steps, size = { left: LEFT, wide, top, tall, low, high }
  for (const y of [top, top + tall]) drawn(svg, "line", "axis", { x1: LEFT, y1: y, x2: LEFT + wide, y2: y })
  words(stage, "end", ends[1], 0, top - 8)
  words(stage, "end", ends[0], 0, top + tall - 8)
  for (const { values, colour, flat, steps: own = flat ? [0, parts.last] : steps } of lines) {
    const path = drawn(svg, "path", flat ? "truth" : "curve", { d: curve(own, values, parts.last, size) })
    path.style.stroke = colour
  }
}

function drawCurves(parts) {
  const { root, stage, shown } = parts, { curves } = shown
  parts.wide = Math.max(80, root.clientWidth - LEFT - RIGHT)
  stage.replaceChildren()
  if (!curves) return void (stage.style.height = "26px")
  const { loss, truth } = curves, [low, high] = bounds([...loss, truth]), below = LOSS + GAP
  const svg = parts.svg = document.createElementNS(SVG, "svg")
  svg.setAttribute("aria-hidden", "true")
  stage.append(svg)
  stage.style.height = `${below + SHARES + 30}px`
  panel(parts, { top: 8, tall: LOSS - 8, low, high, ends: [String(low), String(high)],
    lines: [{ values: [truth, truth], colour: "var(--st-text-color)", flat: true }, { values: loss, colour: curves.lossColour }] })
  panel(parts, { top: below, tall: SHARES, low: 0, high: 1, ends: ["0", "100%"], lines: curves.lines })
  for (const step of ticks(parts.last, parts.wide)) words(stage, "tick", step.toLocaleString("en"), LEFT + shareOf(step, parts.last) * parts.wide, below + SHARES + 5)
  parts.stops.forEach((share) => {
    const x = LEFT + share * parts.wide
    drawn(svg, "line", "stop", { x1: x, y1: below + SHARES + 22, x2: x, y2: below + SHARES + 29 })
  })
  parts.mark = drawn(svg, "line", "mark", { x1: 0, y1: 4, x2: 0, y2: below + SHARES })
  parts.dots = [{ values: loss }, ...curves.lines].map(({ values, steps = curves.steps }, i) => {
    const box = i ? { top: below, tall: SHARES, low: 0, high: 1 } : { top: 8, tall: LOSS - 8, low, high }
    const dot = drawn(svg, "circle", "dot", { r: 4 })
    dot.style.fill = i ? curves.lines[i - 1].colour : curves.lossColour
    return { dot, height: (value) => box.top + (1 - (value - box.low) / (box.high - box.low)) * box.tall, values, steps }
  })
}

function legend(parts) {
  const { shown, keys } = parts
  keys.replaceChildren()
  if (!shown.curves) return
  const entry = (name, colour, flat = false) => {
    const box = make("span", "key", keys)
    make("i", flat ? "flat" : "", box).style.background = colour
    make("span", "", box, name)
    return make("b", "", box)
  }
  const { lossColour, lines, truth } = shown.curves
  parts.values = [entry("loss, nats a token", lossColour)]
  entry("the grammar’s own, at most", "var(--st-text-color)", true).textContent = rounded(truth, 3)
  parts.values.push(...lines.map(({ name, colour }) => entry(name, colour)))
}

// What the curves are at a stop: a mark, a dot on each, and its number in the legend.
function showCurves(parts, at) {
  const { shown, mark, dots, values } = parts
  if (!shown.curves || !mark) return      // in a page that is not laid out yet nothing is drawn
  const step = parts.steps[at], x = LEFT + shareOf(step, parts.last) * parts.wide
  mark.setAttribute("x1", x)
  mark.setAttribute("x2", x)
  dots.forEach(({ dot, height, values: all, steps }, n) => {
    const i = nearest(step, steps)
    dot.setAttribute("cx", x)
    dot.setAttribute("cy", height(all[i]))
    set(values[n], "textContent", n ? percent(all[i], 0) : rounded(all[i], 3))
  })
}

// --- the slider ------------------------------------------------------------------------------------------------------

function slider(parts) {
  const input = parts.input = make("input", "slider", parts.root)
  Object.assign(input, { type: "range", min: 0, max: 1, step: "any" })
  input.setAttribute("aria-label", "Steps of training")
  input.oninput = () => move(parts, nearest(Number(input.value), parts.stops))
  input.onkeydown = (event) => {
    const to = stopAfter(event.key, parts.at, parts.stops.length)
    if (to === undefined) return
    event.preventDefault()
    move(parts, to)
  }
}

function move(parts, at) {
  parts.input.value = parts.stops[at]
  if (at === parts.at) return
  show(parts, at)
  parts.until = performance.now() + WAIT
  clearTimeout(parts.rest)
  parts.rest = setTimeout(() => parts.send("stop", at), REST)
}

// --- what the model of then does ---------------------------------------------------------------------------------------

// A click says which stop it is of: a move that the page has not been told yet is told with it.
function tell(parts, name, value) {
  clearTimeout(parts.rest)
  parts.send(name, value)
}

function guessRows(parts) {
  const { shown, guesses } = parts
  guesses.replaceChildren()
  make("h4", "", guesses, "Next word")
  parts.rows = shown.guesses[0].map((_, n) => {
    const row = make("div", "row", guesses), word = make("span", "word", row), track = make("span", "track", row), bar = make("i", "", track)
    bar.style.background = shown.colours.guess
    const share = makeButton("share", row, "", () => {
      markOpened(parts.root, "button", share)
      tell(parts, "guess", [parts.at, n])
    })
    return { word, bar, share }
  })
}

function showGuesses(parts, at) {
  const { shown, rows } = parts
  rows.forEach(({ word, bar, share }, n) => {
    const text = shown.guesses[at][n], p = shown.shares[at][n]
    word.textContent = text
    word.title = text
    word.classList.toggle("followed", text === shown.followed)
    bar.style.width = `${100 * p}%`
    share.textContent = percent(p)
    share.title = rounded(p)
    share.setAttribute("aria-label", `${text}: ${percent(p)}. Open the number`)
    share.classList.toggle("opened", shown.opened?.words?.[at] === n)
  })
}

// The map: a token looks at itself and at those before it.
function mapCells(parts) {
  const { shown, map } = parts, size = shown.columns.length, places = []
  map.replaceChildren()
  make("h4", "", map, shown.mapTitle)
  if (shown.mapSays) make("p", "says", map, shown.mapSays)
  const box = make("div", "grid", map)
  box.style.gridTemplateColumns = `max-content repeat(${size}, minmax(var(--least), 38px))`
  parts.cells = []
  shown.columns.forEach((word, row) => {
    make("span", "looks", box, word).title = word
    for (let column = 0; column <= row; column++) {
      const cell = makeButton("cell", box, "", () => {
        markOpened(parts.root, "button", cell)
        tell(parts, "cell", [parts.at, row, column])
      })
      cell.style.gridArea = `${row + 1} / ${column + 2}`
      make("i", "fill", cell).style.background = shown.colours.map
      make("span", "value", cell)
      places.push({ row, column })
      parts.cells.push(cell)
    }
  })
  shown.columns.forEach((word, column) => {
    const name = make("span", "seen", box, word)
    name.title = word
    name.style.gridArea = `${size + 1} / ${column + 2}`
  })
  parts.places = places
  const [row, column] = shown.opened?.cell ?? [size - 1, 0]
  oneStopAmong(parts.cells, places, places.findIndex((place) => place.row === row && place.column === column))
}

function showMap(parts, at) {
  const { shown, numbers, cells, places } = parts, page = channels(themeOf(getComputedStyle(parts.root)).page), full = channels(shown.colours.map)
  const size = shown.columns.length, name = shown.names[at]
  cells.forEach((cell, n) => {
    const { row, column } = places[n], weight = numbers[(at * size + row) * size + column]
    cell.firstChild.style.opacity = weight
    cell.lastChild.style.color = inkOn(...page.map((low, i) => low + (full[i] - low) * weight))
    cell.lastChild.textContent = weight >= 0.005 ? String(Math.round(100 * weight)) : ""
    cell.title = `“${shown.columns[row]}” looks at “${shown.columns[column]}”: ${percent(weight)}, ${name}`
    cell.setAttribute("aria-label", cell.title)
    cell.classList.toggle("opened", shown.opened?.cell?.join() === [row, column].join())
  })
}

// --- all of it -------------------------------------------------------------------------------------------------------

function show(parts, at) {
  const { shown } = parts
  parts.at = at
  parts.name.textContent = shown.names[at]
  parts.input.setAttribute("aria-valuetext", shown.names[at])
  showCurves(parts, at)
  parts.writes.replaceChildren(create("span", "reads", `${shown.reads} `), create("b", "", shown.writes[at]))
  showGuesses(parts, at)
  showMap(parts, at)
}

function build(root) {
  root.replaceChildren()
  const parts = { root, until: 0 }
  parts.head = make("div", "head", root)
  make("span", "", parts.head, "The model")
  parts.name = make("b", "name", parts.head)
  make("span", "hint", parts.head, "Move the slider: each mark over it is a snapshot.")
  parts.keys = make("div", "keys", root)
  parts.stage = make("div", "stage", root)
  slider(parts)
  parts.then = make("div", "then", root)
  const write = make("div", "write", parts.then)
  make("h4", "", write, "It writes")
  parts.writes = make("p", "writes", write)
  parts.guesses = make("div", "guesses", write)
  parts.map = make("div", "map", parts.then)
  parts.watch = new ResizeObserver(() => { if (parts.seen !== root.clientWidth) fit(parts) })
  parts.watch.observe(root)
  return parts
}

// What depends on the width: the curves, the slider over them, and whether numbers stand in the cells.
function fit(parts) {
  const { root, shown, input } = parts
  parts.seen = root.clientWidth
  if (!shown || !root.clientWidth) return
  drawCurves(parts)
  Object.assign(input.style, { marginLeft: `${LEFT - THUMB}px`, width: `${parts.wide + 2 * THUMB}px` })
  set(root.dataset, "room", room(parts.map.clientWidth, shown.columns.length, shown.columns.length))
  showCurves(parts, parts.at)
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root"), held = root.getRootNode().activeElement
  if (!memory.has(root)) memory.set(root, build(root))
  const parts = memory.get(root), place = parts.cells?.indexOf(held) ?? -1, row = parts.rows?.findIndex(({ share }) => share === held) ?? -1
  Object.assign(parts, { shown: data, send: setTriggerValue, numbers: decode(data.values) })
  const last = data.steps.at(-1) ?? 2 * (data.steps.at(-2) ?? 1)
  parts.steps = [...data.steps.slice(0, -1), last]
  parts.last = last
  parts.stops = parts.steps.map((step) => shareOf(step, last))
  if (parts.at === undefined || performance.now() > parts.until) parts.at = data.chosen
  legend(parts)
  guessRows(parts)
  mapCells(parts)
  fit(parts)
  show(parts, parts.at)
  parts.input.value = parts.stops[parts.at]
  saveElements(root, { title: data.title, arrays: () => ofOverTime(data, parts.numbers) })
  ;(parts.cells[place] ?? parts.rows[row]?.share)?.focus({ preventScroll: true })
  return () => { parts.watch.disconnect(); clearTimeout(parts.rest); memory.delete(root) }
}
