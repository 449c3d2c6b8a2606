// A beam search as a tree: a column for each token, the best branch of a step on top. What was dropped is pale with a dashed edge, what
// ended has a bar at its right. The chosen text is drawn strong; a click on a branch chooses the text that ends with it. One Tab stop.
import { TALL, WIDE, curve, layOut, pathTo } from "./beams_geometry.js"
import { SVG, create, createButton, make } from "./dom.js"
import { showMore } from "./edges.js"
import { percent, rounded } from "./numbers.js"
import { oneStop } from "./one_stop.js"
import { saveElements } from "./saving.js"
import { ofBeams } from "./shown_arrays.js"

const FATES = { kept: "kept", dropped: "dropped", ended: "the text ends here" }

// A sum of logarithms; what is all but certain is said as that.
const sumOf = (total) => total > -0.001 && total < 0 ? "≈ 0" : rounded(total, 3)

const place = (element, { x, y }) => Object.assign(element.style, { left: `${x}px`, top: `${y}px`, width: `${WIDE}px`, height: `${TALL}px` })

function branch({ word, share, total, fate }, choose) {
  const button = createButton(`branch ${fate}`, "", choose), sum = sumOf(total)
  make("b", "word", button, word)
  make("span", "share", button, percent(share, share >= 0.1 ? 0 : 1))
  make("span", "sum", button, `sum ${sum}`)
  button.title = button.ariaLabel = `${word}: ${percent(share)} after what stands before it, sum of the logarithms ${sum}, ${FATES[fate]}`
  return button
}

function curves({ boxes, start, wide, tall }, branches) {
  const drawing = document.createElementNS(SVG, "svg")
  for (const [name, value] of [["width", wide], ["height", tall], ["aria-hidden", "true"]]) drawing.setAttribute(name, value)
  const paths = branches.map(({ parent, fate }, i) => {
    const path = document.createElementNS(SVG, "path")
    path.setAttribute("d", curve(parent === null ? start : boxes[parent], boxes[i]))
    path.setAttribute("class", fate)
    return path
  })
  drawing.append(...paths)
  return { drawing, paths }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root"), { branches } = data, at = root.querySelector(".scroll")?.scrollLeft
  const places = layOut(branches), { drawing, paths } = curves(places, branches)
  root.replaceChildren(create("div", "title", data.title))
  const scroll = make("div", "scroll", root), stage = make("div", "stage", scroll)
  Object.assign(stage.style, { width: `${places.wide}px`, height: `${places.tall}px` })
  stage.append(drawing)
  for (let n = 1; n <= places.columns; n++) make("span", "column", stage, n === 1 ? "next token" : `${n} tokens on`).style.left = `${places.start.x + n * (places.boxes[0].x - places.start.x)}px`
  const start = make("div", "branch start", stage)
  make("b", "word", start, data.start)
  start.title = data.start
  place(start, places.start)
  const show = (chosen) => {
    const path = new Set(pathTo(branches, chosen))
    buttons.forEach((button, i) => { button.classList.toggle("on", path.has(i)); button.ariaPressed = String(i === chosen) })
    paths.forEach((each, i) => each.classList.toggle("on", path.has(i)))
  }
  const buttons = branches.map((each, i) => branch(each, () => { show(i); setTriggerValue("branch", i) }))
  buttons.forEach((button, i) => place(button, places.boxes[i]))
  stage.append(...buttons)
  show(data.chosen)
  oneStop(buttons, data.chosen)
  scroll.scrollLeft = at ?? 0
  showMore(scroll)
  const keys = make("div", "keys", root)
  for (const [fate, text] of [["chosen", "the chosen text"], ["kept", "kept: the search goes on from it"], ["dropped", "dropped: others are likelier together"], ["ended", "the text ends"]]) {
    const key = make("span", "", keys)
    make("i", `key ${fate}`, key)
    key.append(text)
  }
  saveElements(root, { title: data.title, without: ["layer", "head"], arrays: () => ofBeams(data) })
}
