// The line over every figure: the tokens, layer and head, and a few choices. A click shows at once, before the page has followed.
import { frameAsked } from "./asked.js"
import { create, createButton, make, set } from "./dom.js"
import { bringToMiddle, showMore } from "./edges.js"
import { frameRows } from "./frame_rows.js"
import { announce } from "./looked_at.js"
import { clamp } from "./numbers.js"
import "./keys.js"
import { oneStop } from "./one_stop.js"
import { keepRoom } from "./room.js"
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

function chip(token, i) {
  const button = createButton("chip", token.text)
  button.setAttribute("aria-label", `Token ${i}: ${token.text}, number ${token.id} of the vocabulary`)
  const said = [token.of && `text ${token.of}`, token.cut, token.added && "added, not typed"].filter(Boolean)
  if (said.length) button.ariaLabel += `; ${said.join("; ")}`
  button.title = [`Token ${i} · id ${token.id}`, ...said].join(" · ")
  button.classList.toggle("added", token.added)
  return button
}

// Where the first token of one of two texts stands: the letter of that text before it.
function partTexts(chips, tokens, i) {
  const { of } = tokens[i]
  if (!of || tokens.findIndex((token) => token.of === of) !== i) return
  const mark = make("span", `text ${of}`, chips, of)
  mark.setAttribute("aria-hidden", "true")
}

// Each part of the line is made once, with a function that shows what is chosen.
function tokenRow(row, send) {
  const chips = create("div", "tokens"), name = `token ${row.side}`
  chips.setAttribute("role", "group")
  chips.setAttribute("aria-label", row.title)
  const buttons = row.tokens.map(chip)
  for (const places of groupWords(row.tokens)) {
    partTexts(chips, row.tokens, places[0])
    make("span", "word", chips).append(...places.map((i) => buttons[i]))
  }
  buttons.forEach((button, i) => {
    button.onclick = () => {
      clicked.set(name, { value: i, until: performance.now() + WAIT })
      press(buttons, i)
      announce("token", { side: row.side, token: i })
      send("token", [row.side, i])
    }
  })
  oneStop(buttons)
  let seen
  const show = (chosen) => {
    press(buttons, chosen)
    buttons.forEach((button, i) => set(button, "tabIndex", i === (chosen ?? 0) ? 0 : -1))
    if (chosen === seen) return
    seen = chosen
    requestAnimationFrame(() => {
      for (const row of [chips, chips.parentElement]) {   // on a small screen both sides stand in one row
        if (buttons[chosen]) bringToMiddle(row, buttons[chosen])
        showMore(row)
      }
    })
  }
  return { elements: [chips], show: (each) => show(shownValue(name, each.chosen)) }
}

const press = (buttons, chosen) => buttons.forEach((button, i) => set(button, "ariaPressed", String(i === chosen)))

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
    set(value, "textContent", String(to))
    set(box, "ariaValueNow", String(to))
    set(fewer, "disabled", to === 0)
    set(more, "disabled", to === each.count - 1)
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
  return { elements: [box], show: ({ value }) => show(shownValue(each.name, value)) }
}

function choice(each, send) {
  const box = create("div", `choice ${each.name}`)
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
  const mark = (value) => buttons.forEach((button, i) => set(button, "ariaChecked", String(each.options[i].value === value)))
  oneStop(buttons, 0, true)
  box.append(...buttons)
  const show = (value) => {
    const at = Math.max(0, each.options.findIndex((option) => option.value === value))
    mark(value)
    buttons.forEach((button, i) => set(button, "tabIndex", i === at ? 0 : -1))
  }
  const elements = NAMED.includes(each.name) ? [create("span", "caption", each.title), box] : [box]
  return { elements, show: ({ value }) => show(shownValue(each.name, value)) }
}

// Where the focus was, by the names of what holds it, so that it survives a new drawing.
const placeOf = (root, element) => {
  const group = element?.closest("[aria-label]:not(button)")
  return group && root.contains(group) ? [group.getAttribute("aria-label"), [...group.querySelectorAll("button")].indexOf(element)] : null
}

function build(root, data, send) {
  const held = placeOf(root, root.getRootNode().activeElement)
  const rows = data.tokens.map((row) => tokenRow(row, send)), steppers = data.steppers.map((each) => stepper(each, send))
  const choices = data.choices.map((each) => choice(each, send)), tokens = create("div", "rows"), looks = create("div", "looks")
  tokens.append(...rows.flatMap(({ elements }) => elements))
  looks.append(...[...steppers, ...choices].flatMap(({ elements }) => elements))
  root.replaceChildren(...(data.tokens.length ? [tokens] : []), looks)
  requestAnimationFrame(() => {
    showMore(looks)
    frameRows(root.ownerDocument)
  })
  if (held) focusAgain(root, held)
  return [...rows, ...steppers, ...choices]
}

function focusAgain(root, [name, at]) {
  const group = root.querySelector(`[aria-label="${CSS.escape(name)}"]`), target = at < 0 ? group : group?.querySelectorAll("button")[at]
  target?.focus({ preventScroll: true })
}

const built = new WeakMap(), sends = new WeakMap()        // what each line is made of, and how it reaches the page

export default function ({ data, parentElement, setTriggerValue }) {
  remember(data.frame[0])
  watchClicks(parentElement.ownerDocument)
  keepRoom(parentElement.ownerDocument)
  frameAsked(parentElement.ownerDocument)
  const root = parentElement.querySelector(".root"), parts = [...data.tokens, ...data.steppers, ...data.choices]
  const what = JSON.stringify(parts.map(({ chosen, value, ...made }) => made))
  sends.set(root, setTriggerValue)
  if (built.get(root)?.what !== what) built.set(root, { what, parts: build(root, data, (...given) => sends.get(root)(...given)) })
  built.get(root).parts.forEach(({ show }, i) => show(parts[i]))
}
