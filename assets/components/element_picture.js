// What a component has drawn with elements, as a picture to be saved: boxes, words, strips and lines where they stand, whole, however
// much of it is in sight. Buttons that only act on the figure, and tips, stay out. It knows the CSS that the components use, no more.
import { themeOf } from "./colours.js"
import { disc, plate } from "./round_shapes.js"

const LEFT_OUT = ".tip, [hidden]", HELD = ["maxHeight", "overflow", "position"]
const INKED = /^(?!transparent$)(?!.*[,/] 0\)$)/            // a colour that can be seen
const probe = document.createElement("canvas").getContext("2d")

// { wide, tall, style, cells, paint }: as `saveMenu` wants it; read once, from the elements as they are now.
export function elementPicture(root) {
  const fold = unfold(root), { left, top } = root.getBoundingClientRect()
  const it = { ops: [], left, top, wide: 0, tall: 0, cells: 0 }
  walk(it, root, { alpha: 1, cut: Infinity, clipped: false })
  fold()
  return { wide: Math.ceil(it.wide), tall: Math.ceil(it.tall), cells: it.cells, style: themeOf(getComputedStyle(root)),
    paint: (brush) => { for (const op of it.ops) op(brush) } }
}

// Opens all that scrolls, and holds nothing at an edge; returns what puts it back.
function unfold(root) {
  const kept = [root, ...root.querySelectorAll("*")].filter((each) => each.style).map((each) => [each, getComputedStyle(each)])
    .filter(([, { overflowX, overflowY, position }]) => position === "sticky" || /auto|scroll/.test(overflowX + overflowY))
    .map(([each, { position }]) => ({ each, sticks: position === "sticky", before: HELD.map((name) => each.style[name]), at: [each.scrollLeft, each.scrollTop] }))
  for (const { each, sticks } of kept) Object.assign(each.style, sticks ? { position: "static" } : { maxHeight: "none", overflow: "visible" })
  return () => {
    for (const { each, before } of kept) HELD.forEach((name, i) => { each.style[name] = before[i] })
    for (const { each, at } of kept) [each.scrollLeft, each.scrollTop] = at
  }
}

// at: { alpha, cut: where its words end in “…”, clipped: whether what sticks out is not seen }.
function walk(it, element, at) {
  const look = getComputedStyle(element), alpha = at.alpha * look.opacity
  if (element.matches(LEFT_OUT) || look.display === "none" || look.visibility === "hidden" || !alpha) return
  const box = boxOf(it, element.getBoundingClientRect())
  if (look.overflowX === "hidden" && box.w <= 1) return                  // for those who listen
  if (!at.clipped) it.wide = Math.max(it.wide, box.x + box.w), it.tall = Math.max(it.tall, box.y + box.h)
  const add = (op) => it.ops.push((brush) => { brush.globalAlpha = alpha; op(brush) })
  boxOn(add, box, look)
  if (element.title) add((brush) => tellOn(brush, box, element.title))
  if (element.localName === "svg") return drawingOn(it, add, element)
  if (element.localName === "canvas") return cellsOn(it, add, element, box, look)
  const clips = /hidden|clip/.test(look.overflowX), cut = look.textOverflow === "ellipsis" ? box.x + box.w - parseFloat(look.paddingRight) : at.cut
  if (clips && element.children.length) it.ops.push((brush) => { brush.save(); outline(brush, box, radiusOf(look, box)); brush.clip() })
  for (const child of element.childNodes) {
    if (child.nodeType === Node.TEXT_NODE) wordsOn(it, add, child, look, cut)
    else if (child.nodeType === Node.ELEMENT_NODE) walk(it, child, { alpha, cut, clipped: at.clipped || clips })
  }
  if (clips && element.children.length) it.ops.push((brush) => brush.restore())
}

const boxOf = (it, { left, top, width, height }) => ({ x: left - it.left, y: top - it.top, w: width, h: height })

// --- boxes ---------------------------------------------------------------------------------------------------------

const radiusOf = ({ borderTopLeftRadius: round }, { w, h }) => Math.min(round.endsWith("%") ? Infinity : parseFloat(round) || 0, w / 2, h / 2)

function outline(brush, { x, y, w, h }, radius, inset = 0) {
  brush.beginPath()
  plate(brush, x + inset, y + inset, w - 2 * inset, h - 2 * inset, Math.max(0, radius - inset))
}

