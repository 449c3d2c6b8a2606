// The way back: over each token the word that should come next, with its loss; below, from the output down to the embedding, how long the
// gradient of the token's vector is there. A click on a word asks for its loss alone, one on a cell opens its vector; arrows walk.
import { channels, isDark, themeOf } from "./colours.js"
import { create, createButton, make, set } from "./dom.js"
import { showMore } from "./edges.js"
import { decode, percent, rounded } from "./numbers.js"
import { oneStop, oneStopAmong } from "./one_stop.js"
import { saveElements } from "./saving.js"
import { ofWayBack } from "./shown_arrays.js"
import { inkOn, room } from "./why_geometry.js"

const TALLEST = 34          // pixels of the bar of the largest loss
const STOPS = 8             // of the ramp that explains the colours
const memory = new WeakMap()

// Small gradients are seen beside large ones: a colour goes with the root of the share.
const depthOf = (share) => Math.sqrt(Math.min(Math.max(share, 0), 1))

// From the page's own colour to one in which the largest gradient is drawn.
function shades(root) {
  const theme = themeOf(getComputedStyle(root)), page = channels(theme.page), full = isDark(theme) ? [240, 184, 74] : [176, 84, 12]
  return (share) => page.map((low, i) => Math.round(low + (full[i] - low) * depthOf(share)))
}

const css = ([r, g, b]) => `rgb(${r}, ${g}, ${b})`

// --- the words and their loss ----------------------------------------------------------------------------------------

function lossButton(shown, at, choose) {
  const { word, loss, share } = shown.right[at], button = createButton("next", "", choose)
  make("small", "", button, rounded(loss, 2))
  const bar = make("i", "bar", button)
  bar.style.height = `${Math.max(1, TALLEST * loss / shown.mostLoss)}px`
  make("b", "", button, word)
  make("small", "", button, percent(share))
  button.title = `“${word}” should follow “${shown.words[at]}”: probability ${percent(share)}, loss ${rounded(loss, 3)} nats`
  button.ariaLabel = button.title
  return button
}

function wordRow(put, shown, send) {
  const all = createButton("all", shown.allTitle, () => send("place", -1)), corner = create("span", "corner")
  make("span", "", corner, "loss, nats")
  make("span", "", corner, "next word")
  corner.append(all)
  const buttons = [all, ...shown.right.map((_, at) => lossButton(shown, at, () => send("place", at)))]
  buttons.forEach((button, i) => {
    button.setAttribute("role", "radio")
    button.setAttribute("aria-checked", String(i - 1 === shown.place))
    put(i ? button : corner, 1, i + 1)
  })
  oneStop(buttons, shown.place + 1)
}

// --- the stream, from the output down to the embedding -----------------------------------------------------------------

function cellButton(shown, at, shade, open) {
  const columns = shown.words.length, value = shown.numbers[at], row = Math.floor(at / columns), column = at % columns
  const button = createButton("cell", "", () => open(at)), colour = shade(value / shown.limit)
  button.style.background = css(colour)
  button.style.color = inkOn(...colour)
  button.classList.toggle("opened", at === shown.opened)
  make("span", "value", button, value > 0 ? rounded(value, 2) : "")
  button.title = `${shown.rows[row]}, ${shown.words[column]}: ${rounded(value, 3)}`
  button.ariaLabel = button.title
  button.dataset.at = String(at)
  return button
}

function walk(buttons, shown) {
  const columns = shown.words.length
  oneStopAmong(buttons, buttons.map((_, at) => ({ row: Math.floor(at / columns), column: at % columns })), shown.opened)
}

function head(root, shown, shade) {
  const line = make("div", "head", root), scale = create("span", "scale")
  make("span", "title", line, shown.title)
  line.append(scale)
  make("span", "", scale, "0")
  const stops = Array.from({ length: STOPS + 1 }, (_, i) => css(shade(i / STOPS)))
  make("i", "", scale).style.background = `linear-gradient(90deg, ${stops.join()})`
  make("span", "", scale, rounded(shown.limit, 2))
}

function draw(root, shown, send) {
  const held = root.getRootNode().activeElement?.dataset?.at, shade = shades(root), columns = shown.words.length
  root.replaceChildren()
  head(root, shown, shade)
  const box = make("div", "grid", root)
  box.setAttribute("role", "group")
  box.setAttribute("aria-label", shown.alt)
  box.style.gridTemplateColumns = `max-content repeat(${columns}, minmax(var(--least), 1fr))`
  const put = (element, row, column) => {
    element.style.gridArea = `${row} / ${column}`
    box.append(element)
  }
  wordRow(put, shown, send)
  put(create("span", "next none", "?"), 1, columns + 1)
  shown.rows.forEach((title, r) => put(create("span", "row", title), r + 2, 1))
  const open = (at) => {
    for (const each of buttons) each.classList.toggle("opened", each.dataset.at === String(at))
    send("cell", [Math.floor(at / columns), at % columns])
  }
  const buttons = [...shown.numbers].map((_, at) => cellButton(shown, at, shade, open))
  buttons.forEach((button, at) => put(button, Math.floor(at / columns) + 2, at % columns + 2))
  put(create("span", "row", "reads"), shown.rows.length + 2, 1)
  shown.words.forEach((word, at) => put(Object.assign(create("span", "read", word), { title: word }), shown.rows.length + 2, at + 2))
  walk(buttons, shown)
  fit(root, shown)
  showMore(box)
  saveElements(root, { title: shown.title, without: ["head", "layer"], arrays: () => ofWayBack(shown) })
  if (held) root.querySelector(`[data-at="${held}"]`)?.focus({ preventScroll: true })
}

// Numbers stand in the cells where there is room for them.
const fit = (root, shown) => set(root.dataset, "room", room(root.clientWidth - 70, shown.words.length, shown.rows.length))

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root")
  if (!memory.has(root)) {
    const state = {}
    state.watch = new ResizeObserver(() => { if (state.shown) fit(root, state.shown) })
    state.watch.observe(root)
    memory.set(root, state)
  }
  const state = memory.get(root)
  state.shown = { ...data, numbers: decode(data.values) }
  draw(root, state.shown, setTriggerValue)
  return () => { state.watch.disconnect(); memory.delete(root) }
}
