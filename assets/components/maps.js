// Many maps in one canvas, or one wide map with its labels. The numbers are those that Python sent, bit for bit.
const GREY = [128, 128, 128, 62]
const LONGEST = 14
const memory = new WeakMap()

const clamp = (x, low, high) => Math.min(Math.max(x, low), high)
const shorten = (text, size) => (text.length > size ? text.slice(0, size - 1) + "…" : text)
const rounded = (x, digits) => String(Number(x.toPrecision(digits))).replace("-", "−")
const written = (x) => (x === -Infinity ? "−∞ (blocked)" : Number.isNaN(x) ? "none" : rounded(x, 5))
const isNumbered = (labels) => labels.every((label) => /^\+?[0-9]+$/.test(label))

function build(root) {
  root.replaceChildren()
  const parts = { root }
  const header = make("header", "", root)
  parts.title = make("div", "title", header)
  parts.axes = make("div", "axes", header)
  parts.legend = make("div", "legend", header)
  parts.save = make("button", "save", header)
  parts.save.type = "button"
  parts.save.textContent = "Save picture"
  const body = make("div", "body", root)
  parts.labels = make("canvas", "labels", body)
  parts.scroll = make("div", "scroll", body)
  parts.stage = make("div", "stage", parts.scroll)
  parts.canvas = make("canvas", "picture", parts.stage)
  parts.canvas.tabIndex = 0
  parts.canvas.setAttribute("role", "application")
  parts.cursor = make("div", "cursor", parts.stage)
  parts.tip = make("div", "tip", root)
  parts.spoken = make("div", "spoken", root)
  parts.spoken.setAttribute("aria-live", "polite")
  parts.cursor.hidden = parts.tip.hidden = true
  parts.watch = new ResizeObserver(() => parts.width !== root.clientWidth && parts.draw())
  parts.watch.observe(root)
  return parts
}

// --- where things stand --------------------------------------------------------------------------------------------

function geometry(data, width) {
  const [panels, rows, columns] = data.shape
  const room = (words) => 14 + 7 * Math.max(...words.map((label) => Math.min(label.length, LONGEST)))
  if (data.labelled) {
    const labels = room(data.rows), numbered = isNumbered(data.columns)
    const cell = clamp((width - labels - 2) / columns, numbered ? 7 : 20, 40)
    return { labels, w: cell, h: data.folded ? 15 : rows > 24 ? 17 : 25, left: 0, top: 0, head: 0, gap: 0, across: 1, down: 1,
      foot: numbered ? 20 : room(data.columns) }
  }
  const named = !data.across && width >= 640 && Math.max(rows, columns) <= 16       // room for the tokens' names
  const gap = data.across ? 5 : 14, left = data.across ? 24 : named ? room(data.rows) : 2
  const most = Math.max(width < 480 ? 2 : 1, Math.floor((width - left + gap) / (named ? 170 : 190 + gap)))
  let across = data.across || Math.ceil(panels / Math.ceil(panels / most))
  const fit = data.across ? clamp((width - left) / across - gap, 20, panels / across > 12 ? 52 : 84)
    : clamp((width - left - 2) / across - gap + gap / across, 90, 290)
  const w = Math.max(data.across ? 0.5 : 2, fit / columns)
  const h = data.across ? w * columns / rows : w
  if (!data.across) across = clamp(Math.floor((width - left + gap) / (w * columns + gap)), 1, across)
  return { labels: 0, w, h, left, gap, across, named, top: data.across ? 18 : 0, head: data.across ? 0 : 20,
    down: Math.ceil(panels / across), foot: named ? room(data.columns) : 0 }
}

const corner = (g, shape, panel) => [g.left + (panel % g.across) * (shape[2] * g.w + g.gap),
  g.top + g.head + Math.floor(panel / g.across) * (shape[1] * g.h + g.gap + g.head)]

