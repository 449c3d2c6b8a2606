// Draws the overview's sheet on a brush as it is at a moment of its motion: strips of real numbers, weights as lines, bars.
import { CLEAR, frameOn, hatchOf, pointPicture, shadeOf } from "./colours.js"
import { shownAt, staggered } from "./overview_motion.js"
import { middle } from "./overview_places.js"
import { cellPlace, readCell, shareWords } from "./overview_reading.js"
import { rounded } from "./numbers.js"
import { disc, plate } from "./round_shapes.js"
import { shorten } from "./words.js"

const FAINT = 0.13             // how strong a part is before its time

// From the back to the front, as it is at a time. Where a part has not begun its place is there, faintly. from: another sheet, from whose
// places the bars and the line to the likeliest word come.
export function drawSheet(brush, style, data, sheet, time, from = null) {
  const places = from && placesOf(from), shown = { ...shownAt(sheet.script, time), ...(from ? STAYS : {}) }
  for (const frame of sheet.frames) frameBehind(brush, style, frame)
  for (const band of sheet.bands) bandOn(brush, style, band, shown)
  for (const line of sheet.lines) {
    if (line.kind === "memory") memoryOn(brush, style, line, shown[line.when])
    else if (line.kind === "beside") besideOn(brush, style, line, shown.neurons)
  }
  for (const item of sheet.items) {
    if (item.type === "strip") stripOn(brush, style, data, item, shown)
    else if (item.type === "map") mapOn(brush, style, data, item, shown)
  }
  if (sheet.looking) looking(brush, style, data, sheet.looking, shown)
  for (const item of sheet.items) signOn(brush, style, moved(item, places?.bars.get(item.key), shown.lead), shown)
  for (const line of sheet.lines) {
    if (line.kind === "guess") guessOn(brush, style, line, shown.out, places?.line ? between(places.line, line.to, shown.lead) : line.to)
    else if (line.kind === "rule") ruleOn(brush, style, line, shown.bars)
  }
  if (data.opened) for (const item of sheet.items) if (item.key === data.opened[0]) openedOn(brush, item, data.opened)
  for (const each of sheet.texts) textOn(brush, style, each, shown)
}

const STAYS = { after: 1, out: 1, bars: 1 }          // what was there before, and only changes

// Where the bars and the end of the line were.
const placesOf = ({ items, lines }) => ({ line: lines.find(({ kind }) => kind === "guess")?.to,
  bars: new Map(items.filter(({ type }) => type === "bar").map(({ key, x, y }) => [key, [x, y]])) })

const between = ([a, b], [c, d], p) => [a + (c - a) * p, b + (d - b) * p]

function moved(item, from, p) {
  if (item.type !== "bar" || item.cosine || !from || p >= 1) return item
  const [x, y] = between(from, [item.x, item.y], p)
  return { ...item, x, y }
}

const presence = (shown, when) => (when ? FAINT + (1 - FAINT) * shown[when] : 1)

// The numbers as a small picture, one point for each; kept as long as the colours are the same.
function smallOf(part, key, make) {
  if (part.pictureOf !== key) Object.assign(part, { pictureOf: key, picture: make() })
  return part.picture
}

const shaded = (rows, columns, pixelAt) =>
  pointPicture(rows, columns, (pixels) => { for (let i = 0; i < rows * columns; i++) pixels[i] = pixelAt(i) })

const vectors = (style, part) => smallOf(part, style.signed, () => shaded(part.numbers.length / part.cells, part.cells,
  (i) => shadeOf(style.signed.pixels, (part.numbers[i] / part.limit + 1) / 2)))

function bandOn(brush, style, { x, w, y, rows }, shown) {
  rows.at.forEach((at, i) => {
    const chosen = i === rows.chosen, tall = Math.max(2, rows.size * (chosen ? 0.3 : 0.24))
    brush.globalAlpha = shown.fill
    brush.fillStyle = style.kinds.residual + (chosen ? "88" : style.dark ? "30" : "28")
    brush.fillRect(x, y + at + (rows.size - tall) / 2, w, tall)
  })
  brush.globalAlpha = 1
}

// --- strips -----------------------------------------------------------------------------------------------------------------------

