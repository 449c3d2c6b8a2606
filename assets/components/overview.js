// The whole model on one sentence, drawn on one canvas: strips of its real numbers, and the flows between them. What can be clicked
// is a button over the canvas.
import { palette, themeOf } from "./colours.js"
import { make, makeButton, placeTip, savePicture } from "./dom.js"
import { drawSheet } from "./overview_drawing.js"
import { layout } from "./overview_layout.js"
import { middleOfChosen, read, unpack } from "./overview_reading.js"

const memory = new WeakMap()
// What the colours of the frames stand for.
const KINDS = [["embed", "embedding"], ["residual", "stream"], ["q", "q"], ["k", "k"], ["v", "v"], ["weight", "attention"],
  ["mlp", "feed-forward"], ["norm", "norm"], ["head", "output"]]

// --- drawing --------------------------------------------------------------------------------------------------------------------

function draw(parts, data) {
  const { root, canvas } = parts
  parts.width = root.clientWidth
  if (!parts.width) return
  const look = getComputedStyle(root), theme = themeOf(look), signed = palette(look, "diverging"), sequential = palette(look, "sequential")
  const style = { ...theme, dark: parseInt(theme.page.slice(1, 3), 16) < 128, kinds: data.colours, signed, sequential }
  const sheet = (parts.sheet = layout(data, parts.width))
  const dense = Math.min(Math.max(window.devicePixelRatio || 1, 2), 8000 / Math.max(sheet.width, sheet.height))
  canvas.width = Math.round(sheet.width * dense)
  canvas.height = Math.round(sheet.height * dense)
  canvas.style.width = `${sheet.width}px`
  canvas.style.height = `${sheet.height}px`
  Object.assign(parts.glow, { width: sheet.width, height: sheet.height })
  const brush = canvas.getContext("2d")
  brush.scale(dense, dense)
  drawSheet(brush, style, data, sheet)
  parts.ramps.forEach((ramp, i) => { ramp.style.background = `linear-gradient(90deg, ${(i ? sequential : signed).stops})` })
}

function save({ canvas, root }) {
  const page = getComputedStyle(root).getPropertyValue("--st-background-color")
  savePicture({ wide: canvas.width, tall: canvas.height, page }, (brush) => brush.drawImage(canvas, 0, 0))
}

// --- reading and choosing -------------------------------------------------------------------------------------------------------

function show(parts, data, item, x, y) {
  const { tip, stage, root } = parts
  tip.hidden = !item
  if (!item) return lightUp(parts, null)
  const { lines, value, foot, cell } = read(data, item, x, y)
  lightUp(parts, item, cell)
  tip.replaceChildren()
  make("strong", "", tip, lines[0])
  for (const line of lines.slice(1)) if (line) make("div", "", tip, line)
  if (value) make("b", "", tip, value)
  for (const line of foot ?? []) make("small", "", tip, line)
  const home = root.getBoundingClientRect(), at = stage.getBoundingClientRect()
  const left = at.left - home.left, above = at.top - home.top
  placeTip(tip, parts.width, { x: left + (x ?? item.x + item.w / 2), top: above + (y ?? item.y), bottom: above + (y ?? item.y + item.h) }, 14, 18)
}

// The token under the pointer lights up wherever its numbers stand.
function lightUp(parts, item, cell) {
  const { glow, sheet } = parts, brush = glow.getContext("2d")
  brush.clearRect(0, 0, glow.width, glow.height)
  const row = item?.type === "token" ? item.row : item?.single || !cell ? null : cell[0]
  if (row == null) return
  const side = item.side ?? item.part.tokens
  brush.strokeStyle = getComputedStyle(parts.root).getPropertyValue("--st-primary-color").trim()
  brush.lineWidth = 2
  const bar = (x, y, w, h) => brush.strokeRect(x - 1, y - 0.5, w + 2, h + 1)
  for (const { part, x, y, w, h, rows, upright, single, thumb } of sheet.items) {
    if (single || thumb || part?.tokens !== side) continue
    if (upright) bar(x + rows.at[row], y, rows.size, h)
    else bar(x, y + rows.at[row], w, rows.size)
  }
}

