// A table of numbers, one row for each token: every number is a button that opens it; a bar may stand beside a column.
import { make, makeButton, markOpened } from "./dom.js"
import { showMore } from "./edges.js"
import { saveElements } from "./saving.js"

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
    data.numbers[r].forEach((text, c) => {
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
  data.foot.numbers.forEach((text, c) => numberCell(row, text, [data.rows.length, c], open, data.opened?.join()))
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root")
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
  saveElements(root, { title: data.title || data.columns.join(", ") })
  if (focused) root.querySelector(`[data-place="${focused}"]`)?.focus({ preventScroll: true })
}
