// Draws the overview's sheet on a brush: strips of real numbers, maps, signs, flows, texts.
import { frameOn, HIDDEN, pixelOf, pointPicture, shadeOf } from "./colours.js"
import { percent } from "./numbers.js"
import { cellPlace } from "./overview_reading.js"
import { shorten } from "./words.js"

const GREY = pixelOf(...HIDDEN, 50)

// From the back to the front. opened: the key, row and cell of the number that is explained.
export function drawSheet(brush, style, data, sheet) {
  for (const frame of sheet.frames) frameBehind(brush, style, frame)
  for (const each of sheet.flows) flowOn(brush, style, each)
  for (const item of sheet.items) {
    if (item.type === "strip") stripOn(brush, style, item)
    else if (item.type === "map") mapOn(brush, style, data, item)
    else signOn(brush, style, item)
  }
  for (const item of sheet.items) if (data.opened && item.key === data.opened[0]) openedOn(brush, item, data.opened)
  for (const each of sheet.texts) write(brush, style, each)
}

// The numbers as a small picture, one point for each.
const shaded = (rows, columns, pixelAt) =>
  pointPicture(rows, columns, (pixels) => { for (let i = 0; i < rows * columns; i++) pixels[i] = pixelAt(i) })

// A flow between two ends, from token to token. Its colour runs from one kind to the other; bend: how far its curves reach out.
function flowOn(brush, style, each) {
  each.from.forEach((start, i) => {
    const inset = each.from.length > 1 ? 0.02 : 0
    const [a1, a2, b1, b2, dx, dy] = insetBy(start, inset), [c1, c2, e1, e2, gx, gy] = insetBy(each.to[i], inset)
    brush.fillStyle = flowColour(brush, style, each, start, each.to[i], i === each.chosen)
    brush.beginPath()
    brush.moveTo(a1, a2)
    curve(brush, each.bend, a1, a2, dx, dy, c1, c2, gx, gy)
    brush.lineTo(e1, e2)
    curve(brush, each.bend, e1, e2, -gx, -gy, b1, b2, -dx, -dy)
    brush.fill()
  })
}

const insetBy = ([ax, ay, bx, by, dx, dy], part) =>
  [ax + (bx - ax) * part, ay + (by - ay) * part, bx + (ax - bx) * part, by + (ay - by) * part, dx, dy]

function flowColour(brush, style, { kind, into, strength = 1, fade }, [ax, ay], [cx, cy], chosen) {
  const ramp = brush.createLinearGradient(ax, ay, cx, cy)
  const alpha = Math.round((chosen ? 0.62 : style.dark ? 0.26 : 0.2) * strength * 255), hex = alpha.toString(16).padStart(2, "0")
  ramp.addColorStop(0, style.kinds[kind] + (fade === "in" ? "00" : hex))
  ramp.addColorStop(1, style.kinds[into] + (fade === "out" ? "00" : hex))
  return ramp
}

// From (x, y), left in the direction (p, q), to (u, v), reached in the direction (g, h).
function curve(brush, bend, x, y, p, q, u, v, g, h) {
  const along = (p, q) => bend ?? Math.max(6, Math.abs((u - x) * p + (v - y) * q) * 0.55)
  const a = along(p, q), b = along(g, h)
  brush.bezierCurveTo(x + p * a, y + q * a, u - g * b, v - h * b, u, v)
}

function stripOn(brush, style, { part, x, y, w, h, rows, upright, chosenLayer, bare }) {
  const n = rows.at.length, cells = part.numbers.length / n
  const at = (i) => shadeOf(style.signed.pixels, (part.numbers[upright ? (i % n) * cells + Math.floor(i / n) : i] / part.limit + 1) / 2)
  const small = upright ? shaded(cells, n, at) : shaded(n, cells, at)
  const gap = rows.size > 5 ? 1 : 0.4
  brush.imageSmoothingEnabled = false
  brush.fillStyle = style.page
  brush.fillRect(x, y, w, h)
  rows.at.forEach((from, i) => upright ? brush.drawImage(small, i, 0, 1, cells, x + from + gap / 2, y, rows.size - gap, h)
    : brush.drawImage(small, 0, i, cells, 1, x, y + from + gap / 2, w, rows.size - gap))
  outline(brush, chosenLayer ? style.accent : style.kinds[part.kind], x, y, w, h, chosenLayer ? 2.5 : 1.25)
  if (part.groups > 1) {
    brush.fillStyle = style.page
    for (let g = 1; g < part.groups; g++) brush.fillRect(x + w * g / part.groups - 0.4, y, 0.8, h)
    outline(brush, style.text, x + w * part.chosen / part.groups, y, w / part.groups, h, 1.5)
  }
  if (rows.chosen != null && !bare && h > 30) mark(brush, style, upright ? { x: x + rows.at[rows.chosen], y, w: rows.size, h }
    : { x, y: y + rows.at[rows.chosen], w, h: rows.size })
}

// The number that is explained.
function openedOn(brush, item, [, row, cell]) {
  const [x, y, wide, tall] = cellPlace(item, row, cell)
  frameOn(brush, x - 1, y - 1, wide + 2, tall + 2)
}

function outline(brush, colour, x, y, w, h, width) {
  brush.strokeStyle = colour
  brush.lineWidth = width
  brush.beginPath()
  brush.roundRect(x - 1.5, y - 1.5, w + 3, h + 3, 3)
  brush.stroke()
}

