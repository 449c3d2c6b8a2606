// A choice between a few names, side by side, which shows at once what was clicked.
import { createButton } from "./dom.js"
import { oneStop } from "./one_stop.js"

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root"), { options, chosen } = data
  const focused = [...root.children].indexOf(root.getRootNode().activeElement)
  const mark = (at) => buttons.forEach((button, i) => button.setAttribute("aria-checked", String(i === at)))
  const buttons = options.map((option, i) => createButton("", option, () => {
    mark(i)
    setTriggerValue("choice", [i])
  }))
  for (const button of buttons) button.setAttribute("role", "radio")
  root.setAttribute("role", "radiogroup")
  root.setAttribute("aria-label", data.title)
  mark(chosen)
  oneStop(buttons, chosen, true)
  root.replaceChildren(...buttons)
  buttons[focused]?.focus({ preventScroll: true })
}
