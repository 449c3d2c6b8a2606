// Where the norm of a sublayer stands: boxes along the stream, and the line around the sublayer to the sum. A picture of each way.
import { make } from "./dom.js"
import { saveElements } from "./saving.js"

const GAP = 18, BEGIN = 34      // pixels between boxes, and before the first

function drawWay(root, { title, alt, faint, boxes, stream }) {
  const way = make("div", faint ? "way faint" : "way", root)
  way.setAttribute("role", "img")
  way.setAttribute("aria-label", alt)
  make("div", "title", way, title)
  const drawing = make("div", "drawing", way), line = make("div", "stream", drawing), around = make("div", "around", drawing)
  drawing.style.setProperty("--stream", stream)
  let x = BEGIN
  for (const { text, wide, colour } of boxes) {
    const box = make("div", text === "+" ? "box plus" : "box", drawing, text)
    Object.assign(box.style, { left: `${x}px`, width: `${wide}px` })
    box.style.setProperty("--colour", colour)
    if (text === "+") around.style.width = `${x + wide / 2 - 14}px`      // from where the stream leaves to the sum
    x += wide + GAP
  }
  drawing.style.width = line.style.width = `${x}px`
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".root")
  root.replaceChildren()
  for (const way of data.ways) drawWay(root, way)
  saveElements(root, { title: "Where the norm stands" })
}
