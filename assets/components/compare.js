// Two maps of weights and their difference, on one grid: a cell that is pointed at is marked on all three and read out below.
import { CLEAR, frameOn, hatchOf, palette, pixelOf, pointPicture, shadeOf, themeOf } from "./colours.js"
import { cellAt, layOut, nameAt, step } from "./compare_geometry.js"
import { create, createButton, make, makeButton, set } from "./dom.js"
import { sized } from "./heatmap_drawing.js"
import { bytes, clamp, decode, percent, rounded } from "./numbers.js"
import { saveMenu, weightScale } from "./saving.js"
import { ofCompare } from "./shown_arrays.js"
import { fitted, shorten } from "./words.js"

const BLOCKED = 1, ABSENT = 2
const memory = new WeakMap()

const both = (name) => {
  if (!name.changed) return name.one
  return name.one && name.other ? `${name.one} → ${name.other}` : name.one ? `A: ${name.one}` : `B: ${name.other}`
}
const inMap = (name, map) => (map === 2 ? both(name) : (map ? name.other : name.one) || "–")
// A difference in the colour of its sign, the fainter the smaller: 0 is all but the page itself, and still a cell.
const faded = (pixels, share) => ((share < 0 ? pixels[0] : pixels[255]) & 0xffffff | Math.max(1, Math.round(255 * Math.min(1, Math.abs(share)))) << 24) >>> 0
const points = (change) => {
  const text = percent(Math.abs(change)).replace("%", "")
  return change === 0 || text.startsWith("<") ? text : (change > 0 ? "+" : "−") + text
}

function build(root) {
  root.replaceChildren()
  const parts = { root }
  parts.canvas = make("canvas", "picture", root)
  parts.canvas.tabIndex = 0
  parts.canvas.setAttribute("role", "application")
  const foot = make("div", "foot", root)
  parts.scales = make("div", "scales", foot)
  saveMenu(foot, () => parts.picture())
  parts.reading = make("div", "reading", root)
  parts.reading.setAttribute("aria-live", "polite")
  parts.part = make("div", "part", root)
  parts.watch = new ResizeObserver(() => {
    if (parts.width === root.clientWidth) return
    parts.width = root.clientWidth
    parts.draw()
  })
  parts.watch.observe(root)
  return parts
}

// --- numbers -------------------------------------------------------------------------------------------------------

const valueAt = (data, map, row, column) => {
  const at = row * data.columns.length + column, size = data.rows.length * data.columns.length
  return map === 2 ? data.changes[at] : data.weights[map * size + at]
}
const stateAt = (data, map, row, column) => {
  const at = row * data.columns.length + column, size = data.rows.length * data.columns.length
  if (map < 2) return data.hidden[map * size + at]
  return Math.max(Math.min(data.hidden[at], data.hidden[size + at]), Number.isNaN(data.changes[at]) ? ABSENT : 0)
}

// --- drawing -------------------------------------------------------------------------------------------------------

function shaded(data, map, look) {
  const rows = data.rows.length, columns = data.columns.length
  const { pixels } = palette(look, map === 2 ? "diverging" : "sequential")
  return pointPicture(rows, columns, (to) => {
    for (let row = 0, at = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++, at++) {
        const state = stateAt(data, map, row, column), value = valueAt(data, map, row, column)
        if (state === ABSENT) to[at] = 0
        else if (state === BLOCKED) to[at] = CLEAR
        else if (map < 2) to[at] = shadeOf(pixels, value)
        else to[at] = faded(pixels, value / data.limit)
      }
    }
  })
}

function drawMap(brush, data, g, style, map, picture) {
  const { left, top, wide, tall } = g.maps[map]
  brush.imageSmoothingEnabled = false
  hatchMap(brush, data, g, style, map)
  brush.tell = (row, column) => `${data.titles[map]}: ${both(data.rows[row])} → ${both(data.columns[column])}: ${rounded(valueAt(data, map, row, column))}`
  brush.drawImage(picture, left, top, wide, tall)
  brush.tell = null
  brush.fillStyle = style.page
  if (g.cell >= 7) {
    for (let c = 1; c < data.columns.length; c++) brush.fillRect(left + c * g.cell - 0.5, top, 1, tall)
    for (let r = 1; r < data.rows.length; r++) brush.fillRect(left, top + r * g.cell - 0.5, wide, 1)
  }
  brush.strokeStyle = style.line
  brush.lineWidth = 1
  brush.strokeRect(left - 0.5, top - 0.5, wide + 1, tall + 1)
  Object.assign(brush, { fillStyle: style.text, font: `650 13px ${style.font}`, textAlign: "left", textBaseline: "alphabetic" })
  brush.fillText(shorten(data.titles[map], Math.max(5, Math.floor(wide / 7))), left, top - 8)
  drawNames(brush, data, g, style, map)
}

