// The strongest neurons of a token, a row for each: the number before the activation, after it, the length of what it writes, and
// the token at which it is strongest; below them what they make together. A click on a row chooses its neuron, at once.
import { palette } from "./colours.js"
import { make, makeButton } from "./dom.js"
import { decode, rounded } from "./numbers.js"
import { saveElements, signedScale } from "./saving.js"
import { ofNeurons } from "./shown_arrays.js"
import { makeStrip, stripTools } from "./strip.js"

// A bar from the middle line: to the right and blue above zero, to the left and red below.
function signed(row, value, limit) {
  const cell = make("span", "signed", row), bar = make("i", value < 0 ? "below" : "above", cell)
  bar.style.width = `${50 * Math.min(1, Math.abs(value) / limit) || 0}%`
  cell.title = rounded(value)
  make("u", "", cell)
  make("b", value < 0 ? "below" : "above", cell, rounded(value, 3))
}

function neuronRow(root, data, r, choose) {
  const [before, after, reach] = [0, 1, 2].map((kind) => data.numbers[3 * r + kind]), { neuron, strongest } = data.rows[r]
  const row = makeButton("row neuron", root, undefined, () => choose(r))
  row.setAttribute("aria-pressed", String(neuron === data.chosen))
  const words = [`${data.titles.before} ${rounded(before, 3)}`, `${data.titles.after} ${rounded(after, 3)}`, `writes ${rounded(reach, 3)}`]
  row.setAttribute("aria-label", `Neuron ${neuron}: ${words.join(", ")}, strongest at ${strongest}`)
  make("span", "name", row, String(neuron))
  signed(row, before, data.limits[0])
  signed(row, after, data.limits[1])
  const cell = make("span", "reach", row), bar = make("i", "", cell)
  bar.style.width = `${62 * Math.min(1, reach / data.limits[2]) || 0}%`
  make("b", "", cell, rounded(reach, 3))
  cell.title = rounded(reach)
  make("span", "strongest", row, strongest)
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root"), shown = { ...data, numbers: decode(data.values) }, tools = stripTools(root)
  const focused = [...root.querySelectorAll(".neuron")].indexOf(root.getRootNode().activeElement)
  root.replaceChildren()
  const head = make("div", "row head", root)
  for (const title of ["neuron", data.titles.before, data.titles.after, data.titles.reach, data.titles.strongest]) make("span", "", head, title)
  data.rows.forEach((_, r) => neuronRow(root, shown, r, (chosen) => {
    root.querySelectorAll(".neuron").forEach((row, i) => row.setAttribute("aria-pressed", String(i === chosen)))
    setTriggerValue("neuron", [chosen])
  }))
  make("div", "others", root, data.others)
  const sum = make("div", "sum", root)
  make("span", "sign", sum, "=")
  make("span", "name", sum, data.sum.title)
  const strip = { numbers: decode(data.update), limit: data.sum.limit, colour: data.colour, title: data.sum.title, opened: data.sum.opened }
  makeStrip(sum, strip, tools, (d) => setTriggerValue("update", [d]))
  make("b", "", sum, rounded(decode(data.lengths)[0], 3))
  root.append(tools.tip)
  const scales = [signedScale(palette(getComputedStyle(root), "diverging"), data.sum.limit, data.sum.title)]
  saveElements(root, { title: root.getAttribute("aria-label"), token: true, scales, arrays: () => ofNeurons({ ...shown, update: decode(data.update), length: decode(data.lengths) }) })
  if (focused >= 0) root.querySelectorAll(".neuron")[focused]?.focus({ preventScroll: true })
}
