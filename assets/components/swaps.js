// Words to put in the place of another: a line for each word that may be replaced, the chosen one pressed.
import { create, make, makeButton } from "./dom.js"

const drawn = new WeakMap()

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root"), key = JSON.stringify(data.groups)
  if (drawn.get(root) === key) return
  drawn.set(root, key)
  const held = root.getRootNode().activeElement?.dataset?.place
  root.replaceChildren()
  data.groups.forEach((group, g) => {
    const line = make("div", "group", root)
    line.append(create("span", "", g ? "or " : "Replace "), create("b", "", group.instead), create("span", "", " by"))
    group.words.forEach((word, i) => {
      const button = makeButton("swap", line, word, () => {
        for (const each of root.querySelectorAll(".swap")) each.setAttribute("aria-pressed", String(each === button))
        setTriggerValue("swap", [g, i])
      })
      button.dataset.place = `${g},${i}`
      button.setAttribute("aria-pressed", String(i === group.chosen))
    })
  })
  if (held) root.querySelector(`[data-place="${held}"]`)?.focus({ preventScroll: true })
}