function stripOn(brush, style, data, item, shown) {
  const { part, rows, upright } = item, p = shown[item.when], n = item.single || rows.only !== undefined ? 1 : rows.at.length
  brush.imageSmoothingEnabled = false
  for (let i = 0; i < n; i++) {
    const begun = item.nth === undefined ? staggered(p, i, n) : sweepOf(item, p)
    brush.tell = (across, down) => readCell(data, item, [rows.only ?? i, upright ? across : down])      // heard by svg_brush.js alone
    if (upright) columnOn(brush, style, item, i, begun)
    else rowOn(brush, style, item, rows.only ?? i, i, begun)
    brush.tell = null
  }
  if (item.added?.length && shown.position < 1 && shown.fill > 0) positionsOn(brush, style, data, item, shown)
}

// The layers fill one after the other.
const sweepOf = ({ nth, of }, p) => Math.min(1, Math.max(0, p * of - nth))

function rowOn(brush, style, item, row, i, begun) {
  const { x, w, y, rows, inset, part, chosenLayer } = item, top = y + rows.at[i] + inset, tall = rows.size - 2 * inset
  const chosen = rows.chosen === row && !item.single
  brush.globalAlpha = FAINT + (1 - FAINT) * begun
  brush.fillStyle = style.page
  brush.fillRect(x, top, w, tall)
  if (begun > 0) brush.drawImage(vectors(style, part), 0, row, part.cells * begun, 1, x, top, w * begun, tall)
  const edge = chosen ? style.text : chosenLayer ? style.accent : style.kinds[part.kind]
  if (w > 8 && tall > 9 || chosen && w > 4) outline(brush, edge, x, top, w, tall, chosen ? 1.6 : 1)
  brush.globalAlpha = 1
}

function columnOn(brush, style, { part, x, y, h, rows }, i, begun) {
  brush.globalAlpha = FAINT + (1 - FAINT) * begun
  const wide = rows.size - 1.5
  const { tell } = brush
  for (let c = 0; c < part.cells; c++) {
    brush.tell = () => tell(c)
    brush.drawImage(vectors(style, part), c, i, 1, 1, x + rows.at[i], y + h * c / part.cells, wide, h / part.cells)
  }
  outline(brush, style.kinds[part.kind], x + rows.at[i], y, wide, h, 0.8)
  brush.globalAlpha = 1
}

// Before positions are added the words' own vectors stand there; those of the positions come down onto them.
function positionsOn(brush, style, data, item, shown) {
  const { x, w, y, rows, inset, begins, added } = item, away = (1 - shown.position) * rows.size * 0.9
  rows.at.forEach((at, i) => {
    const top = y + at + inset, tall = rows.size - 2 * inset, own = data.strips[begins], position = data.strips[added[0]]
    brush.globalAlpha = shown.fill * (1 - shown.position)
    brush.drawImage(vectors(style, own), 0, i, own.cells, 1, x, top, w, tall)
    brush.globalAlpha = shown.position > 0 ? 0.9 * (1 - shown.position * 0.6) : 0
    brush.drawImage(vectors(style, position), 0, i, position.cells, 1, x, top - away, w, tall * 0.6)
  })
  brush.globalAlpha = 1
}

function outline(brush, colour, x, y, w, h, width) {
  brush.strokeStyle = colour
  brush.lineWidth = width
  brush.strokeRect(x - 0.5, y - 0.5, w + 1, h + 1)
}

// --- attention --------------------------------------------------------------------------------------------------------------------

function mapOn(brush, style, data, item, shown) {
  const { part, x, y, rows, columns, mask, silent } = item, [R, C] = part.shown, hidden = data.maps[mask].numbers
  const small = smallOf(part, style.sequential, () => shaded(R, C, (i) => hidden[i] ? shadeOf(style.sequential.pixels, part.numbers[i])
      : CLEAR)), hatch = hatchOf(brush, style)
  brush.imageSmoothingEnabled = false
  brush.globalAlpha = presence(shown, "map")
  brush.fillStyle = style.page
  brush.fillRect(x, y, item.w, item.h)
  rows.at.forEach((down, r) => {
    const begun = staggered(shown.map, r, R)
    columns.at.forEach((right, c) => {
      const place = [x + right, y + down + 1, columns.size - 1.5, rows.size - 2]
      if (!hidden[r * C + c]) {
        Object.assign(brush, { fillStyle: hatch, globalAlpha: begun })
        brush.fillRect(...place)
      }
      brush.globalAlpha = begun * (silent ? 0.22 : 1)
      brush.tell = () => readCell(data, item, [r, c])
      brush.drawImage(small, c, r, 1, 1, ...place)
    })
  })
  brush.tell = null
  brush.globalAlpha = shown.map
  if (rows.chosen != null) chosenRow(brush, style, item, rows.chosen)
  if (silent) pillOn(brush, style, "silent", x + item.w / 2, y + item.h / 2)
  brush.globalAlpha = 1
}

