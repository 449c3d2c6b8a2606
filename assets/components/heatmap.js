// Many maps in one canvas, or one wide map with its labels. The numbers are those that Python sent, bit for bit.
//
// A map that is larger than its box scrolls in it: the canvas is as large as the box only, stays where it is, and is painted anew
// with what has come into sight; the tokens' names stay on the left and at the foot.
import { hatchCss, palette, themeOf } from "./colours.js"
import { create, make, placeTip, set } from "./dom.js"
import { drawRows, paint, shade, sized } from "./heatmap_drawing.js"
import { build, describe } from "./heatmap_elements.js"
import { cellAt, geometry, neighbour, placeOf, scrollAfterZoom, scrollIntoSight, scrollToReveal } from "./heatmap_geometry.js"
import { axesText, legendOf, read } from "./heatmap_reading.js"
import { showTable } from "./heatmap_table.js"
import { bytes, decode } from "./numbers.js"
import { keepInLink } from "./seen.js"
import { ofHeatmap } from "./shown_arrays.js"

const ZOOM = 1.4            // a press of + or −
const HIGH = 720            // pixels that a box is high at most
const memory = new WeakMap()

const laidOut = (parts, data, level = parts.level) =>
  geometry(data, parts.width, ZOOM ** level, Math.min(HIGH, 0.8 * window.innerHeight))

// --- what is in sight ----------------------------------------------------------------------------------------------

// The part of the map that is in sight. To ask the browser for a size makes it lay the page out anew, some milliseconds for every
// map, so the sizes are kept for as long as nothing changes them.
function inSight(parts, g) {
  const { scroll } = parts, sizes = [g.wide, g.tall, g.limit, parts.width].join()
  if (parts.sizes !== sizes) {
    parts.sizes = sizes
    parts.box = g.wide <= parts.width - g.labels && g.tall <= g.limit ? [g.wide, g.tall] : [scroll.clientWidth, scroll.clientHeight]
    scrolled(parts)
  }
  const [width, height] = parts.box, [left, top] = width < g.wide || height < g.tall ? parts.at : [0, 0]
  return { left, top, width: Math.min(g.wide, width), height: Math.min(g.tall, height) }
}

function scrolled(parts) {
  parts.at = [parts.scroll.scrollLeft, parts.scroll.scrollTop]
}

function scrollTo(parts, [left, top]) {
  set(parts.scroll, "scrollLeft", left)
  set(parts.scroll, "scrollTop", top)
  scrolled(parts)
}

// A cell that was opened elsewhere, or a head, may lie beyond the edge: the map scrolls to it, once.
function reveal(parts, data) {
  const { geometry: g } = parts, row = data.frame?.[0] ?? 0
  const place = JSON.stringify([data.titles, data.opened, data.chosen, data.frame])
  if (!g || parts.revealed === place) return
  parts.revealed = place
  const cell = placeOf(data, g, data.opened ?? [data.chosen ?? 0, row, data.frame?.[1] ?? 0])
  const target = scrollToReveal(g, inSight(parts, g), cell, Boolean(data.opened))
  if (!target) return
  scrollTo(parts, target)
  parts.draw()
}

// Keeps the place (x, y) of the box where it is, as long as the map reaches so far.
function zoom(parts, data, step, x = parts.scroll.clientWidth / 2, y = parts.scroll.clientHeight / 2) {
  const { scroll, geometry: before, cell } = parts
  if (data.folded) return
  const size = (g) => Math.min(g.w, g.h), next = laidOut(parts, data, parts.level + step)
  if (step > 0 ? size(next) > 60 : size(next) < 2) return
  const target = scrollAfterZoom(before, next, [scroll.scrollLeft, scroll.scrollTop], [x, y])
  parts.level += step
  parts.draw()
  scrollTo(parts, target)
  if (cell) point(parts, data, cell, true)
  parts.draw()
}

// --- drawing -------------------------------------------------------------------------------------------------------

// The same numbers in the same colours are shaded once.
function shaded(parts, data, colours) {
  const key = [data.packed, data.blocked, data.kind, data.limit, colours, data.shape.join()]
  if (!parts.shaded || key.some((part, i) => part !== parts.shaded.key[i])) parts.shaded = { key, ...shade(data, colours) }
  return parts.shaded
}

function resize(parts, g) {
  const most = g.limit < g.tall ? `${Math.round(g.limit)}px` : "", size = [g.labels, most, g.wide, g.tall].join()
  if (parts.size === size) return
  parts.size = size
  parts.labels.style.width = `${g.labels}px`
  parts.scroll.style.maxHeight = most
  parts.stage.style.width = `${g.wide}px`
  parts.stage.style.height = `${g.tall}px`
}