function cellAt(g, shape, x, y) {
  const [panels, rows, columns] = shape
  const i = clamp(Math.floor((x - g.left) / (columns * g.w + g.gap)), 0, g.across - 1)
  const j = Math.floor((y - g.top) / (rows * g.h + g.gap + g.head))
  const panel = j * g.across + i
  if (panel < 0 || panel >= panels) return null
  const [left, top] = corner(g, shape, panel)
  const row = Math.floor((y - top) / g.h), column = Math.floor((x - left) / g.w)
  const edge = 1 + g.gap / 2 / Math.min(g.w, g.h)
  if (row < -edge || row > rows - 1 + edge || column < -edge || column > columns - 1 + edge) return null
  return [panel, clamp(row, 0, rows - 1), clamp(column, 0, columns - 1)]      // the edge counts as the cell beside it
}

// --- colours: the theme's own, as everywhere in the app ------------------------------------------------------------

function palette(root, kind) {
  const name = kind === "signed" ? "--st-chart-diverging-colors" : "--st-chart-sequential-colors"
  const stops = getComputedStyle(root).getPropertyValue(name).split(",").map((colour) => colour.trim())
  const brush = document.createElement("canvas").getContext("2d")
  const ramp = brush.createLinearGradient(0, 0, 255, 0)
  stops.forEach((colour, i) => ramp.addColorStop(i / (stops.length - 1), colour))
  brush.fillStyle = ramp
  brush.fillRect(0, 0, 256, 1)
  return { stops, colours: brush.getImageData(0, 0, 256, 1).data }
}

function shade(data, colours, panel) {
  const [, rows, columns] = data.shape
  const picture = new ImageData(columns, rows)
  for (let i = 0, at = panel * rows * columns; i < rows * columns; i++, at++) {
    const value = data.numbers[at], grey = !Number.isFinite(value) || data.hidden?.[i] || (data.kind === "mask" && !value)
    const part = data.kind === "mask" ? 0.6 : value / data.limit, share = data.kind === "signed" ? (part + 1) / 2 : part
    const place = 4 * clamp(Math.round(share * 255), 0, 255)
    picture.data.set(grey ? GREY : colours.subarray(place, place + 4), 4 * i)
  }
  const small = document.createElement("canvas")
  small.width = columns
  small.height = rows
  small.getContext("2d").putImageData(picture, 0, 0)
  return small
}

// --- drawing -------------------------------------------------------------------------------------------------------

function sized(canvas, width, height) {
  const dense = Math.min(window.devicePixelRatio || 1, 16000 / Math.max(width, height, 1))
  canvas.width = Math.round(width * dense)
  canvas.height = Math.round(height * dense)
  canvas.style.width = `${width}px`
  canvas.style.height = `${height}px`
  const brush = canvas.getContext("2d")
  brush.scale(dense, dense)
  brush.clearRect(0, 0, width, height)
  return brush
}

function drawPanel(brush, data, g, style, colours, panel) {
  const [, rows, columns] = data.shape
  const [left, top] = corner(g, data.shape, panel)
  const wide = columns * g.w, tall = rows * g.h
  brush.imageSmoothingEnabled = false
  brush.drawImage(shade(data, colours, panel), left, top, wide, tall)
  brush.fillStyle = style.page
  if (g.w >= 7) for (let c = 1; c < columns; c++) brush.fillRect(left + c * g.w - 0.5, top, 1, tall)
  if (g.h >= 7) for (let r = 1; r < rows; r++) brush.fillRect(left, top + r * g.h - 0.5, wide, 1)
  const chosen = panel === data.chosen
  brush.strokeStyle = chosen ? style.accent : style.line
  brush.lineWidth = chosen ? 3 : 1
  const out = chosen ? 1.5 : 0.5
  if (!data.labelled) brush.strokeRect(left - out, top - out, wide + 2 * out, tall + 2 * out)
  if (!g.head) return
  brush.fillStyle = chosen ? style.accent : style.text
  brush.font = `${chosen ? 700 : 500} 12.5px ${style.font}`
  brush.textBaseline = "alphabetic"
  brush.textAlign = "left"
  brush.fillText(shorten(data.titles[panel], Math.max(4, Math.floor(wide / 7))), left, top - 6)
}