// A word on a plate of its own, so that no cell shows through it.
function pillOn(brush, style, words, x, y) {
  brush.font = `650 15px ${style.font}`
  const wide = brush.measureText(words).width + 28, tall = 30
  plateOn(brush, style.page, x - wide / 2, y - tall / 2, wide, tall, tall / 2)
  Object.assign(brush, { strokeStyle: style.alarm, lineWidth: 1.5 })
  brush.stroke()
  write(brush, style, { words, x, y: y + 0.5, size: 15, align: "center", bold: true, alarm: true, plain: true })
}

function chosenRow(brush, style, { part, x, y, rows, columns, w, silent }, row) {
  outline(brush, style.text, x, y + rows.at[row] + 1, w - 1.5, rows.size - 2, 1.4)
  if (silent || columns.size < 24 || rows.size < 14) return
  columns.at.forEach((right, c) => {
    const weight = part.numbers[row * part.shown[1] + c]
    if (weight >= 0.01) write(brush, style, { words: shareWords(weight), x: x + right + columns.size / 2 - 0.7,
        y: y + rows.at[row] + rows.size / 2, size: Math.min(11, columns.size / 2.7),
      align: "center", plain: true, colour: (weight > 0.5) !== style.dark ? "#ffffff" : style.dark ? "#14181f" : style.text })
  })
}

// Lines from a word's query to all that it looks at, as wide as its weights; and from their values into its z.
function looking(brush, style, data, { q, map, v, z, part }, shown, row = q.rows.chosen) {
  if (row == null) return
  const weights = data.maps[part.pattern], count = weights.shown[1], faint = map.silent ? 0.12 : 1, from = [q.x + q.w + 2, middle(q, row)]
  const into = z.rows.only === undefined ? [z.x - 2, middle(z, row)] : [z.x + z.w / 2 + 12, z.y - 2], most = widest(q)
  for (let m = 0; m < count; m++) {
    const weight = weights.numbers[row * count + m], wide = Math.max(0.7, weight * most)
    if (!data.maps[part.mask].numbers[row * count + m]) continue
    curve(brush, from, [map.x - 3, middle(v, m)], { colour: style.kinds.weight, wide, alpha: (weight > 0.3 ? 0.8 : 0.4) * faint,
        p: shown.lines })
    if (weight > 0.01) curve(brush, [v.x + v.w + 2, middle(v, m)], into, { colour: style.kinds.v, wide, alpha: 0.75 * faint,
        p: shown.travel, bead: shown.travel < 1, down: z.rows.only !== undefined })
  }
}

// What lights up when one rests on another word: where that one looks; on a cell of the map: that weight alone, as wide as it is.
export function lookingFrom(brush, style, data, { looking: way }, row, column = null) {
  if (way && column === null) looking(brush, style, data, way, { lines: 1, travel: 1 }, row)
  else if (way) linkOn(brush, style, data, way, row, column)
}

function linkOn(brush, style, data, { q, map, v, z, part }, row, column) {
  const { numbers, shown: [, count] } = data.maps[part.pattern], at = row * count + column, exact = numbers[at] * widest(q)
  if (!data.maps[part.mask].numbers[at]) return
  const look = { wide: Math.max(1, exact), dashed: exact < 1, alpha: 1, p: 1 }
  curve(brush, [q.x + q.w + 2, middle(q, row)], [map.x - 3, middle(v, column)], { colour: style.kinds.weight, ...look })
  if (z.rows.only === undefined && !map.silent) curve(brush, [v.x + v.w + 2, middle(v, column)], [z.x - 2, middle(z, row)], { colour: style.kinds.v, ...look })
}

// How wide the line of a weight of 1 is.
const widest = ({ rows }) => Math.min(14, rows.size * 0.7)

