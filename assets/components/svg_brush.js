// A brush that writes SVG: what the pictures ask of a canvas's brush, so that one function draws both. Words stay words, and the cells of
// a map are rectangles, each with its number as a tip where the drawing tells it: brush.tell(row, column), brush.about for one shape.
import { SVG } from "./dom.js"

const MOST_CELLS = 20000      // of a picture; what has more is put in as pixels
const KEPT = ["fillStyle", "strokeStyle", "lineWidth", "lineCap", "lineJoin", "globalAlpha", "font", "textAlign", "textBaseline", "tell", "about"]
const ANCHORS = { center: "middle", right: "end", end: "end" }
const BASELINES = { middle: "central", top: "hanging", hanging: "hanging" }

// What XML can't hold is left out.
export const writable = (text) =>
  // eslint-disable-next-line no-control-regex
  String(text).replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]|[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "\ufffd")

const round = (x) => Math.round(x * 100) / 100

export function node(tag, attributes, text) {
  const made = document.createElementNS(SVG, tag)
  for (const [name, value] of Object.entries(attributes))
    if (value !== null && value !== undefined) made.setAttribute(name, typeof value === "number" ? round(value) : writable(value))
  if (text !== undefined) made.textContent = writable(text)
  return made
}

// Any colour as ["#rrggbb", opacity]: not every program that opens an SVG knows all that a browser does.
const probe = document.createElement("canvas").getContext("2d", { willReadFrequently: true })
const colours = new Map()

function colourOf(value) {
  if (!colours.has(value)) colours.set(value, parsed(value))
  return colours.get(value)
}

function parsed(value) {
  probe.fillStyle = value
  const text = probe.fillStyle, [, red, green, blue, alpha] = /^rgba\((\d+), (\d+), (\d+), ([\d.]+)\)$/.exec(text) ?? []
  if (text.startsWith("#")) return [text, 1]
  if (alpha) return [hex(red, green, blue), Number(alpha)]
  probe.clearRect(0, 0, 1, 1)
  probe.fillRect(0, 0, 1, 1)
  const pixel = probe.getImageData(0, 0, 1, 1).data
  return [hex(...pixel), pixel[3] / 255]
}

const hex = (...parts) => `#${parts.slice(0, 3).map((part) => Number(part).toString(16).padStart(2, "0")).join("")}`

const pixels = new WeakMap()      // the small pictures of maps, read once

function pixelsOf(canvas) {
  if (!pixels.has(canvas)) pixels.set(canvas, canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data)
  return pixels.get(canvas)
}

const rounded = (x, y, w, h, r) => `M${x + r},${y}h${w - 2 * r}a${r},${r} 0 0 1 ${r},${r}v${h - 2 * r}a${r},${r} 0 0 1 ${-r},${r}h${2 * r - w}a${r},${r} 0 0 1 ${-r},${-r}v${2 * r - h}a${r},${r} 0 0 1 ${r},${-r}z`

function arcOf(x, y, r, from, to) {
  const at = (angle) => `${round(x + r * Math.cos(angle))},${round(y + r * Math.sin(angle))}`
  if (to - from >= 2 * Math.PI) return `M${x + r},${y}A${r},${r} 0 1 1 ${x - r},${y}A${r},${r} 0 1 1 ${x + r},${y}`
  return `L${at(from)}A${r},${r} 0 ${to - from > Math.PI ? 1 : 0} 1 ${at(to)}`.replace(/^L/, "M")
}

// cells: how many are to come, where that is known.
export function svgBrush(wide, tall, cells = 0) {
  const root = node("svg", { xmlns: SVG, width: wide, height: tall, viewBox: `0 0 ${round(wide)} ${round(tall)}` }), defs = node("defs", {})
  root.append(defs)
  const brush = { fillStyle: "#000", strokeStyle: "#000", lineWidth: 1, lineCap: "butt", lineJoin: "miter", globalAlpha: 1,
    font: "10px sans-serif", textAlign: "left", textBaseline: "alphabetic", tell: null, about: null }
  const it = { root, defs, brush, matrix: new DOMMatrix(), clip: null, dash: [], path: "", held: [], group: null, key: "", ids: 0, patterns: new Map(), cells: cells > MOST_CELLS ? cells : 0 }
  Object.assign(brush, places(it), paths(it), marks(it), { element: root, text: () => new XMLSerializer().serializeToString(root) })
  return brush
}

