// The theme's colours, numbers as colours, and frames that are seen on any of them.
import { clamp } from "./numbers.js"

const DARK = "#14181f", LIGHT = "#ffffff"
export const HIDDEN = [128, 128, 128]         // what a mask hides; each picture has its own strength of it

// The colours of the page around a component, and its letters.
export function themeOf(look) {
  const colour = (name) => look.getPropertyValue(`--st-${name}-color`).trim()
  return { page: colour("background"), text: colour("text"), accent: colour("primary"), line: colour("border"), font: look.fontFamily }
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