// A curve as far as it has come; a bead runs at its end.
function curve(brush, [x1, y1], [x2, y2], { colour, wide, alpha, p, bead, down, dashed }) {
  if (p <= 0) return
  if (down) return pipe(brush, [x1, y1], [x2, y2], { colour, wide, alpha: alpha * p })
  const bend = (x2 - x1) * 0.5, path = [x1 + bend, y1, x2 - bend, y2]
  const long = Math.hypot(x2 - x1, y2 - y1) * 1.25 + 8
  brush.save()
  Object.assign(brush, { strokeStyle: colour, lineWidth: wide, globalAlpha: alpha, lineCap: wide < 2 ? "round" : "butt" })
  if (p < 1) brush.setLineDash([long * p, long * 2])
  else if (dashed) brush.setLineDash([3, 3])
  brush.beginPath()
  brush.moveTo(x1, y1)
  brush.bezierCurveTo(...path, x2, y2)
  brush.stroke()
  if (bead) beadOn(brush, colour, [x1, y1, ...path, x2, y2], p, wide)
  brush.restore()
}

// Beside the picture and below it, where there is no room through it.
function pipe(brush, [x1, y1], [x2, y2], { colour, wide, alpha }) {
  const low = y2 - 26, right = x1 + 7
  brush.save()
  Object.assign(brush, { strokeStyle: colour, lineWidth: Math.min(wide, 6), globalAlpha: alpha, lineJoin: "round" })
  brush.beginPath()
  for (const [i, place] of [[x1, y1], [right, y1], [right, low], [x2, low], [x2, y2]].entries()) i ? brush.lineTo(...place)
      : brush.moveTo(...place)
  brush.stroke()
  brush.restore()
}

function beadOn(brush, colour, [a, b, c, d, e, f, g, h], p, wide) {
  const at = (s, t, u, v) => (1 - p) ** 3 * s + 3 * (1 - p) ** 2 * p * t + 3 * (1 - p) * p * p * u + p ** 3 * v
  Object.assign(brush, { fillStyle: colour, globalAlpha: 1 })
  brush.beginPath()
  disc(brush, at(a, c, e, g), at(b, d, f, h), 3 + wide / 3)
  brush.fill()
}

function memoryOn(brush, style, { from, to }, p) {
  const [x1, y1] = from, [x2, y2] = to, bend = (y2 - y1) * 0.6
  brush.save()
  Object.assign(brush, { strokeStyle: style.kinds.residual, lineWidth: 7, globalAlpha: 0.3 * p })
  brush.beginPath()
  brush.moveTo(x1, y1)
  brush.bezierCurveTo(x1, y1 + bend, x2, y2 - bend, x2, y2)
  brush.stroke()
  brush.restore()
}

// In a parallel layer, past attention to the neurons: they read what it has read.
function besideOn(brush, style, { from: [x1, y1], to: [x2, y2] }, p) {
  brush.save()
  Object.assign(brush, { strokeStyle: style.kinds.residual, lineWidth: 3, globalAlpha: 0.15 + 0.7 * p, lineJoin: "round" })
  brush.beginPath()
  for (const [i, place] of [[x1, y1 - 12], [x1, y1], [x2, y2]].entries()) i ? brush.lineTo(...place) : brush.moveTo(...place)
  brush.stroke()
  brush.restore()
}

const guessOn = (brush, style, { from }, p, to) => curve(brush, from, to, { colour: style.kinds.head, wide: 2.5, alpha: 0.55, p })

function ruleOn(brush, style, { from: [x, y], to: [right] }, p) {
  brush.globalAlpha = FAINT + (1 - FAINT) * p
  brush.fillStyle = style.line
  brush.fillRect(x, y - 0.5, right - x, 1)
  brush.globalAlpha = 1
}

// --- signs, bars, texts -------------------------------------------------------------------------------------------------------------

function signOn(brush, style, item, shown) {
  if (item.type === "norm") normOn(brush, style, item, presence(shown, item.when))
  else if (item.type === "plus") plusOn(brush, style, item, shown[item.when])
  else if (item.type === "bar") barOn(brush, style, item, shown.bars, shown.grow)
}

function normOn(brush, style, { x, y, w, h }, p) {
  brush.globalAlpha = p
  plateOn(brush, style.kinds.norm + "99", x, y, w, h, 3)
  brush.globalAlpha = 1
}

function plateOn(brush, colour, x, y, w, h, round) {
  brush.fillStyle = colour
  brush.beginPath()
  plate(brush, x, y, w, h, round)
  brush.fill()
}