// --- where ---------------------------------------------------------------------------------------------------------

function places(it) {
  const move = (change) => (...given) => { it.matrix = change(it.matrix, ...given) }
  return {
    save() { it.held.push({ ...Object.fromEntries(KEPT.map((name) => [name, it.brush[name]])), matrix: it.matrix, clip: it.clip, dash: it.dash }) },
    restore() {
      const { matrix, clip, dash, ...look } = it.held.pop()
      Object.assign(it, { matrix, clip, dash })
      Object.assign(it.brush, look)
    },
    translate: move((matrix, x, y) => matrix.translate(x, y)),
    scale: move((matrix, x, y) => matrix.scale(x, y)),
    rotate: move((matrix, angle) => matrix.rotate(angle * 180 / Math.PI)),
    setTransform: move((_, ...six) => new DOMMatrix(six)),
    setLineDash(dash) { it.dash = dash },
    clearRect() {},
    clip() {
      const id = `clip${it.ids++}`, cut = node("clipPath", { id })
      cut.append(node("path", { d: it.path, transform: transformOf(it.matrix) }))
      it.defs.append(cut)
      it.clip = id
    },
  }
}

function transformOf({ a, b, c, d, e, f, isIdentity }) {
  if (isIdentity) return null
  return a === 1 && b === 0 && c === 0 && d === 1 ? `translate(${round(e)},${round(f)})` : `matrix(${[a, b, c, d, e, f].map((x) => Math.round(x * 1e4) / 1e4)})`
}

// Neighbours in the same place and under the same edge stand in one group.
function put(it, element) {
  const transform = transformOf(it.matrix), key = `${transform} ${it.clip}`
  if (it.key !== key || !it.group) {
    it.key = key
    it.group = node("g", { transform })
    const outer = it.clip ? node("g", { "clip-path": `url(#${it.clip})` }) : it.group
    if (outer !== it.group) outer.append(it.group)
    it.root.append(outer)
  }
  it.group.append(element)
}

// --- paths ---------------------------------------------------------------------------------------------------------

function paths(it) {
  const add = (letter) => (...numbers) => { it.path += letter + numbers.map(round).join(",") }
  return {
    beginPath() { it.path = "" },
    moveTo: add("M"), lineTo: add("L"), bezierCurveTo: add("C"), quadraticCurveTo: add("Q"),
    closePath() { it.path += "Z" },
    rect(x, y, w, h) { it.path += `M${round(x)},${round(y)}h${round(w)}v${round(h)}h${round(-w)}z` },
    roundRect(x, y, w, h, r) { it.path += rounded(...[x, y, w, h, Math.max(0, Math.min(r, w / 2, h / 2))].map(round)) },
    arc(...given) { it.path += arcOf(...given) },
    fill() { put(it, told(it, node("path", { d: it.path, ...filled(it) }))) },
    place(element) { put(it, element) },          // another SVG
    stroke() { put(it, told(it, node("path", { d: it.path, ...stroked(it) }))) },
  }
}

// --- what is seen --------------------------------------------------------------------------------------------------

function told(it, shape) {
  if (it.brush.about) shape.append(node("title", {}, it.brush.about))
  return shape
}

function inked(it, name, style) {
  if (style.gradient) return { [name]: `url(#${style.gradient.id})`, [`${name}-opacity`]: it.brush.globalAlpha < 1 ? it.brush.globalAlpha : null }
  const [colour, alpha] = colourOf(style), opacity = alpha * it.brush.globalAlpha
  return { [name]: colour, [`${name}-opacity`]: opacity < 1 ? opacity : null }
}

const filled = (it) => inked(it, "fill", it.brush.fillStyle)

function stroked(it) {
  const { brush, dash } = it
  return { fill: "none", ...inked(it, "stroke", brush.strokeStyle), "stroke-width": brush.lineWidth,
    "stroke-linecap": brush.lineCap === "butt" ? null : brush.lineCap, "stroke-linejoin": brush.lineJoin === "miter" ? null : brush.lineJoin,
    "stroke-dasharray": dash.length ? dash.join() : null }
}

