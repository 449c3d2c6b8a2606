// Where the reader stands: a group of dots for each chapter, a sign in each for what came of it; the score, and the way to the summary.
import { create, createButton, make } from "./dom.js"
import { oneStop } from "./one_stop.js"

const SIGNS = { right: "✓", wrong: "✗", skipped: "–", none: "·" }
const SAYS = { right: "right", wrong: "not right", skipped: "skipped", none: "not asked here", open: "open" }

function dot(title, state, i, isHere, go) {
  const button = createButton(`dot ${state}`, SIGNS[state] ?? String(i + 1), go)
  button.setAttribute("aria-label", `${title}, question ${i + 1}: ${SAYS[state]}`)
  button.title = `Question ${i + 1}: ${SAYS[state]}`
  if (isHere) button.setAttribute("aria-current", "step")
  return button
}

function chapter({ title, states }, first, at, send) {
  const group = create("div", "chapter"), row = create("div", "dots")
  const isHere = at >= first && at < first + states.length
  make("span", isHere ? "title here" : "title", group, title)
  const dots = states.map((state, i) => dot(title, state, i, at === first + i, () => send(first + i)))
  row.append(...dots)
  group.append(row)
  return [group, dots]
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root"), { chapters, at, score } = data
  const focused = [...root.querySelectorAll("button")].indexOf(root.getRootNode().activeElement)
  const groups = create("div", "chapters"), foot = create("div", "foot"), buttons = []
  const send = (to) => setTriggerValue("go", to)
  for (const each of chapters) {
    const [group, dots] = chapter(each, buttons.length, at, send)
    groups.append(group)
    buttons.push(...dots)
  }
  make("span", "score", foot, score || "Predict, then look.")
  const end = createButton("end", "How did it go?", () => send(buttons.length - 1))
  if (at === buttons.length) end.setAttribute("aria-current", "step")
  foot.append(end)
  buttons.push(end)
  oneStop(buttons, at)
  root.replaceChildren(groups, foot)
  buttons[focused]?.focus({ preventScroll: true })
}