// Frames, dark within light, so that they are seen on any colour: the chosen row or cell, and the cell that is explained.
function drawFrames(brush, data, g) {
  const frames = data.frame ? [[0, ...data.frame]] : []
  if (data.row != null) for (let panel = 0; panel < data.shape[0]; panel++) frames.push([panel, data.row, null])
  if (data.opened) frames.push(data.opened)
  for (const [panel, row, column] of frames) {
    const [x, y] = corner(g, data.shape, panel), thin = data.row != null && column === null
    const left = x + (column == null ? 0 : column * g.w), wide = column == null ? data.shape[2] * g.w : g.w
    for (const [colour, width] of thin ? [["#14181f", 2], ["#ffffff", 0.8]] : [["#ffffff", 4], ["#14181f", 2]]) {
      brush.strokeStyle = colour
      brush.lineWidth = width
      brush.strokeRect(left + 1, y + row * g.h + 1, wide - 2, g.h - 2)
    }
  }
}

// Beside the first map of each line the tokens that look, under the last line those that are looked at.
function drawNames(brush, data, g, style) {
  const [panels, rows, columns] = data.shape
  Object.assign(brush, { fillStyle: style.text, font: `11px ${style.font}`, textBaseline: "middle" })
  for (let panel = 0; panel < panels; panel++) {
    const [x, y] = corner(g, data.shape, panel)
    brush.textAlign = "right"
    if (panel % g.across === 0)
      data.rows.forEach((label, r) => brush.fillText(shorten(label, LONGEST), x - 6, y + (r + 0.5) * g.h))
    if (panel + g.across >= panels)
      data.columns.forEach((label, c) => below(brush, shorten(label, LONGEST), x + (c + 0.5) * g.w, y + rows * g.h + 6))
  }
}

function drawLabels(parts, brush, data, g, style) {
  const [, rows, columns] = data.shape
  const side = sized(parts.labels, g.labels, data.labelled ? rows * g.h : 1)
  const pen = { fillStyle: style.text, font: `12px ${style.font}`, textBaseline: "middle" }
  for (const each of [side, brush]) Object.assign(each, pen)
  if (data.across) {
    brush.textAlign = "center"
    brush.font = `11px ${style.font}`
    for (let h = 0; h < g.across; h++) brush.fillText(h, corner(g, data.shape, h)[0] + columns * g.w / 2, 8)
    for (let n = 0; n < g.down; n++) brush.fillText(n, 10, corner(g, data.shape, n * g.across)[1] + rows * g.h / 2)
  }
  if (!data.labelled) return
  side.textAlign = "right"
  const thin = isNumbered(data.rows) && g.h < 15 ? 2 : 1
  data.rows.forEach((label, r) => r % thin || side.fillText(shorten(label, LONGEST), g.labels - 7, (r + 0.5) * g.h))
  const flat = isNumbered(data.columns), every = flat ? 2 ** Math.max(0, Math.ceil(Math.log2(34 / g.w))) : 1
  data.columns.forEach((label, c) =>
    c % every || below(brush, shorten(label, LONGEST), (c + 0.5) * g.w, rows * g.h + 6, flat))
}

function below(brush, label, x, y, flat) {
  brush.save()
  brush.translate(x, y)
  if (!flat) brush.rotate(-Math.PI / 2)
  const half = brush.measureText(label).width / 2
  if (flat && x < half) brush.translate(half - x, 0)       // the first one must not stick out at the left
  brush.textAlign = flat ? "center" : "right"
  brush.fillText(label, 0, flat ? 7 : 0)
  brush.restore()
}

function legend(parts, data, stops) {
  const low = data.kind === "signed" ? -data.limit : 0
  const ends = data.kind === "mask" ? ["blocked", "", "may look"]
    : [low, (low + data.limit) / 2, data.limit].map((x) => rounded(x, 3))
  parts.legend.replaceChildren()
  for (const end of ends) make("span", "", parts.legend).textContent = end
  const colours = data.kind === "mask" ? `rgba(128, 128, 128, 0.16) 50%, ${stops[5]} 50%` : stops
  make("i", "", parts.legend).style.background = `linear-gradient(90deg, ${colours})`
}