// What a mask blocks, in each row one stretch after the other.
function hatchMap(brush, data, g, style, map) {
  const { left, top } = g.maps[map], count = data.columns.length, blocked = (row, column) => stateAt(data, map, row, column) === BLOCKED
  brush.fillStyle = hatchOf(brush, style)
  for (let row = 0; row < data.rows.length; row++) {
    for (let from = 0, to; from < count; from = to + 1) {
      for (to = from; to < count && blocked(row, to); to++);
      if (to > from) brush.fillRect(left + from * g.cell, top + row * g.cell, (to - from) * g.cell, g.cell)
    }
  }
}

// The names of rows and columns; where the texts differ in the accent's colour, with a mark at the map's edge.
function drawNames(brush, data, g, style, map) {
  const { left, top, tall } = g.maps[map], letters = clamp(g.cell, 9, 12), thin = Math.max(1, Math.ceil(letters / g.cell))
  const named = g.across === 1 || map === 0
  const write = (name, text, x, y) => {
    Object.assign(brush, { fillStyle: name.changed ? style.accent : style.text, textBaseline: "middle", textAlign: "right",
      font: `${name.changed ? 700 : 400} ${letters}px ${style.font}` })
    brush.fillText(fitted(text, g.labels - 12, (words) => brush.measureText(words).width), x, y)
  }
  data.rows.forEach((name, r) => {
    const y = top + (r + 0.5) * g.cell
    if (name.changed) brush.fillStyle = style.accent, brush.fillRect(left - 4, top + r * g.cell, 3, g.cell)
    if (named && r % thin === 0) write(name, g.across === 1 ? inMap(name, map) : both(name), left - 8, y)
  })
  data.columns.forEach((name, c) => {
    const x = left + (c + 0.5) * g.cell
    if (name.changed) brush.fillStyle = style.accent, brush.fillRect(left + c * g.cell, top + tall + 1, g.cell, 3)
    if (c % thin) return
    brush.save()
    brush.translate(x, top + tall + 8)
    brush.rotate(-Math.PI / 2)
    write(name, inMap(name, map), 0, 0)
    brush.restore()
  })
}

function drawFrames(brush, data, g, cell) {
  const place = (map, row, column) => {
    const { left, top } = g.maps[map]
    return [left + column * g.cell, top + row * g.cell]
  }
  const side = Math.max(g.cell - 2, 2)
  for (let map = 0; map < 3; map++) {
    if (data.row >= 0 && data.row < data.rows.length) {
      const [x, y] = place(map, data.row, 0)
      frameOn(brush, x + 1, y + 1, g.maps[map].wide - 2, side, true)
    }
    frameOn(brush, ...place(map, cell[1], cell[2]).map((at) => at + 1), side, side, true)
  }
  if (data.opened) frameOn(brush, ...place(...data.opened).map((at) => at + 1), side, side)
}

function paint(brush, parts, data, g, style) {
  for (let map = 0; map < 3; map++) drawMap(brush, data, g, style, map, parts.pictures[map])
  drawFrames(brush, data, g, parts.cell ?? [data.opened?.[0] ?? 2, ...data.at])
}

// The fainter the smaller: what is 0 has the colour of the page.
const changeScale = ({ stops }, { page }, limit) => ({ name: "B − A", ends: [points(-limit), "0", `${points(limit)} points`],
  stops: [[0, stops[0]], [0.5, page], [1, stops.at(-1)]] })

// The three maps as a picture to be saved, with the runs that they show below them.
function whole(parts, data) {
  const { g, root } = parts, look = getComputedStyle(root), style = themeOf(look), [shares, changes] = ["sequential", "diverging"].map((kind) => palette(look, kind))
  return { wide: g.wide, tall: g.tall, style, title: "Attention weights in A and in B, and B − A", said: data.caption, arrays: () => ofCompare(data), cells: 3 * data.rows.length * data.columns.length,
    scales: [{ ...weightScale(shares), name: "A, B" }, changeScale(changes, style, data.limit)], paint: (brush) => paint(brush, parts, data, g, style) }
}

function draw(parts, data) {
  const { root, canvas } = parts
  parts.width ||= root.clientWidth
  if (!parts.width) return
  const look = getComputedStyle(root), style = themeOf(look)
  const names = [...data.rows, ...data.columns].map(both)
  const g = parts.g = layOut(parts.width, data.rows.length, data.columns.length, names)
  const colours = ["sequential", "diverging"].map((kind) => look.getPropertyValue(`--st-chart-${kind}-colors`)).join()
  if (parts.shadedAs !== data || parts.colours !== colours) {
    parts.pictures = [0, 1, 2].map((map) => shaded(data, map, look))
    parts.shadedAs = data
    parts.colours = colours
  }
  paint(sized(canvas, g.wide, g.tall), parts, data, g, style)
  scales(parts, data, look)
}

