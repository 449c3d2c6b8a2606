// Many maps in one canvas, or one wide map with its labels. The numbers are those that Python sent, bit for bit.
//
// A map that is larger than its box scrolls in it: the canvas is as large as the box only, stays where it is, and is painted anew
// with what has come into sight; the tokens' names stay at the left and at the foot.
const GREY = [128, 128, 128, 62]
const LONGEST = 14
const SMALLEST = 6          // pixels of a cell among many heads, before the reader zooms out
const ZOOM = 1.4            // a press of + or −
const HIGH = 720            // pixels that a box is high at most
const BAR = 12              // pixels that a bar for scrolling may take
const EDGE = 4              // pixels of a picture beyond its cells: the frames of the last ones
const NARROW = 13           // pixels of a column that still has room for its name
const MOST_ROWS = 64, MOST_COLUMNS = 128        // of the table
const memory = new WeakMap()

const written = (x) => (x === -Infinity ? "−∞ (blocked)" : Number.isNaN(x) ? "none" : rounded(x, 5))
const isNumbered = (labels) => labels.every((label) => /^\+?[0-9]+$/.test(label))
const room = (words) => 14 + 7 * words.reduce((most, word) => Math.max(most, Math.min(word.length, LONGEST)), 0)

// What is the same already is left alone: every change of the document costs the browser a layout.
const set = (target, name, value) => { if (target[name] !== value) target[name] = value }

function button(parent, text, label) {
  const made = make("button", "tool", parent, text)
  made.type = "button"
  if (label) made.setAttribute("aria-label", made.title = label)
  return made
}

function build(root) {
  root.replaceChildren()
  const parts = { root, level: 0 }
  const header = make("header", "", root)
  parts.title = make("div", "title", header)
  parts.axes = make("div", "axes", header)
  parts.legend = make("div", "legend", header)
  const tools = make("div", "tools", header)
  parts.out = button(tools, "−", "Zoom out")
  parts.in = button(tools, "+", "Zoom in")
  parts.asTable = button(tools, "As a table")
  parts.save = button(tools, "Save picture")
  const body = make("div", "body", root)
  parts.labels = make("canvas", "labels", body)
  parts.scroll = make("div", "scroll", body)
  parts.stage = make("div", "stage", parts.scroll)
  parts.canvas = make("canvas", "picture", parts.stage)
  parts.canvas.tabIndex = 0
  parts.canvas.setAttribute("role", "application")
  parts.cursor = make("div", "cursor", parts.stage)
  parts.table = make("div", "table", root)
  parts.tip = make("div", "tip", root)
  parts.spoken = make("div", "spoken", root)
  parts.spoken.setAttribute("aria-live", "polite")
  parts.cursor.hidden = parts.tip.hidden = parts.table.hidden = true
  parts.watch = new ResizeObserver(() => {
    if (parts.width === root.clientWidth) return
    parts.width = root.clientWidth
    parts.draw()
  })
  parts.watch.observe(root)
  parts.scroll.onscroll = () => requestAnimationFrame(() => { scrolled(parts); parts.draw() })
  return parts
}

// --- where things stand --------------------------------------------------------------------------------------------

// A map that is too tall for its box leaves room for its scroll bar.
function geometry(data, width, zoom) {
  const g = laidOut(data, width, zoom)
  return g.tall > g.limit ? laidOut(data, width - BAR, zoom) : g
}

function laidOut(data, width, zoom) {
  const g = data.labelled ? labelled(data, width, zoom) : data.across ? small(data, width) : heads(data, width, zoom)
  const [panels, rows, columns] = data.shape
  g.wide = Math.ceil(corner(g, data.shape, Math.min(g.across, panels) - 1)[0] + columns * g.w + 3)
  g.tall = Math.ceil(corner(g, data.shape, g.across * (g.down - 1))[1] + rows * g.h + g.foot + 3)
  return g
}

