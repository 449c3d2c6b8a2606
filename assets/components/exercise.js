// The answers to a question: options as large buttons, or a field for a number; once one was given, which is right.
import { create, createButton, make } from "./dom.js"
import { oneStop } from "./one_stop.js"

const answered = new WeakSet()  // in which an answer was given just now
let goesOn = false  // whether the reader has begun: what comes next is then in reach of the keys
const NEXT = ".st-key-exercise_next button", WAIT = 120  // ms, until the way on is drawn

// A number as a reader types it: with a comma or a point, a true minus sign, a unit behind it.
export function numberTyped(text) {
  const plain = text.trim().replace(/[−–]/g, "-").replace(/\s*%$/, "").replace(/^(-?[\d ]*),(\d*)$/, "$1.$2").replace(/ /g, "")
  return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d{1,2})?$/i.test(plain) ? Number(plain) : null
}

function offer(root, options, send) {
  const row = make("div", "options", root)
  const buttons = options.map((option, i) => createButton("option", option, () => {
    buttons.forEach((each, k) => { each.disabled = k !== i })
    buttons[i].classList.add("clicked")
    send(i)
  }))
  oneStop(buttons)
  row.append(...buttons)
}

function ask(root, { unit, within }, send) {
  const form = make("form", "typed", root)
  const field = Object.assign(make("input", "field", form), { type: "text", inputMode: "decimal", autocomplete: "off", maxLength: 20 })
  field.setAttribute("aria-label", "Your answer, a number")
  if (unit) make("span", "unit", form, unit)
  const button = make("button", "check", form, "Check")
  const says = make("span", "says", form, within)
  says.setAttribute("role", "status")
  form.onsubmit = (event) => {
    event.preventDefault()
    const value = numberTyped(field.value)
    if (value === null) {
      says.textContent = "Type a number, such as 0.42."
      field.focus()
      return
    }
    field.readOnly = button.disabled = true
    send(value)
  }
}

function show(root, options, typed, { given, right, holds }) {
  const row = make("div", "options", root)
  if (typed) {
    const unit = typed.unit
    make("span", `option ${holds ? "right" : "wrong"}`, row, `${given}${unit}`.replace("-", "−"))
    if (!holds) make("span", "option right", row, `${right}${unit}`)
    return
  }
  options.forEach((option, i) => {
    const chip = make("span", "option", row, option)
    if (i === right) chip.classList.add("right")
    else if (i === given) chip.classList.add("wrong")
  })
}

// Who answered with a key goes on with a key: to the next question, and there to its answers. A telephone would open its keyboard.
function reach(root, inside, isDone) {
  if (isDone && answered.delete(root)) setTimeout(() => root.ownerDocument.querySelector(NEXT)?.focus({ preventScroll: true }), WAIT)
  else if (!isDone && goesOn && matchMedia("(hover: hover)").matches) inside.querySelector("button, input")?.focus({ preventScroll: true })
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root"), { options, typed, verdict } = data
  const inside = create("div", "inside"), send = (value) => {
    answered.add(root)
    goesOn = true
    setTriggerValue("answer", value)
  }
  if ("right" in verdict) show(inside, options, typed[0], verdict)
  else if (typed.length) ask(inside, typed[0], send)
  else offer(inside, options, send)
  root.replaceChildren(inside)
  reach(root, inside, "right" in verdict)
}