function boxOn(add, box, look) {
  const radius = radiusOf(look, box), fill = (style) => add((brush) => {
    brush.fillStyle = typeof style === "string" ? style : style(brush)
    outline(brush, box, radius)
    brush.fill()
  })
  if (!box.w || !box.h) return
  if (INKED.test(look.backgroundColor)) fill(look.backgroundColor)
  if (look.backgroundImage.includes("linear-gradient")) fill((brush) => gradientOn(brush, box, look.backgroundImage))
  bordersOn(add, box, look, radius)
  if (look.outlineStyle !== "none" && INKED.test(look.outlineColor)) {
    const wide = parseFloat(look.outlineWidth)
    ringOn(add, box, look.outlineColor, wide, radius, -parseFloat(look.outlineOffset) - wide / 2)
  }
  const [, colour, spread, inside] = /^(.*\)) 0px 0px 0px ([\d.]+)px( inset)?$/.exec(look.boxShadow) ?? []
  if (colour) ringOn(add, box, colour, Number(spread), radius, (inside ? 1 : -1) * spread / 2)
}

function ringOn(add, box, colour, wide, radius, inset, dashed = false) {
  add((brush) => {
    Object.assign(brush, { strokeStyle: colour, lineWidth: wide })
    if (dashed) brush.setLineDash([3 * wide, 2 * wide])
    outline(brush, box, radius, inset)
    brush.stroke()
    brush.setLineDash([])
  })
}

const SIDES = ["Top", "Right", "Bottom", "Left"]

function bordersOn(add, box, look, radius) {
  const sides = SIDES.map((side) => ({ wide: look[`border${side}Style`] === "none" ? 0 : parseFloat(look[`border${side}Width`]), colour: look[`border${side}Color`] }))
  const [{ wide, colour }] = sides, { x, y, w, h } = box
  if (sides.every((side) => side.wide === wide && side.colour === colour)) {
    if (wide && INKED.test(colour)) ringOn(add, box, colour, wide, radius, wide / 2, look.borderTopStyle === "dashed")
    return
  }
  sides.forEach(({ wide, colour }, i) => {
    if (!wide || !INKED.test(colour)) return
    const place = [[x, y, w, wide], [x + w - wide, y, wide, h], [x, y + h - wide, w, wide], [x, y, wide, h]][i]
    add((brush) => { brush.fillStyle = colour; brush.fillRect(...place) })
  })
}

// A gradient from left to right, of which CSS says the stops in pixels or percent.
function gradientOn(brush, { x, y, w }, image) {
  const ramp = brush.createLinearGradient(x, y, x + w, y)
  for (const [share, colour] of stopsOf(image, w)) if (share <= 1) ramp.addColorStop(Math.max(0, share), colour)
  return ramp
}

export function stopsOf(image, wide) {
  const [, again, inside] = /^(repeating-)?linear-gradient\((.*)\)(?:, none)?$/.exec(image), parts = inside.split(/,(?![^(]*\))/).map((part) => part.trim())
  if (/^(to |[\d.]+deg)/.test(parts[0])) parts.shift()
  const stops = parts.flatMap((part, i) => {
    const [, colour, places] = /^(.*?)((?:\s+-?[\d.]+(?:px|%))*)$/.exec(part), at = places.trim().split(/\s+/).filter(Boolean)
    const shares = at.map((place) => parseFloat(place) / (place.endsWith("%") ? 100 : wide))
    return (shares.length ? shares : [i / (parts.length - 1)]).map((share) => [share, colour])
  })
  const period = stops.at(-1)[0]
  if (!again || !(period > 0)) return stops
  return Array.from({ length: Math.ceil(1 / period) }, (_, k) => stops.map(([share, colour]) => [share + k * period, colour])).flat()
}

// Nothing to see: in an SVG the place at which a pointer reads the words.
function tellOn(brush, box, words) {
  if (!brush.element) return
  Object.assign(brush, { fillStyle: "#000", globalAlpha: 0, about: words.replaceAll("\n", ", ") })
  outline(brush, box, 0)
  brush.fill()
  brush.about = null
}

// --- words ---------------------------------------------------------------------------------------------------------

