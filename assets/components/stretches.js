// A line cut into stretches, each as long as its share or all alike, with a mark at a point of it. A picture: nothing can be clicked.
import { make } from "./dom.js"
import { saveElements } from "./saving.js"
import { ofStretches } from "./shown_arrays.js"

function stretch(line, { text, title, share, colour, strong }) {
  const part = make("div", strong ? "stretch strong" : "stretch", line, text)
  part.title = title
  part.style.setProperty("--colour", colour)
  if (share !== null) part.style.width = `${(100 * share).toFixed(3)}%`
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".root"), even = data.parts.every((part) => part.share === null)
  root.replaceChildren()
  root.setAttribute("role", "img")
  root.setAttribute("aria-label", data.alt)
  root.classList.toggle("pointed", data.point !== null)
  if (data.point !== null) make("div", "point", root, "▼").style.left = `${(100 * data.point).toFixed(3)}%`
  const line = make("div", even ? "line even" : "line", root)
  for (const part of data.parts) stretch(line, part)
  saveElements(root, { title: data.alt, ...(even ? {} : { arrays: () => ofStretches(data) }) })
}
