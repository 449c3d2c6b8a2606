// What each token gives by several measures: a row for each token, a column for each measure, each number in the colour of its sign on one
// scale. What can be opened is a button; these are one Tab stop, with arrows.
import { palette } from "./colours.js"
import { create, make, makeButton, markOpened } from "./dom.js"
import { decode, rounded } from "./numbers.js"
import { oneStopAmong } from "./one_stop.js"
import { saveElements } from "./saving.js"
import { ofSaliency } from "./shown_arrays.js"
import { inkOn } from "./why_geometry.js"

const SMALL = 1 / 200          // of the end of the scale: what is smaller is read when it is pointed at

function lookOf(root) {
  const { stops, pixels } = palette(getComputedStyle(root), "diverging"), bytes = new Uint8Array(pixels.buffer)
  const shade = (share) => {
    const at = Math.round(Math.min(Math.max((share + 1) / 2, 0), 1) * 255)
    return bytes.subarray(4 * at, 4 * at + 3)
  }
  return { stops, shade }
}

function head(root, shown, look) {
  const line = make("div", "head", root), scale = create("span", "scale")
  make("span", "title", line, shown.title)
  line.append(scale)
  make("span", "", scale, rounded(-shown.limit, 2))
  make("i", "", scale).style.background = `linear-gradient(90deg, ${look.stops.join()})`
  make("span", "", scale, rounded(shown.limit, 2))
  make("span", "small", line, `empty: below ${rounded(shown.limit * SMALL, 1)}`)
}

function titles(table, shown) {
  const row = make("tr", "", make("thead", "", table))
  make("th", "", row, "token").scope = "col"
  for (const title of shown.columns) make("th", "column", row, title).scope = "col"
}

function numberIn(cell, shown, [r, c], look, open) {
  const value = shown.numbers[r * shown.columns.length + c], known = Number.isFinite(value)
  const what = `${shown.named[r]}, ${shown.columns[c]}: ${known ? rounded(value) : "nothing"}`
  const box = shown.opens[r][c] ? makeButton("number", cell, "", () => open([r, c])) : make("span", "number", cell)
  box.title = what
  if (shown.opens[r][c]) {
    box.ariaLabel = what
    box.dataset.place = [r, c].join()
    box.classList.toggle("opened", shown.opened?.join() === box.dataset.place)
  }
  make("span", "value", box, known && Math.abs(value) >= shown.limit * SMALL ? rounded(value, 2) : "")
  if (!known) return box.classList.add("none")
  if (shown.faint[c]) return box.classList.add("faint")        // a sum that does not come out has no colours to be believed
  const [red, green, blue] = look.shade(value / shown.limit)
  Object.assign(box.style, { background: `rgb(${red}, ${green}, ${blue})`, color: inkOn(red, green, blue) })
}

// Each token with the side that it is on, where there are two: both may end in a full stop.
function namesIn({ rows, groups }) {
  const sides = groups.flatMap(({ title, count }) => Array(count).fill(`, ${title}`))
  return rows.map((label, r) => label + (sides[r] ?? ""))
}

function body(table, shown, look, open) {
  const rows = make("tbody", "", table), starts = new Map()
  let from = 0
  for (const { title, count } of shown.groups) {
    starts.set(from, title)
    from += count
  }
  shown.rows.forEach((label, r) => {
    if (starts.has(r)) Object.assign(make("th", "group", make("tr", "", rows), starts.get(r)), { colSpan: shown.columns.length + 1, scope: "rowgroup" })
    const row = make("tr", "", rows)
    Object.assign(make("th", "label", row, label), { scope: "row", title: label })
    shown.columns.forEach((_, c) => numberIn(make("td", "", row), shown, [r, c], look, open))
  })
}

function foot(table, shown) {
  const rows = make("tfoot", "", table)
  for (const { title, numbers } of shown.foot) {
    const row = make("tr", "", rows)
    make("th", "label", row, title).scope = "row"
    for (const text of numbers) make("td", "", row, text)
  }
}

function walk(root, shown) {
  const buttons = [...root.querySelectorAll("button.number")]
  const cells = buttons.map((button) => { const [row, column] = button.dataset.place.split(",").map(Number); return { row, column } })
  oneStopAmong(buttons, cells, Math.max(0, buttons.findIndex((button) => button.dataset.place === shown.opened?.join())))
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root"), focused = root.getRootNode().activeElement?.dataset?.place
  const shown = { ...data, numbers: decode(data.values), named: namesIn(data) }, look = lookOf(root)
  const open = (place) => {
    markOpened(root, ".number", root.querySelector(`[data-place="${place}"]`))
    setTriggerValue("cell", place)
  }
  root.replaceChildren()
  head(root, shown, look)
  const table = make("table", "", make("div", "scroll", root))
  table.ariaLabel = shown.title
  titles(table, shown)
  body(table, shown, look, open)
  foot(table, shown)
  walk(root, shown)
  saveElements(root, { title: shown.title, without: ["head", "layer"], arrays: () => ofSaliency(shown) })
  if (focused) root.querySelector(`[data-place="${focused}"]`)?.focus({ preventScroll: true })
}