// The lines of a text as the page broke it: [{ words, left, right, top, tall }].
function linesOf(node) {
  const range = document.createRange(), lines = []
  const take = (from, to) => {
    range.setStart(node, from)
    range.setEnd(node, to)
    const boxes = range.getClientRects()
    if (boxes.length > 1 && to - from > 1) return [...node.data.slice(from, to)].reduce((at, letter) => { take(at, at + letter.length); return at + letter.length }, from)
    if (!boxes.length) return
    const [{ left, right, top, height }] = boxes, line = lines.at(-1)
    if (line && Math.abs(line.top - top) < 2) Object.assign(line, { to, right })
    else lines.push({ from, to, left, right, top, tall: height })
  }
  for (const { index, 0: word } of node.data.matchAll(/\S+/g)) take(index, index + word.length)
  return lines.map((line) => ({ ...line, words: node.data.slice(line.from, line.to) }))
}

const ANCHORS = { right: "right", end: "right", center: "center" }

function wordsOn(it, add, node, look, cut) {
  const font = `${look.fontStyle} ${look.fontWeight} ${look.fontSize} ${look.fontFamily}`, struck = look.textDecorationLine.includes("line-through")
  probe.font = font
  const { fontBoundingBoxAscent: up, fontBoundingBoxDescent: down } = probe.measureText("x")
  for (const { words, left, right, top, tall } of linesOf(node)) {
    const [from, to] = [left - it.left, right - it.left], y = top - it.top + (tall - up - down) / 2 + up, long = to > cut + 0.5
    const align = long ? "left" : ANCHORS[look.textAlign] ?? "left", x = { left: from, right: to, center: (from + to) / 2 }[align]
    add((brush) => {
      Object.assign(brush, { font, fillStyle: look.color, textAlign: align, textBaseline: "alphabetic" })
      brush.fillText(long ? elided(brush, words, cut - from) : words, x, y)
      if (struck) brush.fillRect(from, y - up * 0.3, Math.min(to, cut) - from, 1)
    })
  }
}

function elided(brush, words, room) {
  let shown = words
  while (shown.length > 1 && brush.measureText(`${shown}…`).width > room) shown = shown.slice(0, -1)
  return `${shown}…`
}

// --- strips and drawings -------------------------------------------------------------------------------------------

// canvas.tell(row, column): what the number there is, for an SVG.
function cellsOn(it, add, canvas, { x, y, w, h }, look) {
  it.cells += canvas.width * canvas.height
  add((brush) => {
    brush.imageSmoothingEnabled = look.imageRendering !== "pixelated"
    brush.tell = canvas.tell ?? null
    brush.drawImage(canvas, x, y, w, h)
    brush.tell = null
  })
}

function drawingOn(it, add, svg) {
  for (const part of svg.querySelectorAll("path, line, circle")) {
    const look = getComputedStyle(part), { a, b, c, d, e, f } = part.getScreenCTM(), scale = Math.sqrt(Math.abs(a * d - b * c))
    const place = (x, y) => [a * x + c * y + e - it.left, b * x + d * y + f - it.top]
    const about = part.querySelector(":scope > title")?.textContent, whole = look.vectorEffect === "non-scaling-stroke" ? 1 : scale
    add((brush) => {
      const alpha = brush.globalAlpha
      brush.beginPath()
      traceOn(brush, part, place, scale)
      if (look.fill !== "none") Object.assign(brush, { fillStyle: look.fill, globalAlpha: alpha * look.fillOpacity }), brush.fill()
      if (look.stroke === "none") return
      Object.assign(brush, { strokeStyle: look.stroke, lineWidth: parseFloat(look.strokeWidth) * whole, lineCap: look.strokeLinecap, globalAlpha: alpha * look.strokeOpacity, about: about ?? null })
      brush.setLineDash(look.strokeDasharray === "none" ? [] : look.strokeDasharray.split(",").map((part) => parseFloat(part) * whole))
      brush.stroke()
      brush.setLineDash([])
      Object.assign(brush, { lineCap: "butt", about: null })
    })
  }
}

const STEPS = { M: ["moveTo", 2], L: ["lineTo", 2], C: ["bezierCurveTo", 6] }

function traceOn(brush, part, place, scale) {
  const number = (name) => part[name].baseVal.value
  if (part.localName === "circle") return disc(brush, ...place(number("cx"), number("cy")), number("r") * scale)
  if (part.localName === "line") {
    brush.moveTo(...place(number("x1"), number("y1")))
    return brush.lineTo(...place(number("x2"), number("y2")))
  }
  for (const [, letter, given] of part.getAttribute("d").matchAll(/([MLC])([^MLC]*)/g)) {
    const numbers = given.trim().split(/[\s,]+/).map(Number), [step, count] = STEPS[letter], points = []
    for (let i = 0; i < count; i += 2) points.push(...place(numbers[i], numbers[i + 1]))
    brush[step](...points)
  }
}
