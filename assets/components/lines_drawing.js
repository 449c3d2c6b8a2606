// The lines between two columns of tokens on a brush, for a picture that is saved: as strong as the weights of the chosen token, and,
// where there is one head, with its weights beside the tokens.
import { linesOf, ROW, strength } from "./lines_geometry.js"
import { rounded } from "./numbers.js"
import { shorten } from "./words.js"

const LEFT = 200, GAP = 180, RIGHT = 270, TOP = 26      // pixels of the columns, and between them; of what stands over them
const HEADS = 20                                        // of a row of names of heads

export const sizeOf = (data) => {
  const [H, L, M] = data.shape
  return { wide: LEFT + GAP + RIGHT, tall: TOP + headRows(H) * HEADS + ROW * Math.max(L, M) }
}
const headRows = (H) => (H > 1 ? Math.ceil(H / 6) : 0)

export function drawLines(brush, data, { text, font }) {
  const [H, , M] = data.shape, chosen = data.only ? null : data.chosen, top = headRows(H) * HEADS
  const put = (words, x, y, align, { bold = false, colour = text } = {}) => {
    Object.assign(brush, { font: `${bold ? 650 : 400} 13px ${font}`, textAlign: align, textBaseline: "middle", fillStyle: colour })
    brush.fillText(words, x, y)
  }
  if (H > 1) data.titles.forEach((title, h) => {
    const x = (h % 6) * 108, y = Math.floor(h / 6) * HEADS
    brush.fillStyle = data.colours[h]
    brush.fillRect(x, y + 2, 11, 11)
    put(shorten(title, 12), x + 16, y + 8, "left")
  })
  data.ends.forEach((title, i) => put(title, [LEFT - 8, LEFT + GAP + 8][i], top + 10, ["right", "left"][i]))
  brush.save()
  brush.translate(0, top + TOP)
  for (const { h, l, m, weight, ends } of linesOf(data)) lineOn(brush, data, { h, weight, ends, alpha: strength({ l, m, weight }, data.only, chosen, null) }, `${data.rows[l]} → ${data.columns[m]}: ${rounded(weight, 4)}`)
  brush.restore()
  const row = (i) => top + TOP + (i + 0.5) * ROW
  data.rows.forEach((word, l) => put(shorten(word, 24), LEFT - 8, row(l), "right", { bold: l === data.chosen }))
  data.columns.forEach((word, m) => {
    const weight = H === 1 && chosen != null ? `  ${rounded(data.numbers[chosen * M + m], 4)}` : ""
    put(shorten(word, 24) + weight, LEFT + GAP + 8, row(m), "left")
  })
}

function lineOn(brush, data, { h, weight, ends: { y1, y2 }, alpha }, said) {
  brush.save()
  Object.assign(brush, { strokeStyle: data.colours[h], lineWidth: data.shape[0] > 1 ? 1.6 : 1 + 3 * weight, globalAlpha: alpha, lineCap: "round", about: said })
  brush.beginPath()
  brush.moveTo(LEFT, y1)
  brush.lineTo(LEFT + GAP, y2)
  brush.stroke()
  brush.restore()
}
