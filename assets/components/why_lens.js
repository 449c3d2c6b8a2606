// What the model would say after each layer, as a table: its likeliest words, and the probability and rank of the words that are asked
// about. The stronger the violet, the likelier. A click on a number opens it; the table is one Tab stop, with arrows.
import { palette } from "./colours.js"
import { make, makeButton } from "./dom.js"
import { decode, percent, rounded } from "./numbers.js"
import { saveElements } from "./saving.js"
import { ofLens } from "./shown_arrays.js"
import { inkOn } from "./why_geometry.js"

function inkedBy(root) {
  const { pixels } = palette(getComputedStyle(root), "sequential"), bytes = new Uint8Array(pixels.buffer)
  return (cell, share) => {
    const at = 4 * Math.round(255 * Math.min(Math.max(share, 0), 1)), [r, g, b] = bytes.subarray(at, at + 3)
    Object.assign(cell.style, { background: `rgb(${r}, ${g}, ${b})`, color: inkOn(r, g, b) })
  }
}

function head(table, data) {
  const row = make("tr", "", make("thead", "", table))
  make("th", "", row, "").scope = "col"
  const likeliest = make("th", "", row, "likeliest words")
  likeliest.scope = "colgroup"
  likeliest.colSpan = data.likeliest[0].length
  for (const word of data.asked) {
    make("th", "asked", row, word).scope = "col"
    make("th", "", row, "rank").scope = "col"
  }
}

function cellOf(row, shown, [n, w], word, open, ink) {
  const share = shown.numbers[n * shown.across + w], cell = make("td", "", row), button = makeButton("number", cell, "", () => open([n, w]))
  if (word) make("span", "word", button, word)
  make("span", "share", button, percent(share, share >= 0.1 ? 0 : 1))
  button.title = button.ariaLabel = `${shown.rows[n]}, ${word || shown.asked[w - shown.likeliest[0].length]}: ${rounded(share)}`
  button.dataset.place = [n, w].join()
  button.classList.toggle("opened", shown.opened?.join() === [n, w].join())
  ink(button, share)
}

// One Tab stop: arrows walk over the numbers.
function walk(root, [rows]) {
  const of = (n, w) => root.querySelector(`[data-place="${n},${w}"]`)
  for (const button of root.querySelectorAll("button.number")) {
    const [n, w] = button.dataset.place.split(",").map(Number)
    button.tabIndex = n === rows - 1 && w === 0 ? 0 : -1
    button.onkeydown = (event) => {
      const to = { ArrowUp: [n - 1, w], ArrowDown: [n + 1, w], ArrowLeft: [n, w - 1], ArrowRight: [n, w + 1] }[event.key]
      if (!to) return
      event.preventDefault()
      const next = of(...to)
      if (!next) return
      button.tabIndex = -1
      next.tabIndex = 0
      next.focus()
    }
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root"), focused = root.getRootNode().activeElement?.dataset?.place
  const top = data.likeliest[0].length, shown = { ...data, numbers: decode(data.values), across: data.shape[1] }
  root.replaceChildren()
  const scroll = make("div", "scroll", root), table = make("table", "", scroll), ink = inkedBy(root)
  make("caption", "", table, data.title)
  head(table, data)
  const body = make("tbody", "", table), open = (place) => setTriggerValue("cell", place)
  data.rows.forEach((title, n) => {
    const row = make("tr", "", body)
    make("th", "", row, title).scope = "row"
    data.likeliest[n].forEach((word, w) => cellOf(row, shown, [n, w], word, open, ink))
    data.asked.forEach((_, a) => {
      cellOf(row, shown, [n, top + a], "", open, ink)
      make("td", "rank", row, data.ranks[n][a])
    })
  })
  walk(root, data.shape)
  saveElements(root, { title: data.title, without: ["head", "layer"], arrays: () => ofLens(shown) })
  if (focused) root.querySelector(`[data-place="${focused}"]`)?.focus({ preventScroll: true })
}