function plusOn(brush, style, { x, y, w, h }, p) {
  brush.globalAlpha = FAINT + (1 - FAINT) * p
  Object.assign(brush, { fillStyle: style.page, strokeStyle: style.text, lineWidth: 1.5 })
  brush.beginPath()
  disc(brush, x + w / 2, y + h / 2 + (1 - p) * 8, w / 2 - 1)
  brush.fill()
  brush.stroke()
  write(brush, style, { words: "+", x: x + w / 2, y: y + h / 2 + 0.5 + (1 - p) * 8, size: 16, align: "center", plain: true })
  brush.globalAlpha = 1
}

// A share from 0 to 1, on one scale for all; dashed, what it was before.
function barOn(brush, style, item, p, grown) {
  const { x, y, w, h, word, room, wide, thick, cosine } = item, { share, before } = cosine ? item : word
  const left = x + room, top = y + (h - thick) / 2, hot = cosine || word.hot, middle = y + h / 2,
      long = (before ?? 0) + (share - (before ?? 0)) * grown
  brush.globalAlpha = FAINT + (1 - FAINT) * Math.min(1, p * 2)
  plateOn(brush, style.text + (style.dark ? "1c" : "12"), left, top, wide, thick, 3)
  plateOn(brush, style.kinds.head + (hot ? "" : "90"), left, top, Math.max(1.5, wide * Math.max(0, long)), thick, 2)
  if (before != null) ghostOn(brush, style, left, top, Math.max(1.5, wide * Math.max(0, before)), thick)
  if (word) write(brush, style, { words: shorten(word.word, Math.floor((room - 7) / 8)), x: left - 7, y: middle, align: "right",
    size: Math.min(15, h - 5), bold: word.hot })
  write(brush, style, { words: cosine ? rounded(share, 2) : shareWords(share), x: x + w, y: middle, size: 12, align: "right" })
  brush.globalAlpha = 1
}

function ghostOn(brush, style, x, y, w, h) {
  brush.save()
  brush.setLineDash([3, 2])
  Object.assign(brush, { strokeStyle: style.text, lineWidth: 1.2 })
  brush.strokeRect(x, y - 2, w, h + 4)
  brush.restore()
}

// The number that is explained.
function openedOn(brush, item, [, row, cell]) {
  if (item.type === "bar" ? item.cell[0] !== row : item.rows.only !== undefined && item.rows.only !== row) return
  const [x, y, wide, tall] = item.type === "bar" ? [item.x, item.y, item.w, item.h] : cellPlace(item, row, cell)
  frameOn(brush, x - 1, y - 1, wide + 2, tall + 2)
}

// Words of the sentence drop into their rows.
function textOn(brush, style, each, shown) {
  if (each.when !== "drop") brush.globalAlpha = presence(shown, each.when)
  else {
    const p = staggered(shown.drop, each.row, each.of)
    if (p <= 0) return
    brush.globalAlpha = p
    each = { ...each, y: each.y - (1 - p) * 26 }
  }
  write(brush, style, each)
  brush.globalAlpha = 1
}

function write(brush, style, { words, x, y, size, align, bold, soft, accent, alarm, angle, plain, kind, colour }) {
  brush.save()
  brush.translate(x, y)
  if (angle) brush.rotate(angle)
  const ink = colour ?? (alarm ? style.alarm : accent ? style.accent : soft ? style.soft : style.text)
  const font = (size) => `${bold ? 650 : 400} ${size}px ${style.font}`
  Object.assign(brush, { font: font(size), textAlign: align, textBaseline: "middle", lineJoin: "round",
    strokeStyle: style.page, lineWidth: 3, fillStyle: ink })
  const wide = brush.measureText(words).width
  if (align === "right" && !angle && wide > x - 1) brush.font = font((size * (x - 1)) / wide)      // letters of another font may be wider than was reckoned
  if (!plain) brush.strokeText(words, 0, 0)
  brush.fillText(words, 0, 0)
  if (kind) underline(brush, style.kinds[kind], brush.measureText(words).width, size, align)
  brush.restore()
}

// A role's colour stands under its words: as ink it would be too pale to read.
function underline(brush, colour, wide, size, align) {
  brush.fillStyle = colour
  brush.fillRect(align === "center" ? -wide / 2 : align === "right" ? -wide : 0, size * 0.58, wide, 2)
}

// The opened layer.
function frameBehind(brush, style, { x, y, w, h }) {
  plateOn(brush, style.accent + (style.dark ? "14" : "0a"), x, y, w, h, 14)
  brush.strokeStyle = style.accent + "44"
  brush.lineWidth = 1
  brush.stroke()
}
