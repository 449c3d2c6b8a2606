// For each word two bars, one for each run, on one scale from 0 to 100 %, and how far they lie apart. A click on a share opens it.
import { create, make, makeButton } from "./dom.js"
import { decode, rounded } from "./numbers.js"
import { saveElements } from "./saving.js"

function bar(row, run, text, share, open) {
  const line = make("div", `line ${"ab"[run]}`, row)
  make("span", "run", line, "AB"[run])
  const track = make("span", "track", line)
  make("i", "", track).style.width = `${Number.isNaN(share) ? 0 : 100 * share}%`
  if (text === "–") make("span", "share", line, text)
  else makeButton("share", line, text, open).dataset.run = String(run)
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root"), values = decode(data.values), count = data.words.length
  const held = root.getRootNode().activeElement?.dataset?.place
  root.replaceChildren(create("div", "title", data.title))
  data.words.forEach((word, n) => {
    const row = make("div", "row", root)
    make("span", "word", row, word).title = word
    const bars = make("div", "bars", row)
    for (const run of [0, 1]) {
      bar(bars, run, data.texts[run][n], values[run * count + n], () => setTriggerValue("cell", [run, n]))
      const button = bars.lastChild.querySelector("button")
      if (button) {
        button.dataset.place = `${run},${n}`
        button.title = rounded(values[run * count + n])
        button.setAttribute("aria-label", `${word} in ${"AB"[run]}: ${data.texts[run][n]}`)
      }
    }
    make("span", `points ${["less", "", "more"][data.signs[n] + 1]}`, row, data.points[n] === "–" ? "–" : `${data.points[n]} points`)
  })
  if (data.note) make("div", "note", root, data.note)
  saveElements(root, { title: data.title, said: data.caption })
  if (held) root.querySelector(`[data-place="${held}"]`)?.focus({ preventScroll: true })
}
