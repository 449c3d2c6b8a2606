// A row for each layer: the attention of its heads, small, and how the layer moves one token's vector. A click on a head frames it
// here, at once.
import { palette, pointPicture, shadeOf } from "./colours.js"
import { create, createButton, make, markOpened } from "./dom.js"
import { aligned, barShare, nextHead, thumbSize } from "./layer_geometry.js"
import { bytes, decode, rounded } from "./numbers.js"
import { saveElements, weightScale } from "./saving.js"
import { ofLayerSteps } from "./shown_arrays.js"

const WAIT = 3000          // ms that a click stands before what the page says stands again
const memory = new WeakMap()

const shownHead = (state, chosen) => {
  const { clicked } = state
  if (clicked && (clicked.panel === chosen || performance.now() > clicked.until)) state.clicked = null
  return state.clicked?.panel ?? chosen
}

function thumbnail(shown, panel, pixels) {
  const [, rows, columns] = shown.cells, start = panel * rows * columns
  const canvas = pointPicture(rows, columns, (picture) => {
    for (let i = 0; i < picture.length; i++) picture[i] = shadeOf(pixels, shown.marks[start + i] / 255)
  })
  canvas.setAttribute("aria-hidden", "true")
  return canvas
}

function headButton(shown, panel, pixels, choose) {
  const layer = Math.floor(panel / shown.heads), head = panel % shown.heads
  const button = createButton("head", "", () => choose(panel))
  button.title = button.ariaLabel = `Layer ${layer}, head ${head}`
  button.append(thumbnail(shown, panel, pixels))
  return button
}

function bar(column, value) {
  const track = create("span", "track")
  make("i", "", track).style.width = `${100 * barShare(value, column.top)}%`
  track.style.setProperty("--bar", column.colour)
  return track
}

function cell(row, shown, r, c, open) {
  const column = shown.columns[c], value = shown.numbers[r * shown.columns.length + c]
  const box = make("div", `cell ${column.kind}`, row)
  if (Number.isNaN(value) && r === 0) return
  const text = aligned(value) + (column.kind === "bar" ? "×" : "")
  const button = createButton("number", "", () => open([r, c]))
  button.dataset.place = `${r},${c}`
  button.ariaLabel = `${shown.rows[r]}: ${column.title} ${text}`
  button.title = `${shown.rows[r]}: ${column.title} ${rounded(value)}`
  button.classList.toggle("opened", shown.opened?.join() === `${r},${c}`)
  make("small", "", button, column.title)
  if (column.kind !== "cosine") button.append(bar(column, value))
  make("b", "", button, text)
  box.append(button)
}

function head(root, shown) {
  const row = make("div", "row names", root)
  make("span", "label", row, "")
  make("span", "heads", row, shown.headsTitle)
  for (const column of shown.columns) {
    const title = make("span", `cell ${column.kind}`, row, column.title)
    title.style.setProperty("--bar", column.colour)
    title.title = column.hint
  }
}

// One Tab stop for all heads: arrows walk over them.
function walkable(buttons, heads, first) {
  buttons.forEach((button, i) => {
    button.tabIndex = i === first ? 0 : -1
    button.onkeydown = (event) => {
      const next = nextHead(event.key, i, heads, buttons.length)
      if (next === null) return
      event.preventDefault()
      buttons.forEach((each, k) => { each.tabIndex = k === next ? 0 : -1 })
      buttons[next].focus()
    }
  })
}

function build(root, shown, { choose, open }) {
  const { pixels } = palette(getComputedStyle(root), "sequential"), buttons = []
  root.replaceChildren()
  const thumb = thumbSize(shown.rows.length - 1)
  root.style.setProperty("--columns", shown.columns.map((column) => (column.kind === "cosine" ? "4.9rem" : "minmax(5.6rem, 1fr)")).join(" "))
  root.style.setProperty("--thumb", `${thumb}px`)
  root.style.setProperty("--heads", `${shown.heads * (thumb + 4)}px`)
  head(root, shown)
  shown.rows.forEach((name, r) => {
    const row = make("div", "row", root)
    make("span", "label", row, name)
    const heads = make("div", "heads", row)
    for (let h = 0; r > 0 && h < shown.heads; h++) buttons.push(headButton(shown, buttons.length, pixels, choose))
    heads.append(...buttons.slice((r - 1) * shown.heads, r * shown.heads))
    shown.columns.forEach((_, c) => cell(row, shown, r, c, open))
  })
  return buttons
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root"), focused = root.getRootNode().activeElement
  const held = focused?.dataset?.place ?? focused?.title, state = memory.get(root) ?? {}
  memory.set(root, state)
  const shown = { ...data, numbers: decode(data.values), marks: bytes(data.shades) }
  const mark = (panel) => buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(i === panel)))
  const choose = (panel) => {
    state.clicked = { panel, until: performance.now() + WAIT }
    mark(panel)
    setTriggerValue("head", [Math.floor(panel / data.heads), panel % data.heads])
  }
  const open = (place) => {
    markOpened(root, ".number", root.querySelector(`[data-place="${place}"]`))
    setTriggerValue("cell", place)
  }
  const buttons = build(root, shown, { choose, open })
  const chosen = shownHead(state, data.chosen)
  mark(chosen)
  saveElements(root, { title: data.title, token: true, scales: [weightScale(palette(getComputedStyle(root), "sequential"), data.most)], arrays: () => ofLayerSteps(shown) })
  walkable(buttons, data.heads, Math.max(chosen, 0))
  if (!held) return
  const again = [...root.querySelectorAll("button")].find((button) => (button.dataset.place ?? button.title) === held)
  again?.focus({ preventScroll: true })
}