const highest = () => Math.min(HIGH, 0.8 * window.innerHeight)

function labelled(data, width, zoom) {
  const [, rows, columns] = data.shape
  const labels = room(data.rows), numbered = isNumbered(data.columns)
  const fit = (width - labels - EDGE) / columns
  const w = numbered || fit < NARROW ? clamp(fit, numbered ? 7 : 20, 40) : Math.min(fit, 40)
  const h = data.folded ? 15 : rows > 24 ? 17 : 25
  return { labels, w: w * zoom, h: h * zoom, left: 0, top: 0, head: 0, gap: 0, across: 1, down: 1, limit: highest(),
    foot: numbered ? 20 : room(data.columns) }
}

// All layers and heads: as many in a line as there are heads.
function small(data, width) {
  const [panels, rows, columns] = data.shape, across = data.across, gap = 5, left = 24
  const w = Math.max(0.5, clamp((width - left) / across - gap, 20, panels / across > 12 ? 52 : 84) / columns)
  return { labels: 0, w, h: w * columns / rows, left, top: 18, head: 0, gap, across, down: Math.ceil(panels / across), foot: 0,
    limit: Infinity }
}

// All heads of a layer. A cell never begins smaller than one can click; then the maps scroll in their box.
function heads(data, width, zoom) {
  const [panels, rows, columns] = data.shape, gap = 14
  const long = Math.max(rows, columns) > 16, named = width >= 640 || long || zoom > 1       // room for the tokens' names
  const left = named ? room(data.rows) : 2
  const most = Math.max(width < 480 ? 2 : 1, Math.floor((width - left + gap) / (named && !long ? 170 : 190 + gap)))
  const wanted = Math.ceil(panels / Math.ceil(panels / most))
  const space = width - left - EDGE + gap, fit = clamp(space / wanted - gap, 90, 290) / columns
  const w = Math.max(SMALLEST, fit)
  const fitting = (w, most) => clamp(Math.floor(space / (w * columns + gap) + 1e-9), 1, most)
  const across = zoom < 1 ? fitting(w * zoom, panels) : fitting(w, wanted)
  return { labels: 0, w: w * zoom, h: w * zoom, left, top: 0, head: 20, gap, across, named, down: Math.ceil(panels / across),
    foot: named ? room(data.columns) : 0, limit: w > fit || zoom !== 1 ? highest() : Infinity }
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

// All maps, a pixel for each number, side by side in one picture.
function shade(data, colours) {
  const [panels, rows, columns] = data.shape, across = Math.ceil(Math.sqrt(panels)), grey = new Uint32Array(new Uint8Array(GREY).buffer)[0]
  const picture = new ImageData(across * columns, Math.ceil(panels / across) * rows), pixels = new Uint32Array(picture.data.buffer)
  const { numbers, hidden, limit } = data, signed = data.kind === "signed", mask = data.kind === "mask"
  for (let panel = 0, at = 0; panel < panels; panel++) {
    const start = Math.floor(panel / across) * rows * across * columns + (panel % across) * columns
    for (let row = 0, i = 0; row < rows; row++) {
      for (let column = 0, to = start + row * across * columns; column < columns; column++, at++, i++, to++) {
        const value = numbers[at], part = mask ? 0.6 : value / limit, share = signed ? (part + 1) / 2 : part
        pixels[to] = !Number.isFinite(value) || (hidden && hidden[i]) || (mask && !value) ? grey
          : colours[clamp(Math.round(share * 255), 0, 255)]
      }
    }
  }
  const canvas = document.createElement("canvas")
  canvas.width = picture.width
  canvas.height = picture.height
  canvas.getContext("2d").putImageData(picture, 0, 0)
  return { canvas, across }
}

// The same numbers in the same colours are shaded once.
function shaded(parts, data, colours) {
  const key = [data.packed, data.blocked, data.kind, data.limit, colours, data.shape.join()]
  if (!parts.shaded || key.some((part, i) => part !== parts.shaded.key[i])) parts.shaded = { key, ...shade(data, colours) }
  return parts.shaded
}

// --- drawing -------------------------------------------------------------------------------------------------------

function sized(canvas, width, height) {
  const dense = Math.min(window.devicePixelRatio || 1, 16000 / Math.max(width, height, 1))
  set(canvas, "width", Math.round(width * dense))
  set(canvas, "height", Math.round(height * dense))
  set(canvas.style, "width", `${width}px`)
  set(canvas.style, "height", `${height}px`)
  const brush = canvas.getContext("2d")
  brush.setTransform(dense, 0, 0, dense, 0, 0)
  brush.clearRect(0, 0, width, height)
  return brush
}

function drawPanel(brush, data, g, style, shades, panel, view) {
  const [, rows, columns] = data.shape
  const [left, top] = corner(g, data.shape, panel)
  const wide = columns * g.w, tall = rows * g.h
  if (left > view.left + view.width || left + wide < view.left || top - g.head > view.top + view.height || top + tall < view.top) return
  brush.imageSmoothingEnabled = false
  brush.drawImage(shades.canvas, (panel % shades.across) * columns, Math.floor(panel / shades.across) * rows, columns, rows, left, top, wide, tall)
  brush.fillStyle = style.page
  if (g.w >= 6) for (let c = 1; c < columns; c++) brush.fillRect(left + c * g.w - 0.5, top, 1, tall)
  if (g.h >= 6) for (let r = 1; r < rows; r++) brush.fillRect(left, top + r * g.h - 0.5, wide, 1)
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

const every = (size, least) => Math.max(1, Math.ceil(least / size))

// At the left the tokens that look: beside each line of maps, wherever the box was scrolled to.
function drawRows(brush, data, g, style, view, right) {
  Object.assign(brush, { fillStyle: style.text, font: `${data.labelled ? 12 : 11}px ${style.font}`, textBaseline: "middle",
    textAlign: "right" })
  const thin = every(g.h, data.labelled ? 13 : 11)
  for (let line = 0; line < g.down; line++) {
    const top = corner(g, data.shape, line * g.across)[1] - view.top
    data.rows.forEach((label, r) => {
      const y = top + (r + 0.5) * g.h
      if (r % thin === 0 && y > -4 && y < view.height - g.foot + 4) brush.fillText(shorten(label, LONGEST), right, y)
    })
  }
}

// At the foot those that are looked at: below the last map of each column, or, where there is more below, at the edge of the box.
function drawFoot(brush, data, g, style, view) {
  const [panels, rows] = data.shape, flat = isNumbered(data.columns)
  Object.assign(brush, { fillStyle: style.text, font: `${data.labelled ? 12 : 11}px ${style.font}`, textBaseline: "middle" })
  const step = flat ? 2 ** Math.max(0, Math.ceil(Math.log2(34 / g.w))) : every(g.w, 11)
  for (let i = 0; i < Math.min(g.across, panels); i++) {
    const left = corner(g, data.shape, i)[0] - view.left
    const last = corner(g, data.shape, i + g.across * (Math.ceil((panels - i) / g.across) - 1))[1] + rows * g.h
    const y = view.height < g.tall ? view.height - g.foot + 3 : last + 6
    data.columns.forEach((label, c) => {
      const x = left + (c + 0.5) * g.w
      if (c % step === 0 && x > g.left && x < view.width + 20) below(brush, shorten(label, LONGEST), x, y, flat, view)
    })
  }
}

// Thumbnails: the number of the head above each column, that of the layer beside each row.
function drawNumbers(brush, data, g, style) {
  const [, rows, columns] = data.shape
  Object.assign(brush, { fillStyle: style.text, font: `11px ${style.font}`, textBaseline: "middle", textAlign: "center" })
  for (let h = 0; h < g.across; h++) brush.fillText(h, corner(g, data.shape, h)[0] + columns * g.w / 2, 8)
  for (let n = 0; n < g.down; n++) brush.fillText(n, 10, corner(g, data.shape, n * g.across)[1] + rows * g.h / 2)
}

function below(brush, label, x, y, flat, view) {
  const half = brush.measureText(label).width / 2
  if (flat && x + half > view.width) return                // a number that is cut reads as another one
  brush.save()
  brush.translate(x, y)
  if (!flat) brush.rotate(-Math.PI / 2)
  if (flat && x < half) brush.translate(half - x, 0)       // the first one must not stick out at the left
  brush.textAlign = flat ? "center" : "right"
  brush.fillText(label, 0, flat ? 7 : 0)
  brush.restore()
}

// What goes down and what goes across; where not all of it is in sight, how much there is.
function axes(parts, data, view, g) {
  const [down, right] = data.across ? ["layer", "head"] : [data.rowsTitle, data.columnsTitle]
  const beyond = (g.wide - view.width > 1 ? " →" : "") + (g.tall - view.height > 1 ? " ↓" : "")
  const all = data.labelled && beyond.includes("→") ? `${data.shape[2]} in all: ` : ""
  const more = beyond ? `(${all}scroll${beyond})` : ""
  const ways = down ? `↓ ${down}   → ${right}` : ""
  set(parts.axes, "textContent", [ways, more].filter(Boolean).join(" "))
  set(parts.axes, "hidden", !parts.axes.textContent)
}

function legend(parts, data, stops) {
  const low = data.kind === "signed" ? -data.limit : 0
  const ends = data.kind === "mask" ? ["blocked", "", "may look"]
    : [low, (low + data.limit) / 2, data.limit].map((x) => rounded(x, 3))
  const colours = data.kind === "mask" ? `rgba(128, 128, 128, 0.16) 50%, ${stops[5]} 50%` : stops.join()
  if (parts.ends === ends + colours) return
  parts.ends = ends + colours
  parts.legend.replaceChildren()
  for (const end of ends) make("span", "", parts.legend).textContent = end
  make("i", "", parts.legend).style.background = `linear-gradient(90deg, ${colours})`
}

// What is in sight: `view` is that part of the whole map.
function paint(brush, data, g, style, shades, view) {
  brush.translate(0.5, 0.5)
  brush.save()
  if (!data.across) {
    const left = view.left ? g.left - 2 : -1, tall = view.height < g.tall ? view.height - g.foot : view.height
    brush.beginPath()
    brush.rect(left, -1, view.width - left + 1, tall + 1)
    brush.clip()
  }
  brush.translate(-view.left, -view.top)
  for (let panel = 0; panel < data.shape[0]; panel++) drawPanel(brush, data, g, style, shades, panel, view)
  if (data.across) drawNumbers(brush, data, g, style)
  drawFrames(brush, data, g)
  brush.restore()
  if (g.named) drawRows(brush, data, g, style, view, g.left - 6)
  if (g.foot) drawFoot(brush, data, g, style, view)
}

function styleOf(look) {
  const colour = (name) => look.getPropertyValue(`--st-${name}-color`).trim()
  return { page: colour("background"), text: colour("text"), accent: colour("primary"), line: colour("border"), font: look.fontFamily }
}

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

function scrollTo(parts, left, top) {
  set(parts.scroll, "scrollLeft", left)
  set(parts.scroll, "scrollTop", top)
  scrolled(parts)
}

function draw(parts, data) {
  const { root, scroll, stage } = parts
  parts.width ||= root.clientWidth
  if (!parts.width) return
  const look = getComputedStyle(root), style = styleOf(look), g = parts.geometry = geometry(data, parts.width, ZOOM ** parts.level)
  const { stops, pixels } = palette(look, data.kind === "signed" ? "diverging" : "sequential")
  const most = g.limit < g.tall ? `${Math.round(g.limit)}px` : "", size = [g.labels, most, g.wide, g.tall].join()
  if (parts.size !== size) {
    parts.size = size
    parts.labels.style.width = `${g.labels}px`
    scroll.style.maxHeight = most
    stage.style.width = `${g.wide}px`
    stage.style.height = `${g.tall}px`
  }
  const view = inSight(parts, g), shades = shaded(parts, data, pixels)
  const painted = [data.text, ...Object.values(style), ...Object.values(view), ...Object.values(g), window.devicePixelRatio].join()
  if (parts.painted === painted && parts.lastShades === shades) return
  parts.painted = painted
  parts.lastShades = shades
  paint(sized(parts.canvas, view.width, view.height), data, g, style, shades, view)
  const side = sized(parts.labels, g.labels, data.labelled ? view.height : 1)
  if (data.labelled) drawRows(side, data, g, style, view, g.labels - 7)
  axes(parts, data, view, g)
  legend(parts, data, stops)
}

// Keeps the place (x, y) of the box where it is, as long as the map reaches so far.
function zoom(parts, data, step, x = parts.scroll.clientWidth / 2, y = parts.scroll.clientHeight / 2) {
  const { scroll, geometry: before, cell } = parts, level = parts.level + step
  if (data.across || data.folded) return
  const size = (g) => Math.min(g.w, g.h), next = geometry(data, parts.width, ZOOM ** level)
  if (step > 0 ? size(next) > 60 : size(next) < 2) return
  const share = [(scroll.scrollLeft + x - before.left) / (before.wide - before.left), (scroll.scrollTop + y) / (before.tall - before.foot)]
  parts.level = level
  parts.draw()
  scrollTo(parts, share[0] * (next.wide - next.left) + next.left - x, share[1] * (next.tall - next.foot) - y)
  if (cell) point(parts, data, cell, true)
  parts.draw()
}

// --- reading and choosing ------------------------------------------------------------------------------------------

function read(data, [panel, row, column]) {
  if (data.across) return [data.titles[panel], ""]
  const [, rows, columns] = data.shape
  if (data.folded) {
    const place = row * columns + column
    return place < data.folded ? [`${data.foldedAs} ${place}`, written(data.numbers[place])] : ["", ""]
  }
  const number = spoken(data, panel, row, column)
  const which = isNumbered(data.rows) ? `${data.rowsTitle || "row"} ${data.rows[row]}` : data.rows[row]
  const place = isNumbered(data.columns) ? `${which}, ${data.columnsTitle || "column"} ${data.columns[column]}`
    : `${data.rows[row]} → ${data.columns[column]}`
  return [data.labelled ? place : `${data.titles[panel]}\n${place}`, number]
}

function spoken(data, panel, row, column) {
  const [, rows, columns] = data.shape, value = data.numbers[(panel * rows + row) * columns + column]
  if (data.kind === "mask") return value ? "1 (may look)" : "0 (blocked)"
  return data.hidden?.[row * columns + column] ? `${written(value)} (blocked)` : written(value)
}

function placeOf(data, g, [panel, row, column]) {
  const [left, top] = corner(g, data.shape, panel)
  return data.across ? [left, top, data.shape[2] * g.w, data.shape[1] * g.h]     // the whole map
    : [left + column * g.w, top + row * g.h, g.w, g.h]
}

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
    if (number) make("b", "", tip).textContent = number
  }
  if (aloud) {
    parts.spoken.textContent = `${text} ${number}`
    intoSight(parts, g, x, y, wide, tall)
    parts.draw()
  }
  const home = parts.root.getBoundingClientRect(), stage = parts.stage.getBoundingClientRect()
  const across = stage.left - home.left + x + wide / 2, down = stage.top - home.top + y
  tip.style.left = `${clamp(across - tip.offsetWidth / 2, 0, Math.max(0, parts.width - tip.offsetWidth))}px`
  tip.style.top = `${down > tip.offsetHeight + 10 ? down - tip.offsetHeight - 8 : down + tall + 8}px`
}

