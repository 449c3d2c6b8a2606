// Elements of the page: made, changed, placed, focused. All text enters by textContent.
import { clamp } from "./numbers.js"

export const SVG = "http://www.w3.org/2000/svg"

// An element without a parent.
export const create = (tag, className, text) => {
  const element = document.createElement(tag)
  if (className) element.className = className
  if (text !== undefined) element.textContent = text
  return element
}

// The same inside a parent, below what is there.
export const make = (tag, className, parent, text) => {
  const element = create(tag, className, text)
  parent.append(element)
  return element
}

export const createButton = (className, text, onclick) => Object.assign(create("button", className, text), { type: "button", onclick })

export const makeButton = (className, parent, text, onclick = null) => {
  const button = createButton(className, text, onclick)
  parent.append(button)
  return button
}

// What is the same already is left alone: every change of the document costs the browser a layout.
export const set = (target, name, value) => { if (target[name] !== value) target[name] = value }

// Among such elements of a figure this one is opened: a click shows it at once, before the page has followed.
export const markOpened = (root, selector, element) => {
  for (const each of root.querySelectorAll(selector)) each.classList.toggle("opened", each === element)
}

// Puts a tip over a place, below it where there is no room above. room: how wide the tip's home is; x: the middle of the place.
export function placeTip(tip, room, { x, top, bottom }, above, below = above) {
  const { offsetWidth: wide, offsetHeight: tall } = tip
  tip.style.left = `${clamp(x - wide / 2, 0, Math.max(0, room - wide))}px`
  tip.style.top = `${top > tall + above + 2 ? top - tall - above : bottom + below}px`
}