function draw(parts, data) {
  const { root } = parts
  parts.width ||= root.clientWidth
  if (!parts.width) return
  const look = getComputedStyle(root), style = themeOf(look), g = parts.geometry = laidOut(parts, data)
  const { stops, pixels } = palette(look, data.kind === "signed" ? "diverging" : "sequential")
  resize(parts, g)
  const view = inSight(parts, g), shades = shaded(parts, data, pixels)
  const painted = [data.text, ...Object.values(style), ...Object.values(view), ...Object.values(g), window.devicePixelRatio].join()
  if (parts.painted === painted && parts.lastShades === shades) return
  parts.painted = painted
  parts.lastShades = shades
  paint(sized(parts.canvas, view.width, view.height), data, g, style, shades, view)
  const side = sized(parts.labels, g.labels, data.labelled ? view.height : 1)
  if (data.labelled) drawRows(side, data, g, style, view, g.labels - 7)
  set(parts.axes, "textContent", axesText(data, view, g))
  set(parts.axes, "hidden", !parts.axes.textContent)
  legend(parts, data, stops, style)
}

function legend(parts, data, stops, style) {
  const { ends, colours, hatched } = legendOf(data, stops)
  if (parts.ends === ends + colours) return
  parts.ends = ends + colours
  parts.legend.replaceChildren(...ends.map((end) => create("span", "", end)))
  make("i", "", parts.legend).style.background = `linear-gradient(90deg, ${colours})${hatched ? `, ${hatchCss(style)}` : ""}`
}

// The whole map with its labels, however much of it is in sight, as a picture to be saved.
function whole({ root, geometry: g, shaded: shades }, data) {
  const look = getComputedStyle(root), style = themeOf(look), view = { left: 0, top: 0, width: g.wide, height: g.tall }
  const { stops } = palette(look, data.kind === "signed" ? "diverging" : "sequential"), { ends, ramp } = legendOf(data, stops)
  const without = data.shape[0] > 1 ? ["head"] : []
  return { wide: g.labels + g.wide, tall: g.tall, style, without, step: data.step, cells: data.numbers.length, scales: [{ ends, stops: ramp }],
    title: data.labelled ? data.titles[0] : data.alt.split(". ")[0], arrays: () => ofHeatmap(data),
    paint(brush) {
      if (data.labelled) drawRows(brush, data, g, style, view, g.labels - 7)
      brush.translate(g.labels, 0)
      paint(brush, data, g, style, shades, view)
    } }
}

// --- reading and choosing ------------------------------------------------------------------------------------------

// Shows the cursor and the tip at a cell; aloud: says it, too, and scrolls to it.
function point(parts, data, cell, aloud) {
  const { cursor, tip, geometry: g } = parts
  parts.cell = cell
  set(cursor, "hidden", !cell)
  set(tip, "hidden", !cell)
  if (!cell) return
  const [x, y, wide, tall] = placeOf(data, g, cell)
  const place = { left: x - 1, top: y - 1, width: wide + 2, height: tall + 2 }
  for (const [name, size] of Object.entries(place)) set(cursor.style, name, `${size}px`)
  const [text, number] = read(data, cell)
  if (parts.told !== text + number) {
    parts.told = text + number
    tip.replaceChildren(text + (number ? "\n" : ""))
    if (number) make("b", "", tip, number)
  }
  if (aloud) {
    parts.spoken.textContent = `${text} ${number}`
    const { scroll } = parts
    scrollTo(parts, scrollIntoSight(g, [scroll.scrollLeft, scroll.scrollTop], [scroll.clientWidth, scroll.clientHeight], [x, y, wide, tall]))
    parts.draw()
  }
  const home = parts.root.getBoundingClientRect(), stage = parts.stage.getBoundingClientRect(), top = stage.top - home.top + y
  placeTip(tip, parts.width, { x: stage.left - home.left + x + wide / 2, top, bottom: top + tall }, 8)
}

// The cell under the pointer; over the names at the edges there is none.
function under(parts, data, event) {
  const { geometry: g, scroll } = parts, { offsetX: x, offsetY: y } = event
  if (scroll.scrollLeft && x < g.left || y > scroll.clientHeight - g.foot) return null
  return cellAt(g, data.shape, x + scroll.scrollLeft, y + scroll.scrollTop)
}

function listen(parts, data, choose) {
  const { canvas } = parts
  canvas.onpointermove = (event) => point(parts, data, under(parts, data, event))
  parts.labels.onpointermove = ({ offsetY: y }) => {            // a name that had to be cut is read whole
    const { geometry: g, scroll } = parts
    set(parts.labels, "title", data.rows[Math.floor((y + scroll.scrollTop - g.top - g.head) / g.h)] ?? "")
  }
  canvas.onpointerleave = canvas.onblur = () => point(parts, data, null)
  canvas.onclick = (event) => { const cell = under(parts, data, event); if (cell) choose(cell) }
  canvas.onwheel = (event) => {
    if (!event.ctrlKey || data.folded) return          // two fingers on a touchpad count as the key
    event.preventDefault()
    zoom(parts, data, event.deltaY < 0 ? 1 : -1, event.offsetX, event.offsetY)
  }
  canvas.onkeydown = (event) => press(parts, data, choose, event)
  parts.in.onclick = () => zoom(parts, data, 1)
  parts.out.onclick = () => zoom(parts, data, -1)
  parts.picture = () => whole(parts, data)
  parts.asTable.onclick = () => { parts.table.hidden = !parts.table.hidden; showTable(parts, data) }
}

