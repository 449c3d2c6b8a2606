// Draws the part of a heatmap that is in sight, on a brush.
import { CLEAR, frameOn, hatchOf, pointPicture, shadeOf } from "./colours.js"
import { set } from "./dom.js"
import { corner, every, everyFlat } from "./heatmap_geometry.js"
import { read } from "./heatmap_reading.js"
import { fitted, isNumbered, shorten } from "./words.js"

// All maps, a point for each number, side by side in one small picture. hatched: whether one of them is hidden.
export function shade(data, colours) {
  const [panels, rows, columns] = data.shape, across = Math.ceil(Math.sqrt(panels))
  const { numbers, hidden, limit } = data, signed = data.kind === "signed", mask = data.kind === "mask"
  let hatched = false
  const fill = (pixels) => {
    for (let panel = 0, at = 0; panel < panels; panel++) {
      const start = Math.floor(panel / across) * rows * across * columns + (panel % across) * columns
      for (let row = 0, i = 0; row < rows; row++) {
        for (let column = 0, to = start + row * across * columns; column < columns; column++, at++, i++, to++) {
          const value = numbers[at], part = mask ? 0.6 : value / limit, share = signed ? (part + 1) / 2 : part
          const unseen = !Number.isFinite(value) || (hidden && hidden[i]) || (mask && !value)
          pixels[to] = unseen ? CLEAR : shadeOf(colours, share)
          hatched ||= unseen && !data.folded
        }
      }
    }
  }
  return { canvas: pointPicture(Math.ceil(panels / across) * rows, across * columns, fill), across, hatched }
}

// A canvas as sharp as the screen, empty, and its brush.
export function sized(canvas, width, height) {
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
  if (shades.hatched) {
    brush.fillStyle = hatchOf(brush, style)
    brush.fillRect(left, top, wide, tall)
  }
  brush.tell = (row, column) => read(data, [panel, row, column]).join(": ").replace("\n", ", ")       // heard by svg_brush.js alone
  brush.drawImage(shades.canvas, (panel % shades.across) * columns, Math.floor(panel / shades.across) * rows, columns, rows, left, top, wide, tall)
  brush.fillStyle = style.page
  if (g.w >= 6) for (let c = 1; c < columns; c++) brush.fillRect(left + c * g.w - 0.5, top, 1, tall)
  if (g.h >= 6) for (let r = 1; r < rows; r++) brush.fillRect(left, top + r * g.h - 0.5, wide, 1)
  drawTitle(brush, data, g, style, panel, [left, top, wide, tall])
}

// The edge of a map, and its name.
function drawTitle(brush, data, g, style, panel, [left, top, wide, tall]) {
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

// The chosen row or cell, the row of the token that looks, and the cell that is explained.
function drawFrames(brush, data, g) {
  const frames = data.frame ? [[0, ...data.frame]] : []
  if (data.row != null) for (let panel = 0; panel < data.shape[0]; panel++) frames.push([panel, data.row, null])
  if (data.opened) frames.push(data.opened)
  for (const [panel, row, column] of frames) {
    const [x, y] = corner(g, data.shape, panel)
    const left = x + (column == null ? 0 : column * g.w), wide = column == null ? data.shape[2] * g.w : g.w
    frameOn(brush, left + 1, y + row * g.h + 1, wide - 2, g.h - 2, data.row != null && column === null)
  }
}

// On the left the tokens that look: beside each line of maps, wherever the box was scrolled to.
export function drawRows(brush, data, g, style, view, right) {
  Object.assign(brush, { fillStyle: style.text, font: `${data.labelled ? 12 : 11}px ${style.font}`, textBaseline: "middle",
    textAlign: "right" })
  const thin = every(g.h, data.labelled ? 13 : 11)
  for (let line = 0; line < g.down; line++) {
    const top = corner(g, data.shape, line * g.across)[1] - view.top
    data.rows.forEach((label, r) => {
      const y = top + (r + 0.5) * g.h
      if (r % thin === 0 && y > -4 && y < view.height - g.foot + 4) brush.fillText(fitted(label, right - 2, (text) => brush.measureText(text).width), right, y)
    })
  }
}

// At the foot those that are looked at: below each map that has room there, or else below the last of each column; where there is more
// below, at the edge of the box.
function drawFoot(brush, data, g, style, view) {
  const [panels, rows] = data.shape
  Object.assign(brush, { fillStyle: style.text, font: `${data.labelled ? 12 : 11}px ${style.font}`, textBaseline: "middle" })
  const scrolls = view.height < g.tall
  for (let i = 0; i < panels; i++) {
    const last = i + g.across >= panels, [left, top] = corner(g, data.shape, i), y = scrolls ? view.height - g.foot + 3 : top + rows * g.h + 6
    if (last || g.between && !scrolls) namesBelow(brush, data, g, view, left - view.left, y, last ? g.foot : g.between)
  }
}

function namesBelow(brush, data, g, view, left, y, room) {
  const flat = isNumbered(data.columns), step = flat ? everyFlat(g.w) : every(g.w, 11)
  data.columns.forEach((label, c) => {
    const x = left + (c + 0.5) * g.w, words = () => fitted(label, room - 9, (text) => brush.measureText(text).width)
    if (c % step === 0 && x > g.left && x < view.width + 20) below(brush, flat ? label : words(), x, y, flat, view)
  })
}

function below(brush, label, x, y, flat, view) {
  const half = brush.measureText(label).width / 2
  if (flat && x + half > view.width) return                // a number that is cut reads as another one
  brush.save()
  brush.translate(x, y)
  if (!flat) brush.rotate(-Math.PI / 2)
  if (flat && x < half) brush.translate(half - x, 0)       // the first one must not stick out on the left
  brush.textAlign = flat ? "center" : "right"
  brush.fillText(label, 0, flat ? 7 : 0)
  brush.restore()
}

// What is in sight: `view` is that part of the whole map.
export function paint(brush, data, g, style, shades, view) {
  brush.translate(0.5, 0.5)
  brush.save()
  const left = view.left ? g.left - 2 : -1, tall = view.height < g.tall ? view.height - g.foot : view.height
  brush.beginPath()
  brush.rect(left, -1, view.width - left + 1, tall + 1)
  brush.clip()
  brush.translate(-view.left, -view.top)
  for (let panel = 0; panel < data.shape[0]; panel++) drawPanel(brush, data, g, style, shades, panel, view)
  drawFrames(brush, data, g)
  brush.restore()
  if (g.named) drawRows(brush, data, g, style, view, g.left - 6)
  if (g.foot) drawFoot(brush, data, g, style, view)
}