function draw(parts, data) {
  const { root } = parts
  parts.width = root.clientWidth
  if (!parts.width) return
  const look = getComputedStyle(root), colour = (name) => look.getPropertyValue(`--st-${name}-color`).trim()
  const style = { page: colour("background"), text: colour("text"), accent: colour("primary"), line: colour("border"),
    font: look.fontFamily }
  const g = parts.geometry = geometry(data, parts.width)
  const { stops, colours } = palette(root, data.kind)
  const [left, top] = corner(g, data.shape, g.across * g.down - 1)
  const panels = Math.min(g.across, data.shape[0])
  const wide = corner(g, data.shape, panels - 1)[0] + data.shape[2] * g.w + 3
  const brush = sized(parts.canvas, Math.ceil(wide), Math.ceil(top + data.shape[1] * g.h + g.foot + 3))
  brush.translate(0.5, 0.5)
  for (let panel = 0; panel < data.shape[0]; panel++) drawPanel(brush, data, g, style, colours, panel)
  drawLabels(parts, brush, data, g, style)
  if (g.named) drawNames(brush, data, g, style)
  drawFrames(brush, data, g)
  legend(parts, data, stops)
}

// --- reading and choosing ------------------------------------------------------------------------------------------

function read(data, [panel, row, column]) {
  if (data.across) return [data.titles[panel], ""]
  const [, rows, columns] = data.shape
  if (data.folded) {
    const place = row * columns + column
    return place < data.folded ? [`${data.foldedAs} ${place}`, written(data.numbers[place])] : ["", ""]
  }
  const number = written(data.numbers[(panel * rows + row) * columns + column])
  const which = isNumbered(data.rows) ? `${data.rowsTitle || "row"} ${data.rows[row]}` : data.rows[row]
  const place = isNumbered(data.columns) ? `${which}, ${data.columnsTitle || "column"} ${data.columns[column]}`
    : `${data.rows[row]} → ${data.columns[column]}`
  const hidden = data.hidden?.[row * columns + column] ? `${number} (blocked)` : number
  return [data.labelled ? place : `${data.titles[panel]}\n${place}`, hidden]
}

function point(parts, data, cell, aloud) {
  const { cursor, tip, geometry: g } = parts
  parts.cell = cell
  cursor.hidden = tip.hidden = !cell
  if (!cell) return
  const [left, top] = corner(g, data.shape, cell[0])
  const [x, y, wide, tall] = data.across ? [left, top, data.shape[2] * g.w, data.shape[1] * g.h]     // the whole map
    : [left + cell[2] * g.w, top + cell[1] * g.h, g.w, g.h]
  const place = { left: x - 1, top: y - 1, width: wide + 2, height: tall + 2 }
  for (const [name, size] of Object.entries(place)) cursor.style[name] = `${size}px`
  const [text, number] = read(data, cell)
  tip.replaceChildren(text + (number ? "\n" : ""))
  if (number) make("b", "", tip).textContent = number
  if (aloud) {
    const { scroll } = parts
    parts.spoken.textContent = `${text} ${number}`
    scroll.scrollLeft = clamp(scroll.scrollLeft, x + wide - scroll.clientWidth + 8, Math.max(0, x - 8))
  }
  const home = parts.root.getBoundingClientRect(), stage = parts.stage.getBoundingClientRect()
  const across = stage.left - home.left + x + wide / 2, down = stage.top - home.top + y
  tip.style.left = `${clamp(across - tip.offsetWidth / 2, 0, Math.max(0, parts.width - tip.offsetWidth))}px`
  tip.style.top = `${down > tip.offsetHeight + 10 ? down - tip.offsetHeight - 8 : down + tall + 8}px`
}