// A click is seen at once, before the page is drawn again: a cell is framed; among many maps one is chosen, and a row.
function answer(parts, data, cell) {
  const [panel, row] = cell, many = !data.labelled && data.chosen != null
  if (many) data.chosen = panel
  if (many && data.row != null) data.row = row
  if (!many || data.row != null) data.opened = cell
  parts.painted = null
  parts.draw()
}

function press(parts, data, choose, event) {
  const cell = parts.cell ?? [data.chosen ?? 0, data.frame?.[0] ?? 0, data.frame?.[1] ?? 0]
  if (event.ctrlKey || event.metaKey || event.altKey) return
  if (event.key.startsWith("Arrow")) point(parts, data, neighbour(data, parts.geometry, cell, event.key), true)
  else if (event.key === "Enter" || event.key === " ") choose(cell)
  else if (event.key === "Escape") point(parts, data, null)
  else if ("+=".includes(event.key)) zoom(parts, data, 1)
  else if ("-−_".includes(event.key)) zoom(parts, data, -1)
  else return
  event.preventDefault()
}

// --- what Python sends ---------------------------------------------------------------------------------------------

// How wide the longest names are, in pixels.
function widthsOf({ rows, columns }, font) {
  const brush = document.createElement("canvas").getContext("2d"), widest = (words) => words.reduce((most, word) => Math.max(most, brush.measureText(word).width), 0)
  brush.font = `12px ${font}`
  return { rows: widest(rows), columns: widest(columns) }
}

// The numbers and what hides them, unpacked once, however often the page is drawn.
function unpacked(parts, data) {
  const packed = data.values, known = parts.data
  const numbers = known?.packed === packed ? known.numbers : decode(packed)
  const hidden = known && known.blocked === data.blocked ? known.hidden : data.blocked && bytes(data.blocked)
  const text = JSON.stringify({ ...data, values: null, blocked: null })
  if (known && known.shape.join() !== data.shape.join()) Object.assign(parts, { level: 0, cell: null })       // another map in its place
  const wide = known?.text === text ? known.wide : widthsOf(data, getComputedStyle(parts.root).fontFamily)
  return parts.data = { ...data, packed, numbers, hidden, text, wide }
}

// How it is zoomed, where it is scrolled to in thousandths of the way, and whether it stands there as a table: what no page knows.
const spelled = ({ level, scroll, table }) => {
  const share = (at, way) => (way > 0 ? Math.round(1000 * at / way) : 0)
  const state = [level, share(scroll.scrollLeft, scroll.scrollWidth - scroll.clientWidth),
    share(scroll.scrollTop, scroll.scrollHeight - scroll.clientHeight), Number(!table.hidden)]
  return state.some(Boolean) ? state.join("_") : null
}

function take(parts, text) {
  const [level, left, top, asTable] = text.split("_").map(Number), { scroll } = parts
  if (![level, left, top].every(Number.isInteger) || Math.abs(level) > 30) return
  for (let step = Math.abs(level); step; step--) zoom(parts, parts.data, Math.sign(level))
  scrollTo(parts, [left * (scroll.scrollWidth - scroll.clientWidth) / 1000, top * (scroll.scrollHeight - scroll.clientHeight) / 1000])
  parts.draw()
  if (asTable && parts.table.hidden) parts.asTable.onclick()
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root"), isNew = !memory.has(root)
  if (isNew) memory.set(root, build(root))
  const parts = memory.get(root), before = parts.data?.text, shown = unpacked(parts, data)
  if (before !== shown.text) describe(parts, shown)
  parts.draw = () => draw(parts, shown)
  parts.draw()
  parts.scroll.onscroll = () => requestAnimationFrame(() => { scrolled(parts); parts.draw() })
  reveal(parts, shown)
  if (parts.cell) point(parts, shown, parts.cell.every((at, axis) => at < shown.shape[axis]) ? parts.cell : null)
  if (!parts.table.hidden) showTable(parts, shown)
  listen(parts, shown, (cell) => { answer(parts, shown, cell); setTriggerValue("cell", cell) })
  if (isNew) keepInLink(root, "map", () => spelled(parts), (text) => take(parts, text))
  return () => { parts.watch.disconnect(); memory.delete(root) }
}
