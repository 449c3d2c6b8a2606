// Vectors one below the other, on one scale: what each is, its numbers as a strip, and its length as a bar. Such as before + update = sum.
import { palette } from "./colours.js"
import { make } from "./dom.js"
import { decode, rounded } from "./numbers.js"
import { bothScales, saveElements, signedScale } from "./saving.js"
import { ofVectors } from "./shown_arrays.js"
import { makeStrip, stripTools } from "./strip.js"

function drawRow(root, data, r, tools, open) {
  const row = data.rows[r], line = make("div", row.over ? "row over" : "row", root), D = data.shape[1]
  line.style.setProperty("--role", row.colour)
  make("span", "sign", line, row.sign)
  const lead = make("span", "lead", line)
  make("b", "", lead, row.title)
  make("small", "", lead, row.note)
  const strip = { numbers: data.numbers.subarray(r * D, (r + 1) * D), limit: row.limit, colour: row.colour, title: row.title }
  makeStrip(line, { ...strip, opened: data.opened?.[0] === r ? data.opened[1] : null }, tools, (d) => open([r, d]))
  const length = make("span", "length", line), bar = make("i", "", length)
  bar.style.width = `${5 * Math.min(1, data.sizes[r] / data.longest) || 0}rem`
  make("b", "", length, rounded(data.sizes[r], 3))
  length.title = rounded(data.sizes[r])
}

// One scale where all rows have it.
function scaleOf(limits, look) {
  const [signed, weights] = ["diverging", "sequential"].map((kind) => palette(look, kind)), [{ name }] = bothScales(signed, weights)
  return new Set(limits).size === 1 ? signedScale(signed, limits[0], name) : bothScales(signed, weights)[0]
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root"), tools = stripTools(root)
  const focused = [...root.querySelectorAll(".strip")].indexOf(root.getRootNode().activeElement)
  const shown = { ...data, numbers: decode(data.values), sizes: decode(data.lengths) }
  root.replaceChildren()
  const head = make("div", "row head", root)
  for (const text of ["", "", data.columns[0], data.columns[1]]) make("span", "", head, text)
  data.rows.forEach((_, r) => drawRow(root, shown, r, tools, (place) => setTriggerValue("cell", place)))
  root.append(tools.tip)
  saveElements(root, { title: root.getAttribute("aria-label"), token: true, scales: [scaleOf(data.rows.map((row) => row.limit), getComputedStyle(root))], arrays: () => ofVectors(shown) })
  if (focused >= 0) root.querySelectorAll(".strip")[focused]?.focus({ preventScroll: true })
}