// A button over each item that leads somewhere. With Shift, or pressed long, the number itself opens.
function buttons(parts, data, choose, openCell) {
  const focused = parts.stage.getRootNode().activeElement?.dataset?.act
  parts.over.replaceChildren()
  for (const item of parts.sheet.items) if (item.act && !item.twin) itemButton(parts, data, item, choose, openCell)
  if (focused) [...parts.over.children].find((each) => each.dataset.act === focused)?.focus({ preventScroll: true })
}

function itemButton(parts, data, item, choose, openCell) {
  const inside = (event) => { const home = parts.stage.getBoundingClientRect(); return [event.clientX - home.left, event.clientY - home.top] }
  const button = makeButton(item.type, parts.over), edge = item.type === "strip" || item.type === "map" ? 2 : 0
  const [left, top, width, height] = [item.x - edge, item.y - edge, item.w + 2 * edge, item.h + 2 * edge].map((size) => `${size}px`)
  Object.assign(button.style, { left, top, width, height })
  button.dataset.act = item.act
  if (item.quiet) button.tabIndex = -1
  if (item.pressed !== undefined) button.setAttribute("aria-pressed", item.pressed)
  button.setAttribute("aria-label", read(data, item).lines.concat(item.go ?? []).join(", "))
  const opens = item.part && !item.act.startsWith("layer/") || item.word
  // From the keyboard the number of the chosen token opens, in the middle of the strip.
  const open = (event) => {
    const at = event.clientX || event.clientY ? inside(event) : middleOfChosen(item)
    openCell([item.act, ...(read(data, item, ...at).cell ?? [0, 0])])
  }
  button.onclick = (event) => (event.shiftKey && opens ? open(event) : choose(item.act))
  button.oncontextmenu = (event) => { if (opens) { event.preventDefault(); open(event) } }
  button.onpointermove = (event) => show(parts, data, item, ...inside(event))
  button.onpointerleave = button.onblur = () => show(parts, data, null)
  button.onfocus = () => button.matches(":focus-visible") && show(parts, data, item)
}

// --- the elements ---------------------------------------------------------------------------------------------------------------

function build(root) {
  root.replaceChildren()
  const parts = { root }, header = make("header", "", root)
  parts.ramps = [legend(header, "−", "+", "numbers of vectors; ± under a strip: where its colours end"),
    legend(header, "0", "most", "attention weights")]
  parts.key = make("div", "key", header)
  parts.save = makeButton("save", header, "Save picture")
  parts.stage = make("div", "stage", make("div", "scroll", root))
  parts.canvas = make("canvas", "", parts.stage)
  parts.glow = make("canvas", "glow", parts.stage)
  for (const canvas of [parts.canvas, parts.glow]) canvas.setAttribute("aria-hidden", "true")
  parts.over = make("div", "over", parts.stage)
  parts.over.setAttribute("role", "group")
  parts.tip = make("div", "tip", root)
  parts.tip.hidden = true
  parts.watch = new ResizeObserver(() => parts.width !== root.clientWidth && parts.redraw())
  parts.watch.observe(root)
  return parts
}

function legend(header, left, right, words) {
  const box = make("div", "legend", header)
  make("span", "", box, left)
  const ramp = make("i", "", box)
  make("span", "", box, right)
  make("em", "", box, words)
  return ramp
}

export default function ({ data: { parts: [data] }, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root")
  if (!memory.has(root)) memory.set(root, build(root))
  const parts = memory.get(root), shown = { ...data }
  unpack(shown)
  parts.over.setAttribute("aria-label", data.alt)
  parts.key.replaceChildren()
  for (const [kind, words] of KINDS) make("span", "", parts.key, words).style.setProperty("--kind", data.colours[kind])
  parts.redraw = () => {
    draw(parts, shown)
    if (parts.sheet) buttons(parts, shown, (act) => setTriggerValue("act", act), (cell) => setTriggerValue("cell", cell))
  }
  parts.redraw()
  show(parts, shown, null)
  parts.save.onclick = () => save(parts)
  return () => { parts.watch.disconnect(); memory.delete(root) }
}