function scales(parts, data, look) {
  const key = [data.limit, parts.colours].join()
  if (parts.scaled === key) return
  parts.scaled = key
  const gradient = (stops) => `linear-gradient(90deg, ${stops.join()})`
  const [shares, changes] = ["sequential", "diverging"].map((kind) => palette(look, kind).stops)
  const scale = (title, stops, ends) => {
    const box = create("div", "scale")
    box.append(create("span", "", title), create("span", "end", ends[0]))
    make("i", "", box).style.background = gradient(stops)
    box.append(create("span", "end", ends[1]))
    return box
  }
  parts.scales.replaceChildren(scale("A, B", shares, ["0%", "100%"]),
    scale("B − A", [changes[0], "transparent", changes.at(-1)], [points(-data.limit), `${points(data.limit)} points`]),
    create("span", "hint", "Click a weight to see how it was made."))
}

// --- what is read out ----------------------------------------------------------------------------------------------

function read(parts, data, choose) {
  const [map, row, column] = parts.cell ?? [data.opened?.[0] ?? 2, ...data.at]
  const key = [map, row, column, data.text].join()
  if (parts.readAs === key) return
  parts.readAs = key
  const written = (run) => {
    const state = stateAt(data, run, row, column), value = valueAt(data, run, row, column)
    return state === ABSENT ? "–" : state === BLOCKED ? "blocked" : data.exact ? rounded(value, 5) : percent(value)
  }
  const change = valueAt(data, 2, row, column)
  const text = Number.isNaN(change) ? "–" : data.exact ? rounded(change, 5) : `${points(change)} points`
  const operand = (run) => {
    const shown = written(run), title = "AB"[run]
    if (shown === "–") return create("span", "operand", `${title} –`)
    const button = createButton("operand", `${title} ${shown}`, () => choose([run, row, column]))
    button.dataset.run = String(run)
    return button
  }
  const result = create("span", `result ${change > 0 ? "more" : change < 0 ? "less" : ""}`, `B − A = ${text}`)
  parts.reading.replaceChildren(create("span", "where", `${both(data.rows[row])} looks at ${both(data.columns[column])}:`),
    operand(0), operand(1), result)
}

function part(parts, data, send) {
  set(parts.part, "hidden", !data.part)
  if (!data.part || parts.parted === data.part) return
  parts.parted = data.part
  parts.part.replaceChildren(create("span", "", data.part))
  makeButton("swap", parts.part, "◂ columns before", () => send("part", -1))
  makeButton("swap", parts.part, "columns after ▸", () => send("part", 1))
}

// --- pointing and choosing -----------------------------------------------------------------------------------------

function point(parts, data, cell, choose) {
  if (JSON.stringify(cell) === JSON.stringify(parts.cell ?? null)) return
  parts.cell = cell
  draw(parts, data)
  read(parts, data, choose)
}

function listen(parts, data, send, choose) {
  const { canvas } = parts, rows = data.rows.length, columns = data.columns.length
  const under = (event) => cellAt(parts.g, rows, columns, event.offsetX, event.offsetY)
  canvas.onpointermove = (event) => {
    const cell = under(event)
    set(canvas.style, "cursor", cell || nameAt(parts.g, rows, event.offsetX, event.offsetY) !== null ? "pointer" : "default")
    if (cell) point(parts, data, cell, choose)
  }
  canvas.onpointerleave = () => point(parts, data, null, choose)
  canvas.onclick = (event) => {
    const cell = under(event), row = nameAt(parts.g, rows, event.offsetX, event.offsetY)
    if (cell) choose(cell)
    else if (row !== null) send("token", row)
  }
  parts.picture = () => whole(parts, data)
  canvas.onkeydown = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const cell = parts.cell ?? [data.opened?.[0] ?? 2, ...data.at]
    if (event.key.startsWith("Arrow")) point(parts, data, step(rows, columns, cell, event.key), choose)
    else if (event.key === "Enter" || event.key === " ") choose(cell)
    else if (event.key === "Escape") point(parts, data, null, choose)
    else return
    event.preventDefault()
  }
}

// The numbers, unpacked once, however often the page is drawn.
function unpacked(parts, data) {
  const text = JSON.stringify(data)
  if (parts.data?.text === text) return parts.data
  return parts.data = { ...data, text, weights: decode(data.values), changes: decode(data.difference), hidden: bytes(data.states) }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root")
  if (!memory.has(root)) memory.set(root, build(root))
  const parts = memory.get(root), before = parts.data, shown = unpacked(parts, data)
  set(parts.canvas, "ariaLabel", data.alt)
  if (before !== shown) parts.cell = null
  // A click is answered at once: the cell stays marked and is read out until the page says what is opened.
  const choose = (cell) => {
    parts.cell = cell
    shown.opened = cell[0] < 2 ? cell : null
    shown.at = cell.slice(1)
    draw(parts, shown)
    read(parts, shown, choose)
    setTriggerValue("cell", cell)
  }
  parts.draw = () => draw(parts, shown)
  parts.draw()
  read(parts, shown, choose)
  part(parts, shown, setTriggerValue)
  listen(parts, shown, setTriggerValue, choose)
  return () => { parts.watch.disconnect(); memory.delete(root) }
}
