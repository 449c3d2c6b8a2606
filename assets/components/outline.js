// The run as an outline: the parts of the model in the order in which they run, and of the open part all its steps in plain words. A click
// goes to a step; it is marked here, at once.
import { make, makeButton } from "./dom.js"
import { oneStop } from "./one_stop.js"

const memory = new WeakMap()

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root"), key = JSON.stringify(data)
  if (memory.get(root) === key) return
  memory.set(root, key)
  const held = root.getRootNode().activeElement?.dataset?.at, buttons = []
  root.replaceChildren()
  const go = (at) => {
    buttons.forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.at === String(at))))
    setTriggerValue("step", at)
  }
  const link = (parent, name, title, at, chosen) => {
    const button = makeButton(name, parent, title, () => go(at))
    button.dataset.at = String(at)
    button.setAttribute("aria-pressed", String(chosen))
    buttons.push(button)
    return button
  }
  for (const stage of data.stages) {
    const box = make("div", "stage", root)
    const button = link(box, "title", stage.title, stage.at, false)
    if (stage.parts) button.setAttribute("aria-current", "true")
    for (const part of stage.parts ?? []) {
      if (part.title) make("div", "part", box, part.title)
      for (const step of part.steps) link(box, step.derived ? "step derived" : "step", step.title, step.at, step.at === data.chosen).title = step.name
    }
  }
  oneStop(buttons, buttons.findIndex((button) => button.dataset.at === String(data.chosen) && !button.matches(".title")))
  const chosen = root.querySelector(".step[aria-pressed='true']")
  if (chosen) root.scrollTop = Math.max(0, chosen.offsetTop - root.clientHeight / 2)
  if (held) root.querySelector(`[data-at="${held}"]`)?.focus({ preventScroll: true })
}
