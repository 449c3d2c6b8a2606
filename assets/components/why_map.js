// Why this word: two rows of words to choose from, and a map of the model's parts, each in the colour of its sign. A click on a part
// opens its number; arrows walk over the map, which is one Tab stop, as each row of words is.
import { isDark, palette, shadeOf, themeOf } from "./colours.js"
import { create, createButton, make, makeButton, set } from "./dom.js"
import { decode, rounded } from "./numbers.js"
import { oneStop, oneStopAmong } from "./one_stop.js"
import { saveElements } from "./saving.js"
import { ofParts } from "./shown_arrays.js"
import { inkOn, room } from "./why_geometry.js"

const SMALL = 1 / 200          // of the largest number: what is smaller is read when it is pointed at
const memory = new WeakMap()

function wordRow(parent, label, words, shares, chosen, choose) {
  const row = make("div", "choice", parent)
  make("span", "asks", row, label)
  const list = make("div", "words", row)
  list.setAttribute("role", "radiogroup")
  list.setAttribute("aria-label", label)
  const buttons = words.map((word, i) => {
    const button = createButton("word", word, () => {
      buttons.forEach((each, k) => each.setAttribute("aria-checked", String(k === i)))
      choose(i)
    })
    if (shares) make("small", "", button, shares[i])
    button.setAttribute("role", "radio")
    button.setAttribute("aria-checked", String(i === chosen))
    list.append(button)
    return button
  })
  oneStop(buttons, chosen)
}

// --- the map -------------------------------------------------------------------------------------------------------

function partButton(shown, at, look) {
  const value = shown.numbers[at], { name } = shown.cells[at], known = Number.isFinite(value)
  const button = createButton("part", "", () => look.open(at))
  const [r, g, b] = look.shade(known ? value / shown.limit : 0)
  if (known) Object.assign(button.style, { background: `rgb(${r}, ${g}, ${b})`, color: inkOn(r, g, b) })
  button.classList.toggle("unknown", !known)
  button.classList.toggle("opened", at === shown.opened)
  button.classList.toggle("chosen", shown.chosen.includes(at))
  button.classList.toggle("named", shown.named.includes(at))
  const small = Math.abs(value) < shown.limit * SMALL && shown.cells[at].row >= 0
  make("span", "value", button, !known || small ? "" : rounded(value, 2))
  button.title = `${name}: ${known ? rounded(value) : "not known yet"}`
  button.ariaLabel = button.title
  button.dataset.at = String(at)
  return button
}

function grid(root, shown, look) {
  const columns = shown.titles.length, box = make("div", "grid", root)
  box.setAttribute("role", "group")
  box.setAttribute("aria-label", `${shown.title}. Arrow keys move, Enter opens.`)
  box.style.gridTemplateColumns = `max-content repeat(${columns}, minmax(0, 1fr))`
  const put = (element, row, column, across = 1) => {
    element.style.gridArea = `${row} / ${column} / span 1 / span ${across}`
    box.append(element)
  }
  let from = 2
  for (const { title, count } of shown.groups) {
    put(create("span", "group", title), 1, from, count)
    from += count
  }
  shown.titles.forEach((title, c) => {
    const name = create("span", /^\d+$/.test(title) ? "column" : "column worded", title)
    name.title = title
    put(name, 2, c + 2)
  })
  shown.rows.forEach((row, r) => put(create("span", "row", row), r + 3, 1))
  shown.cells.forEach((cell, at) => { if (cell.row >= 0) put(partButton(shown, at, look), cell.row + 3, cell.column + 2) })
  return box
}

// What belongs to no layer: the embedding, the position, the last biases.
function own(root, shown, look) {
  const places = shown.cells.flatMap((cell, at) => (cell.row < 0 ? [at] : []))
  if (!places.length) return
  const row = make("div", "own", root)
  for (const at of places) {
    const button = partButton(shown, at, look)
    button.prepend(create("span", "name", shown.cells[at].name))
    row.append(button)
  }
}

function walk(root, shown) {
  const buttons = [...root.querySelectorAll("button.part")].sort((one, other) => one.dataset.at - other.dataset.at)
  oneStopAmong(buttons, shown.cells, shown.opened ?? shown.named[0] ?? 0)
}

// --- the head of the figure ----------------------------------------------------------------------------------------

function head(root, shown, look, turn) {
  const line = make("div", "head", root)
  make("span", "title", line, shown.title)
  const scale = make("span", "scale", line)
  make("span", "", scale, rounded(-shown.limit, 2))
  make("i", "", scale).style.background = `linear-gradient(90deg, ${look.stops.join()})`
  make("span", "", scale, rounded(shown.limit, 2))
  make("span", "small", line, `empty: below ${rounded(shown.limit * SMALL, 1)}`)
  const list = make("span", "shows", line)
  list.setAttribute("role", "radiogroup")
  list.setAttribute("aria-label", "What the map shows")
  const buttons = shown.options.map((option, i) => makeButton("", list, option, () => turn(i)))
  buttons.forEach((button, i) => {
    button.setAttribute("role", "radio")
    button.setAttribute("aria-checked", String(i === shown.shows))
  })
  oneStop(buttons, shown.shows)
}

function lookOf(root) {
  const look = getComputedStyle(root), { stops, pixels } = palette(look, "diverging"), bytes = new Uint8Array(pixels.buffer)
  const shade = (share) => {
    const at = Math.round(Math.min(Math.max((share + 1) / 2, 0), 1) * 255)
    return bytes.subarray(4 * at, 4 * at + 3)
  }
  return { stops, shade }
}

function draw(root, state, send) {
  const { shown } = state, focused = root.getRootNode().activeElement?.dataset?.at
  const look = { ...lookOf(root), open: (at) => {
    shown.opened = at
    for (const each of root.querySelectorAll("button.part")) each.classList.toggle("opened", each.dataset.at === String(at))
    send("cell", at)
  } }
  root.replaceChildren()
  const words = make("div", "choices", root)
  wordRow(words, "Why", shown.words, shown.shares, shown.word, (i) => send("word", i))
  wordRow(words, "and not", shown.rivals, null, shown.rival, (i) => send("rival", i))
  head(root, shown, look, (i) => send("shows", i))
  grid(root, shown, look)
  own(root, shown, look)
  walk(root, shown)
  fit(root, shown)
  saveElements(root, { title: shown.title, without: ["head", "layer"], arrays: () => ofParts(shown) })
  if (focused) root.querySelector(`[data-at="${focused}"]`)?.focus({ preventScroll: true })
}

// Numbers stand in the cells where there is room for them.
const fit = (root, shown) => set(root.dataset, "room", room(root.clientWidth, shown.titles.length, shown.rows.length))

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root")
  if (!memory.has(root)) {
    const state = {}
    state.watch = new ResizeObserver(() => { if (state.shown) fit(root, state.shown) })
    state.watch.observe(root)
    memory.set(root, state)
  }
  const state = memory.get(root)
  state.shown = { ...data, numbers: decode(data.values ?? data.effects) }
  draw(root, state, setTriggerValue)
  return () => { state.watch.disconnect(); memory.delete(root) }
}
