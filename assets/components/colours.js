// The theme's colours, numbers as colours, and frames that are seen on any of them.
import { clamp } from "./numbers.js"

const DARK = "#14181f", LIGHT = "#ffffff"
const HATCH = { light: { line: "#b8bcc6", ground: "#edeef1" }, dark: { line: "#4a4f5c", ground: "#1b1f27" } }, APART = 6

// The colours of the page around a component, and its letters.
export function themeOf(look) {
  const colour = (name) => look.getPropertyValue(`--st-${name}-color`).trim()
  return { page: colour("background"), text: colour("text"), accent: colour("primary"), line: colour("border"), font: look.fontFamily }
}

// A colour such as "#8a63d2" as its red, green and blue, from 0 to 255.
export function channels(colour) {
  const number = parseInt(colour.slice(1, 7), 16)
  return [number >> 16 & 255, number >> 8 & 255, number & 255]
}

export const isDark = ({ page }) => parseInt(page.slice(1, 3), 16) < 128

// --- what a mask hides: hatched, so that no number looks like it ---

const hatchInks = (theme) => HATCH[isDark(theme) ? "dark" : "light"], tiles = new Map()

const STROKES = [-APART, 0, APART].map((x) => `M${x},${APART}l${APART},${-APART}`).join("")

// A piece of the hatch, which repeats; sharp: points for each pixel. shapes: the same for svg_brush.js, from the back to the front.
function tileOf({ line, ground }, sharp) {
  const key = [ground, sharp].join(), tile = tiles.get(key) ?? document.createElement("canvas")
  if (tiles.has(key)) return tile
  tile.width = tile.height = APART * sharp
  const brush = tile.getContext("2d")
  brush.scale(sharp, sharp)
  brush.fillStyle = ground
  brush.fillRect(0, 0, APART, APART)
  Object.assign(brush, { strokeStyle: line, lineWidth: 1.1 })
  brush.stroke(new Path2D(STROKES))
  tile.shapes = { scale: sharp, paths: [{ d: `M0,0h${APART}v${APART}h${-APART}z`, fill: ground },
    { d: STROKES, stroke: line, "stroke-width": 1.1, fill: "none" }] }
  tiles.set(key, tile)
  return tile
}

// The hatch as a style to fill with.
export function hatchOf(brush, theme) {
  const sharp = 2, pattern = brush.createPattern(tileOf(hatchInks(theme), sharp), "repeat")
  pattern.setTransform(new DOMMatrix().scale(1 / sharp))
  return pattern
}

// The same as a background in CSS.
export function hatchCss(theme) {
  const { line, ground } = hatchInks(theme)
  return `repeating-linear-gradient(135deg, ${line} 0 1.1px, ${ground} 1.1px ${APART / Math.SQRT2}px)`
}

const ramps = new Map()

// The theme's own scale, "diverging" or "sequential": its stops, and between them 256 colours, as whole pixels.
export function palette(look, kind) {
  const text = look.getPropertyValue(`--st-chart-${kind}-colors`), known = ramps.get(text)
  if (known) return known
  const stops = text.split(",").map((colour) => colour.trim())
  const brush = document.createElement("canvas").getContext("2d"), ramp = brush.createLinearGradient(0, 0, 255, 0)
  stops.forEach((colour, i) => ramp.addColorStop(i / (stops.length - 1), colour))
  brush.fillStyle = ramp
  brush.fillRect(0, 0, 256, 1)
  const made = { stops, pixels: new Uint32Array(brush.getImageData(0, 0, 256, 1).data.buffer) }
  ramps.set(text, made)
  return made
}

export const pixelOf = (...colour) => new Uint32Array(new Uint8Array(colour).buffer)[0]
export const CLEAR = pixelOf(0, 0, 0, 1)      // of a cell that is hatched: what lies below is seen, and svg_brush.js still has a cell
export const shadeOf = (pixels, share) => pixels[clamp(Math.round(share * 255), 0, 255)]

// A small canvas, one point for each number. fill writes into the pixels of its rows.
export function pointPicture(rows, columns, fill) {
  const canvas = document.createElement("canvas"), picture = new ImageData(columns, rows)
  fill(new Uint32Array(picture.data.buffer))
  canvas.width = columns
  canvas.height = rows
  canvas.getContext("2d").putImageData(picture, 0, 0)
  return canvas
}

// Dark within light.
export function frameOn(brush, x, y, wide, tall, thin = false) {
  for (const [colour, width] of thin ? [[DARK, 2], [LIGHT, 0.8]] : [[LIGHT, 4], [DARK, 2]]) {
    brush.strokeStyle = colour
    brush.lineWidth = width
    brush.strokeRect(x, y, wide, tall)
  }
}
