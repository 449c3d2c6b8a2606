// A question to guess before its figure is shown, and what came of the guess.
import { create, createButton, make } from "./dom.js"
import { oneStop } from "./one_stop.js"
import { veil } from "./veil.js"

const lifted = new WeakMap()       // what lifts the veil of a question that is open
const WAYS_OUT = [["show", "Show me"], ["stop", "Don’t ask"]]

function offer(row, options, send) {
  const act = (button, value) => {
    buttons.forEach((each) => { each.disabled = each !== button })
    button.classList.add("clicked")
    send("act", value)
  }
  const buttons = [
    ...options.map((option, i) => createButton("option", option, (event) => act(event.currentTarget, i))),
    ...WAYS_OUT.map(([value, text]) => createButton("out", text, (event) => act(event.currentTarget, value))),
  ]
  oneStop(buttons)
  row.append(...buttons)
  row.setAttribute("role", "toolbar")
  row.setAttribute("aria-label", "Answers, and two ways out")
}

function show(row, options, { guess, right, answer, score }) {
  options.forEach((option, i) => {
    const chip = make("span", "option", row, option)
    if (i === right) chip.classList.add("right")
    else if (i === guess) chip.classList.add("wrong")
  })
  const says = make("span", "says", row)
  says.setAttribute("role", "status")
  says.append(...(guess === right ? ["You guessed it: "] : ["It is ", create("strong", "", answer), ": "]), score)
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root"), [before, named, after] = data.asks, row = create("div", "row")
  const asks = create("p", "asks", before)
  if (named) asks.append(create("strong", "", named))
  if (after) asks.append(after)
  const lift = () => {
    lifted.get(root)?.()
    lifted.delete(root)
  }
  if ("score" in data.verdict) {
    lift()
    show(row, data.options, data.verdict)
  } else {
    if (!lifted.has(root)) lifted.set(root, veil(root.ownerDocument))
    offer(row, data.options, setTriggerValue)
  }
  root.replaceChildren(...(data.asks.length ? [asks] : []), row)
  return lift
}
