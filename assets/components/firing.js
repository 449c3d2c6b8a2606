// Sentences whose words are shaded by how strongly one neuron fires on them: blue above zero, red below, on one scale.
// The words of the reader's own sentence are buttons that open the number.
import { make, makeButton } from "./dom.js"
import { decode, rounded } from "./numbers.js"
import { saveElements, signedScale } from "./saving.js"
import { ofFiring } from "./shown_arrays.js"

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root"), numbers = decode(data.values)
  const focused = [...root.querySelectorAll("button")].indexOf(root.getRootNode().activeElement)
  root.replaceChildren()
  let at = 0
  for (const line of data.lines) {
    const values = numbers.subarray(at, at += line.words.length), row = make("div", "line", root)
    if (line.title) make("div", "title", row, line.title)
    const strongest = line.words.map((_, i) => i).reduce((best, i) => (Math.abs(values[i]) > Math.abs(values[best]) ? i : best), 0)
    line.words.forEach((text, i) => {
      const word = line.own ? makeButton("word", row, text, () => {
        root.querySelectorAll("button.word").forEach((each, k) => each.classList.toggle("chosen", k === i))
        setTriggerValue("token", [i])
      }) : make("span", "word", row, text)
      const share = Number.isFinite(values[i]) ? Math.min(1, Math.abs(values[i]) / data.limit) : 0
      word.style.setProperty("--share", `${Math.round(62 * share)}%`)
      word.classList.add(values[i] < 0 ? "below" : "above")
      word.classList.toggle("chosen", line.own && i === data.chosen)
      word.title = rounded(values[i])
      if (line.own) word.setAttribute("aria-label", `${text}: ${rounded(values[i], 3)}`)
      if (line.own || (i === strongest && values[i])) make("small", "", word, rounded(values[i], 2))
    })
  }
  const look = getComputedStyle(root), page = look.getPropertyValue("--st-background-color")
  const [below, above] = ["red", "blue"].map((name) => `color-mix(in srgb, ${look.getPropertyValue(`--st-${name}-color`)} 62%, ${page})`)
  saveElements(root, { title: data.title, scales: [signedScale({ stops: [below, page, above] }, data.limit)], arrays: () => ofFiring(data, numbers) })
  if (focused >= 0) root.querySelectorAll("button")[focused]?.focus({ preventScroll: true })
}