// Scrolls no further than it must; the names at the left and at the foot cover what is behind them.
function intoSight(parts, g, x, y, wide, tall) {
  const { scroll } = parts, left = g.named ? g.left : 0
  scrollTo(parts, clamp(scroll.scrollLeft, x + wide - scroll.clientWidth + 8, Math.max(0, x - left - 8)),
    clamp(scroll.scrollTop, y + tall - scroll.clientHeight + g.foot + 8, Math.max(0, y - g.head - 8)))
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

// A cell that was opened elsewhere, or a head, may lie beyond the edge: the map scrolls to it, once.
function reveal(parts, data) {
  const { geometry: g } = parts, row = data.frame?.[0] ?? 0
  const place = JSON.stringify([data.titles, data.opened, data.chosen, data.frame])
  if (!g || data.across || parts.revealed === place) return
  parts.revealed = place
  const [x, y, wide, tall] = placeOf(data, g, data.opened ?? [data.chosen ?? 0, row, data.frame?.[1] ?? 0])
  const { left, top, width, height } = inSight(parts, g), names = g.named ? g.left : 0
  const aside = x - names < left || x + wide > left + width, above = y < top || y + tall > top + height - g.foot
  if (!aside && !above) return
  scrollTo(parts, !aside ? left : x < names + width / 2 ? 0 : x - width / 2,
    !above ? top : y < height / 2 ? 0 : y - (data.opened ? height / 2 : g.head + 8))
  parts.draw()
}

// The cell under the pointer; over the names at the edges there is none.
function under(parts, data, event) {
  const { geometry: g, scroll } = parts, { offsetX: x, offsetY: y } = event
  if (!data.across && (scroll.scrollLeft && x < g.left || y > scroll.clientHeight - g.foot)) return null
  return cellAt(g, data.shape, x + scroll.scrollLeft, y + scroll.scrollTop)
}

function listen(parts, data, choose) {
  const { canvas } = parts
  canvas.onpointermove = (event) => point(parts, data, under(parts, data, event))
  canvas.onpointerleave = () => point(parts, data, null)
  canvas.onblur = () => point(parts, data, null)
  canvas.onclick = (event) => { const cell = under(parts, data, event); if (cell) choose(cell) }
  canvas.onwheel = (event) => {
    if (!event.ctrlKey || data.across || data.folded) return          // two fingers on a touchpad count as the key
    event.preventDefault()
    zoom(parts, data, event.deltaY < 0 ? 1 : -1, event.offsetX, event.offsetY)
  }
  canvas.onkeydown = (event) => {
    const cell = parts.cell ?? [data.chosen ?? 0, data.frame?.[0] ?? 0, data.frame?.[1] ?? 0]
    if (event.ctrlKey || event.metaKey || event.altKey) return
    if (event.key.startsWith("Arrow")) point(parts, data, moved(data, parts.geometry, cell, event.key), true)
    else if (event.key === "Enter" || event.key === " ") choose(cell)
    else if (event.key === "Escape") point(parts, data, null)
    else if ("+=".includes(event.key)) zoom(parts, data, 1)
    else if ("-−_".includes(event.key)) zoom(parts, data, -1)
    else return
    event.preventDefault()
  }
  parts.in.onclick = () => zoom(parts, data, 1)
  parts.out.onclick = () => zoom(parts, data, -1)
  parts.save.onclick = () => savePicture(parts, data)
  parts.asTable.onclick = () => { parts.table.hidden = !parts.table.hidden; showTable(parts, data) }
}

// The whole map with its labels, however much of it is in sight.
function savePicture({ root, geometry: g, shaded: shades }, data) {
  const whole = document.createElement("canvas"), wide = g.labels + g.wide, look = getComputedStyle(root), style = styleOf(look)
  const dense = Math.min(2, 16000 / Math.max(wide, g.tall), Math.sqrt(6e7 / (wide * g.tall)))
  const view = { left: 0, top: 0, width: g.wide, height: g.tall }
  whole.width = Math.round(wide * dense)
  whole.height = Math.round(g.tall * dense)
  const brush = whole.getContext("2d")
  brush.scale(dense, dense)
  brush.fillStyle = style.page
  brush.fillRect(0, 0, wide, g.tall)
  if (data.labelled) drawRows(brush, data, g, style, view, g.labels - 7)
  brush.translate(g.labels, 0)
  paint(brush, data, g, style, shades, view)
  download(whole)
}

// The numbers as a table with headers: of several maps those of the chosen one.
function showTable(parts, data) {
  const { table: home, asTable } = parts, [, rows, columns] = data.shape, panel = data.chosen ?? 0
  set(asTable, "ariaExpanded", String(!home.hidden))
  const shown = home.hidden ? null : [data.text, data.packed, data.blocked]
  if (shown && parts.shown?.every((part, i) => part === shown[i])) return
  parts.shown = shown
  home.replaceChildren()
  if (!shown) return
  const box = make("div", "numbers", home), table = make("table", "", box)
  const cut = rows > MOST_ROWS || columns > MOST_COLUMNS ? ` (the first ${MOST_ROWS} rows and ${MOST_COLUMNS} columns)` : ""
  box.tabIndex = 0
  make("caption", "", table, (data.titles[panel] || "Numbers") + cut)
  const top = make("tr", "", make("thead", "", table)), body = make("tbody", "", table)
  make("th", "", top, data.rowsTitle || "").scope = "col"
  for (const label of data.columns.slice(0, MOST_COLUMNS)) make("th", "", top, label).scope = "col"
  data.rows.slice(0, MOST_ROWS).forEach((label, row) => {
    const line = make("tr", "", body)
    make("th", "", line, label).scope = "row"
    for (let c = 0; c < Math.min(columns, MOST_COLUMNS); c++) make("td", "", line, read(data, [panel, row, c])[1])
  })
}

// The numbers and what hides them, unpacked once, however often the page is drawn.
function unpacked(parts, data) {
  const packed = data.values ?? data.shades, known = parts.data
  const numbers = known?.packed === packed && known.limit === data.limit ? known.numbers : data.values ? decode(packed)
    : Float32Array.from(bytes(packed), (shade) => shade / 255 * data.limit)
  const hidden = known && known.blocked === data.blocked ? known.hidden : data.blocked && bytes(data.blocked)
  const text = JSON.stringify({ ...data, values: null, shades: null, blocked: null })
  return parts.data = { ...data, packed, numbers, hidden, text }
}

function describe(parts, data) {
  set(parts.title, "textContent", data.labelled ? data.titles[0] : "")
  parts.title.style.setProperty("--kind", data.colour || "transparent")
  parts.title.classList.toggle("kind", Boolean(data.colour))
  set(parts.title, "hidden", !data.labelled || !data.titles[0])
  const still = Boolean(data.across || data.folded)
  for (const tool of [parts.in, parts.out]) set(tool, "hidden", still)
  set(parts.asTable, "hidden", Boolean(data.across))
  set(parts.canvas, "ariaLabel", data.alt + (still ? "" : " Plus and minus zoom."))
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root")
  if (!memory.has(root)) memory.set(root, build(root))
  const parts = memory.get(root), before = parts.data?.text, shown = unpacked(parts, data)
  if (before !== shown.text) describe(parts, shown)
  parts.draw = () => draw(parts, shown)
  parts.draw()
  reveal(parts, shown)
  if (parts.cell) point(parts, shown, parts.cell.every((at, axis) => at < shown.shape[axis]) ? parts.cell : null)
  if (!parts.table.hidden) showTable(parts, shown)
  listen(parts, shown, (cell) => setTriggerValue("cell", cell))
  return () => { parts.watch.disconnect(); memory.delete(root) }
}
