// A table of numbers, one row for each token: every number is a button that opens it; a bar may stand beside a column. The numbers come
// to the last bit, row after row with the foot, and which of the places are empty; or as texts, from who has no more.
import { make, makeButton, markOpened } from "./dom.js"
import { showMore } from "./edges.js"
import { decode, rounded } from "./numbers.js"
import { saveElements } from "./saving.js"
import { ofTable } from "./shown_arrays.js"

const numberCell = (parent, text, place, open, opened) => {
  const cell = make("td", "", parent)
  if (text === null) return cell
  if (text === "−∞") make("small", "", cell, "hidden ")
  const button = makeButton("number", cell, text, () => open(place))
  button.dataset.place = place.join()
  button.classList.toggle("opened", button.dataset.place === opened)
  return cell
}

function head(table, data) {
  const row = make("tr", "", make("thead", "", table))
  make("th", "", row, data.corner).scope = "col"
  for (const title of data.columns) make("th", "column", row, title).scope = "col"
}

function body(table, data, open) {
  const rows = make("tbody", "", table)
  data.rows.forEach((label, r) => {
    const row = make("tr", r === data.chosen ? "chosen" : "", rows)
    Object.assign(make("th", "label", row, label), { scope: "row", title: label })
    data.texts[r].forEach((text, c) => {
      const cell = numberCell(row, text, [r, c], open, data.opened?.join())
      if (c !== data.bar) return
      cell.className = "bar"
      cell.style.setProperty("--share", `${100 * data.shares[r]}%`)
    })
  })
}

function foot(table, data, open) {
  if (!data.foot) return
  const row = make("tr", "", make("tfoot", "", table))
  make("th", "label", row, data.foot.title).scope = "row"
  data.texts[data.rows.length].forEach((text, c) => numberCell(row, text, [data.rows.length, c], open, data.opened?.join()))
}

function unpacked(data) {
  if (typeof data.numbers !== "string") return { ...data, numbers: null, texts: data.numbers }
  const numbers = decode(data.numbers, data.kind === "f4" ? Float32Array : Float64Array), empty = new Set(data.empty), wide = data.columns.length
  const text = (at) => (empty.has(at) ? null : rounded(numbers[at]))
  return { ...data, numbers, texts: Array.from({ length: numbers.length / wide }, (_, r) => data.columns.map((_, c) => text(r * wide + c))) }
}

export default function ({ data: sent, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root"), data = unpacked(sent)
  const focused = root.getRootNode().activeElement?.dataset?.place
  root.replaceChildren()
  const box = make("div", "scroll", root), table = make("table", "", box)
  make("caption", "", table, data.title)
  table.style.setProperty("--bar", data.colour)
  const isSentence = (label) => label.length > 16 && label.includes(" ")
  table.classList.toggle("lines", data.rows.some(isSentence))         // sentences instead of words: they may wrap
  const open = (place) => {
    markOpened(root, ".number", root.querySelector(`[data-place="${place}"]`))
    setTriggerValue("cell", place)
  }
  head(table, data)
  body(table, data, open)
  foot(table, data, open)
  showMore(box)
  saveElements(root, { title: data.title || data.columns.join(", "), ...(data.numbers ? { arrays: () => ofTable(data) } : {}) })
  if (focused) root.querySelector(`[data-place="${focused}"]`)?.focus({ preventScroll: true })
}