function moved(data, g, [panel, row, column], key) {
  const [panels, rows, columns] = data.shape
  const [dr, dc] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[key]
  const within = !data.across && row + dr >= 0 && row + dr < rows && column + dc >= 0 && column + dc < columns
  if (within) return [panel, row + dr, column + dc]
  const next = panel + dr * g.across + dc                    // over the edge: into the map beside it
  if (next < 0 || next >= panels) return [panel, row, column]
  return [next, dr ? (dr > 0 ? 0 : rows - 1) : row, dc ? (dc > 0 ? 0 : columns - 1) : column]
}

// A cell that was opened elsewhere may lie beyond the edge: the map scrolls to it, once.
function reveal(parts, data) {
  const column = data.labelled && data.opened ? data.opened[2] : null, place = JSON.stringify([data.titles, data.opened])
  if (column === null || parts.revealed === place) return
  parts.revealed = place
  const { scroll, geometry: g } = parts
  const left = column * g.w
  if (left < scroll.scrollLeft || left + g.w > scroll.scrollLeft + scroll.clientWidth)
    scroll.scrollLeft = left - scroll.clientWidth / 2
}

function listen(parts, data, choose) {
  const { canvas, save } = parts
  const at = (event) => cellAt(parts.geometry, data.shape, event.offsetX, event.offsetY)
  canvas.onpointermove = (event) => point(parts, data, at(event))
  canvas.onpointerleave = () => point(parts, data, null)
  canvas.onblur = () => point(parts, data, null)
  canvas.onclick = (event) => { const cell = at(event); if (cell) choose(cell) }
  canvas.onkeydown = (event) => {
    const cell = parts.cell ?? [data.chosen ?? 0, data.frame?.[0] ?? 0, data.frame?.[1] ?? 0]
    if (event.key.startsWith("Arrow")) point(parts, data, moved(data, parts.geometry, cell, event.key), true)
    else if (event.key === "Enter" || event.key === " ") choose(cell)
    else if (event.key === "Escape") point(parts, data, null)
    else return
    event.preventDefault()
  }
  save.onclick = () => savePicture(parts, data)
}

function savePicture({ canvas, labels, root }, data) {
  const whole = document.createElement("canvas"), side = data.labelled ? labels.width : 0
  whole.width = side + canvas.width
  whole.height = canvas.height
  const brush = whole.getContext("2d")
  brush.fillStyle = getComputedStyle(root).getPropertyValue("--st-background-color")
  brush.fillRect(0, 0, whole.width, whole.height)
  if (side) brush.drawImage(labels, 0, 0)
  brush.drawImage(canvas, side, 0)
  const link = document.createElement("a")
  link.href = whole.toDataURL("image/png")
  link.download = "glassformer.png"
  link.click()
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root")
  if (!memory.has(root)) memory.set(root, build(root))
  const parts = memory.get(root)
  const numbers = data.values ? decode(data.values) : Float32Array.from(bytes(data.shades), (shade) => shade / 255 * data.limit)
  const shown = { ...data, numbers, hidden: data.blocked && bytes(data.blocked) }
  parts.title.textContent = data.labelled ? data.titles[0] : ""
  parts.title.style.setProperty("--kind", data.colour || "transparent")
  parts.title.classList.toggle("kind", Boolean(data.colour))
  parts.title.hidden = !data.labelled || !data.titles[0]
  const [down, right] = data.across ? ["layer", "head"] : [data.rowsTitle, data.columnsTitle]
  parts.axes.textContent = down ? `↓ ${down}   → ${right}` : ""
  parts.axes.hidden = !parts.axes.textContent
  parts.canvas.setAttribute("aria-label", data.alt)
  parts.canvas.style.cursor = "pointer"
  parts.draw = () => draw(parts, shown)
  parts.draw()
  reveal(parts, shown)
  if (parts.cell) point(parts, shown, null)
  listen(parts, shown, (cell) => setTriggerValue("cell", cell))
  return () => { parts.watch.disconnect(); memory.delete(root) }
}