function words(it, text, x, y, ink) {
  const { brush } = it
  put(it, node("text", { x, y, style: `font: ${brush.font}`, "text-anchor": ANCHORS[brush.textAlign], "dominant-baseline": BASELINES[brush.textBaseline],
    "xml:space": "preserve", ...ink }, text))
}

function marks(it) {
  const box = (x, y, width, height) => ({ x: Math.min(x, x + width), y: Math.min(y, y + height), width: Math.abs(width), height: Math.abs(height) })
  return {
    fillRect(...given) { put(it, node("rect", { ...box(...given), ...filled(it) })) },
    strokeRect(...given) { put(it, node("rect", { ...box(...given), ...stroked(it) })) },
    fillText(text, x, y) { words(it, text, x, y, filled(it)) },
    strokeText(text, x, y) { words(it, text, x, y, stroked(it)) },
    measureText(text) { probe.font = it.brush.font; return probe.measureText(text) },
    createLinearGradient: (...ends) => gradient(it, ends),
    createPattern: (tile) => pattern(it, tile),
    drawImage(canvas, ...given) {
      const [sx, sy, sw, sh, x, y, w, h] = given.length === 8 ? given
        : [0, 0, canvas.width, canvas.height, given[0], given[1], given[2] ?? canvas.width, given[3] ?? canvas.height]
      drawCells(it, canvas, [sx, sy, Math.ceil(sw), Math.ceil(sh)], [x, y, w, h])
    },
  }
}

function gradient(it, [x1, y1, x2, y2]) {
  const made = node("linearGradient", { id: `ramp${it.ids++}`, gradientUnits: "userSpaceOnUse", x1, y1, x2, y2 })
  it.defs.append(made)
  return { gradient: made, addColorStop(offset, value) {
    const [colour, alpha] = colourOf(value)
    made.append(node("stop", { offset, "stop-color": colour, "stop-opacity": alpha < 1 ? alpha : null }))
  } }
}

// A picture that repeats, in the shapes that it names; each once in a file.
function pattern(it, tile) {
  const known = it.patterns.get(tile)
  if (known) return known
  const made = node("pattern", { id: `tile${it.ids++}`, patternUnits: "userSpaceOnUse", width: tile.width, height: tile.height })
  const inside = node("g", { transform: `scale(${tile.shapes.scale})` })
  inside.append(...tile.shapes.paths.map((shape) => node("path", shape)))
  made.append(inside)
  it.defs.append(made)
  const style = { gradient: made, setTransform: (matrix) => made.setAttribute("patternTransform", transformOf(matrix)) }
  it.patterns.set(tile, style)
  return style
}

// Each point of a small picture is a number: a rectangle. Where these are too many, the points as they are.
function drawCells(it, canvas, [sx, sy, sw, sh], [x, y, w, h]) {
  if (!sw || !sh || (it.cells += sw * sh) > MOST_CELLS) {
    if (sw && sh) put(it, asPixels(canvas, [sx, sy, sw, sh], [x, y, w, h]))
    return
  }
  const data = pixelsOf(canvas), wide = w / sw, tall = h / sh, cells = node("g", { "shape-rendering": "crispEdges" })
  for (let row = 0; row < sh; row++) for (let column = 0; column < sw; column++) {
    const at = 4 * ((sy + row) * canvas.width + sx + column), opacity = data[at + 3] / 255 * it.brush.globalAlpha
    if (!opacity) continue
    const cell = node("rect", { x: x + column * wide, y: y + row * tall, width: wide, height: tall, fill: hex(data[at], data[at + 1], data[at + 2]),
      "fill-opacity": opacity < 1 ? opacity : null })
    if (it.brush.tell) cell.append(node("title", {}, it.brush.tell(row, column)))
    cells.append(cell)
  }
  put(it, cells)
}

function asPixels(canvas, [sx, sy, sw, sh], [x, y, width, height]) {
  const part = document.createElement("canvas")
  Object.assign(part, { width: sw, height: sh })
  part.getContext("2d").drawImage(canvas, sx, sy, sw, sh, 0, 0, sw, sh)
  return node("image", { x, y, width, height, href: part.toDataURL(), preserveAspectRatio: "none", style: "image-rendering: pixelated" })
}