function mark(brush, style, { x, y, w, h }) {
  brush.strokeStyle = style.text
  brush.lineWidth = 1
  brush.strokeRect(x - 0.5, y - 0.5, w + 1, h + 1)
}

function mapOn(brush, style, data, { part, x, y, w, h, rows, columns, row, mask, thumb }) {
  const [R, C] = part.shown, hidden = mask && data.maps[mask].numbers, signed = part.scale === "signed"
  const small = shaded(R, C, (i) => {
    const value = part.numbers[i]
    if (part.scale === "mask") return value ? shadeOf(style.sequential.pixels, 0.6) : GREY
    if (hidden && !hidden[i]) return GREY
    return signed ? shadeOf(style.signed.pixels, (value / part.limit + 1) / 2) : shadeOf(style.sequential.pixels, value / part.limit)
  })
  brush.imageSmoothingEnabled = false
  brush.fillStyle = style.page
  brush.fillRect(x, y, w, h)
  const gap = thumb ? 0 : 0.8
  rows.at.forEach((down, r) => columns.at.forEach((right, c) =>
    brush.drawImage(small, c, r, 1, 1, x + right, y + down, columns.size - gap, rows.size - gap)))
  outline(brush, thumb ? style.line : style.kinds.weight, x, y, w, h, thumb ? 1 : 2)
  if (row != null) mark(brush, style, { x, y: y + rows.at[row], w, h: rows.size })
}

function signOn(brush, style, item) {
  if (item.type === "norm") plateOn(brush, style.kinds.norm, item.x, item.y, item.w, item.h, 5)
  else if (item.type === "bar") barOn(brush, style, item)
  else if (item.type === "plus" || item.type === "curve") circleOn(brush, style, item)
}

function plateOn(brush, colour, x, y, w, h, round) {
  brush.fillStyle = colour
  brush.beginPath()
  brush.roundRect(x, y, w, h, round)
  brush.fill()
}

// A sum, a product, or an activation.
function circleOn(brush, style, { type, x, y, w, h, kind, mark: words }) {
  brush.fillStyle = style.page
  brush.strokeStyle = style.kinds[kind]
  brush.lineWidth = 2
  brush.beginPath()
  brush.arc(x + w / 2, y + h / 2, w / 2 - 1, 0, 7)
  brush.fill()
  brush.stroke()
  if (type === "plus") return write(brush, style, { words, x: x + w / 2, y: y + h / 2 + 0.5, size: 15, bold: true, align: "center", plain: true })
  brush.beginPath()
  brush.moveTo(x + 4, y + h / 2 + 3)
  brush.quadraticCurveTo(x + w / 2 + 1, y + h / 2 + 4, x + w - 5, y + 5)
  brush.stroke()
}

// A word that may come next, as wide as its share.
function barOn(brush, style, { x, y, w, h, share, tall, word }) {
  const long = Math.max(1.5, (w - 96) * share), middle = y + h / 2
  plateOn(brush, style.kinds.head, x, y + (h - tall) / 2, long, tall, 2)
  const wide = write(brush, style, { words: shorten(word.word, 9), x: x + long + 5, y: middle, size: 12, align: "left", bold: share === 1 })
  const words = percent(word.share, word.share >= 0.0995 ? 0 : 1)
  write(brush, style, { words, x: x + long + 11 + wide, y: middle, size: 10, align: "left", soft: true })
}

function write(brush, style, { words, x, y, size, align, bold, soft, accent, angle, plain, plate }) {
  brush.save()
  brush.translate(x, y)
  if (angle) brush.rotate(angle)
  Object.assign(brush, { font: `${bold ? 650 : 400} ${size}px ${style.font}`, textAlign: align, textBaseline: "middle", lineJoin: "round",
    strokeStyle: style.page, lineWidth: 3, fillStyle: accent ? style.accent : style.text, globalAlpha: soft ? 0.8 : 1 })
  const wide = brush.measureText(words).width
  if (plate) {                          // the words stand on a flow that is not theirs
    plateOn(brush, style.page, -wide / 2 - 3, -size * 0.7, wide + 6, size * 1.4, 3)
    brush.fillStyle = style.text
  }
  if (!plain) brush.strokeText(words, 0, 0)
  brush.fillText(words, 0, 0)
  brush.restore()
  return wide
}

// The opened layer lies under a lens: from its thumbnail two lines widen to the frame.
function frameBehind(brush, style, { x, y, w, h, thumb }) {
  plateOn(brush, style.accent + (style.dark ? "12" : "0b"), x, y, w, h, 14)
  const ramp = brush.createLinearGradient(0, thumb.y + thumb.h, 0, y)
  ramp.addColorStop(0, style.accent + "38")
  ramp.addColorStop(1, style.accent + (style.dark ? "12" : "0b"))
  brush.fillStyle = ramp
  brush.beginPath()
  brush.moveTo(thumb.x - 2, thumb.y + thumb.h + 2)
  brush.bezierCurveTo(thumb.x - 2, y - 4, x + 14, y - 14, x + 14, y)
  brush.lineTo(x + w - 14, y)
  brush.bezierCurveTo(x + w - 14, y - 14, thumb.x + thumb.w + 2, y - 4, thumb.x + thumb.w + 2, thumb.y + thumb.h + 2)
  brush.fill()
}
