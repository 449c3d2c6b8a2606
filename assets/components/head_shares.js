// What each head adds to a token, as bars: above zero to the right, against the others to the left; the bias, and all together.
import { make, makeButton, markOpened } from "./dom.js"
import { decode, percent, rounded } from "./numbers.js"
import { saveElements } from "./saving.js"
import { ofHeadShares } from "./shown_arrays.js"

function line(table, data, r, reach, open) {
  const [length, share] = data.numbers.subarray(2 * r, 2 * r + 2), row = make("tr", data.kinds[r], table)
  row.classList.toggle("chosen", r === data.chosen)
  make("th", "", row, data.rows[r]).scope = "row"
  const bar = make("i", share < 0 ? "below" : "above", make("div", "line", make("td", "bar", row)))
  bar.style.setProperty("--from", `${100 * (Math.min(share, 0) - reach.low) / reach.wide}%`)
  bar.style.setProperty("--share", `${100 * Math.abs(share) / reach.wide}%`)
  const opened = (c) => data.opened && data.opened[0] === r && data.opened[1] === c
  for (const [c, value, text] of [[1, share, percent(share, 0)], [0, length, rounded(length, 3)]]) {
    const cell = make("td", "", row)
    if (Number.isNaN(value)) continue
    const button = makeButton(opened(c) ? "number opened" : "number", cell, text, () => open([r, c]))
    button.dataset.place = [r, c].join()
    button.title = rounded(value)
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root"), focused = root.getRootNode().activeElement?.dataset?.place
  const given = { ...data, numbers: decode(data.values) }
  const shares = data.rows.map((_, r) => given.numbers[2 * r + 1]).filter(Number.isFinite)
  const low = Math.min(0, ...shares), reach = { low, wide: Math.max(1, ...shares) - low }
  root.replaceChildren()
  const table = make("table", "", root)
  make("caption", "", table, data.title)
  const head = make("tr", "", make("thead", "", table))
  for (const title of data.columns) make("th", "", head, title).scope = "col"
  const rows = make("tbody", "", table)
  const open = (place) => {
    markOpened(root, ".number", root.querySelector(`[data-place="${place}"]`))
    setTriggerValue("cell", place)
  }
  data.rows.forEach((_, r) => line(rows, given, r, reach, open))
  saveElements(root, { title: data.title, without: ["head"], arrays: () => ofHeadShares(given) })
  if (focused) root.querySelector(`[data-place="${focused}"]`)?.focus({ preventScroll: true })
}
