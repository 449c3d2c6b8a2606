// The line over every figure: the tokens, layer and head, and a few choices. A click shows at once, before the page has followed.
import { create, createButton, make } from "./dom.js"
import { bringToMiddle, showMore } from "./edges.js"
import { frameRows } from "./frame_rows.js"
import { announce } from "./looked_at.js"
import { clamp } from "./numbers.js"
import "./keys.js"
import { oneStop } from "./one_stop.js"
import { remember } from "./saving.js"
import { watchClicks } from "./sheet.js"
import { groupWords } from "./words.js"

const NAMED = ["mask", "side"]  // choices whose options do not say of what they are: their title stands before them
const WAIT = 3000          // ms that a click stands before what the page says stands again
const clicked = new Map()  // the reader's last clicks: name → {value, until}

const shownValue = (name, value) => {
  const last = clicked.get(name)
  if (last && (last.value === value || performance.now() > last.until)) clicked.delete(name)
  return clicked.get(name)?.value ?? value
}

function chip(token, i, chosen) {
  const button = createButton("chip", token.text)
  button.setAttribute("aria-pressed", String(i === chosen))
  button.setAttribute("aria-label", `Token ${i}: ${token.text}, number ${token.id} of the vocabulary`)
  button.title = `Token ${i} · id ${token.id}`
  return button
}

function tokenRow(row, send) {
  const chips = create("div", "tokens"), name = `token ${row.side}`
  chips.setAttribute("role", "group")
  chips.setAttribute("aria-label", row.title)
  const chosen = shownValue(name, row.chosen), buttons = row.tokens.map((token, i) => chip(token, i, chosen))
  for (const places of groupWords(row.tokens)) make("span", "word", chips).append(...places.map((i) => buttons[i]))
  buttons.forEach((button, i) => {
    button.onclick = () => {
      clicked.set(name, { value: i, until: performance.now() + WAIT })
      buttons.forEach((each, k) => each.setAttribute("aria-pressed", String(k === i)))
      announce("token", { side: row.side, token: i })
      send("token", [row.side, i])
    }
  })
  oneStop(buttons, chosen ?? 0)
  requestAnimationFrame(() => {
    for (const row of [chips, chips.parentElement]) {   // on a small screen both sides stand in one row
      if (buttons[chosen]) bringToMiddle(row, buttons[chosen])
      showMore(row)
    }
  })
  return chips
}

function stepper(each, send) {
  const box = create("div", "stepper"), value = create("output", "value")
  box.setAttribute("role", "spinbutton")
  box.tabIndex = 0
  box.setAttribute("aria-label", each.title)
  box.setAttribute("aria-valuemin", "0")
  box.setAttribute("aria-valuemax", String(each.count - 1))
  let now
  const show = (to) => {
    now = to
    value.textContent = String(to)
    box.setAttribute("aria-valuenow", String(to))
    fewer.disabled = to === 0
    more.disabled = to === each.count - 1
  }
  const go = (to) => {
    if ((to = clamp(to, 0, each.count - 1)) === now) return
    show(to)
    clicked.set(each.name, { value: to, until: performance.now() + WAIT })
    announce(each.name, to)
    send("step", [each.name, to])
  }
  const fewer = createButton("less", "‹", () => go(now - 1)), more = createButton("greater", "›", () => go(now + 1))
  for (const [button, title] of [[fewer, "Previous"], [more, "Next"]]) {
    button.tabIndex = -1
    button.setAttribute("aria-label", `${title} ${each.name}`)
  }
  box.title = `${each.title} ${0} to ${each.count - 1}`
  box.onkeydown = (event) => {
    const to = { ArrowRight: now + 1, ArrowUp: now + 1, ArrowLeft: now - 1, ArrowDown: now - 1, Home: 0, End: each.count - 1 }[event.key]
    if (to === undefined) return
    event.preventDefault()
    go(to)
  }
  box.append(create("span", "title", each.title), fewer, value, more)
  show(shownValue(each.name, each.value))
  return box
}

function choice(each, send) {
  const box = create("div", `choice ${each.name}`), chosen = shownValue(each.name, each.value)
  box.setAttribute("role", "radiogroup")
  box.setAttribute("aria-label", each.title)
  const buttons = each.options.map((option) => {
    const button = createButton("", option.text)
    button.setAttribute("role", "radio")
    if (option.hint) button.title = option.hint
    button.onclick = () => {
      clicked.set(each.name, { value: option.value, until: performance.now() + WAIT })
      mark(option.value)
      send("choice", [each.name, option.value])
    }
    return button
  })
  const mark = (value) => buttons.forEach((button, i) => button.setAttribute("aria-checked", String(each.options[i].value === value)))
  mark(chosen)
  oneStop(buttons, each.options.findIndex((option) => option.value === chosen), true)
  box.append(...buttons)
  return NAMED.includes(each.name) ? [create("span", "caption", each.title), box] : [box]
}

// Where the focus was, by the names of what holds it, so that it survives a new drawing.
const placeOf = (root, element) => {
  const group = element?.closest("[aria-label]:not(button)")
  return group && root.contains(group) ? [group.getAttribute("aria-label"), [...group.querySelectorAll("button")].indexOf(element)] : null
}

export default function ({ data, parentElement, setTriggerValue }) {
  remember(data.frame[0])
  watchClicks(parentElement.ownerDocument)
  const root = parentElement.querySelector(".root"), held = placeOf(root, root.getRootNode().activeElement)
  const tokens = create("div", "rows")
  tokens.append(...data.tokens.map((row) => tokenRow(row, setTriggerValue)))
  const looks = create("div", "looks")
  looks.append(...data.steppers.map((each) => stepper(each, setTriggerValue)), ...data.choices.flatMap((each) => choice(each, setTriggerValue)))
  root.replaceChildren(...(data.tokens.length ? [tokens] : []), looks)
  requestAnimationFrame(() => {
    showMore(looks)
    frameRows(root.ownerDocument)
  })
  if (!held) return
  const group = root.querySelector(`[aria-label="${CSS.escape(held[0])}"]`)
  const target = held[1] < 0 ? group : group?.querySelectorAll("button")[held[1]]
  target?.focus({ preventScroll: true })
}
