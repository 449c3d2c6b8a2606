// What a word means, over the word: wherever a link leads to “#term-…”, on the page or in a picture. It shows on hover and on focus; a
// click or a tap keeps it open, with a button that leads to the glossary.
import { create, createButton, make } from "./dom.js"
import { glossary } from "./glossary_terms.js"
import { clamp } from "./numbers.js"

const LATER = 140, AWAY = 220, EDGE = 8         // ms until a tip comes and goes; pixels from the edge of the screen
const memory = new WeakMap()

const linkOf = (event) => event.composedPath().find((part) => part.matches?.('a[href^="#term-"]'))
const nameOf = (link) => link.getAttribute("href").slice("#term-".length)

// Below the word, or above it where there is no room below.
function place(tip, link) {
  const word = link.getClientRects()[0] ?? link.getBoundingClientRect(), { offsetWidth: wide, offsetHeight: tall } = tip
  const below = word.bottom + 6, fits = below + tall < window.innerHeight - EDGE
  tip.style.left = `${clamp(word.left - 12, EDGE, Math.max(EDGE, window.innerWidth - wide - EDGE))}px`
  tip.style.top = `${fits ? below : Math.max(EDGE, word.top - tall - 6)}px`
}

function fill(parts, term, kept) {
  const { tip } = parts
  tip.replaceChildren(create("strong", "", term.term))
  if (term.symbol) make("span", "symbol", tip, term.symbol)
  make("p", "", tip, term.short)
  if (!kept) return
  make("p", "more", tip, term.more)
  parts.leads = createButton("leads", "In the glossary →", () => { close(parts); parts.send(nameOf(parts.link)) })
  tip.append(parts.leads)
}

async function open(parts, link, kept = false) {
  const { ids } = await glossary(), term = ids.get(nameOf(link))
  if (!term || parts.wanted !== link) return
  Object.assign(parts, { link, kept })
  link.ariaDescription = term.short
  fill(parts, term, kept)
  if (!parts.tip.matches(":popover-open")) parts.tip.showPopover()
  place(parts.tip, link)
  if (kept) parts.leads.focus({ preventScroll: true })
}

function close(parts) {
  clearTimeout(parts.timer)
  if (parts.tip.matches(":popover-open")) parts.tip.hidePopover()
  Object.assign(parts, { wanted: null, kept: false })
}

function soon(parts, ms, act) {
  clearTimeout(parts.timer)
  parts.timer = setTimeout(act, ms)
}

function listen(parts) {
  const { tip } = parts, on = (name, act, capture = false) => document.addEventListener(name, act, { capture, signal: parts.end.signal })
  const want = (link, ms) => { parts.wanted = link; soon(parts, ms, () => open(parts, link)) }
  const leave = () => { if (!parts.kept) soon(parts, AWAY, () => close(parts)) }
  on("pointerover", (event) => {
    const link = linkOf(event)
    if (event.composedPath().includes(tip)) clearTimeout(parts.timer)
    else if (link && event.pointerType !== "touch" && !parts.kept) want(link, LATER)
    else if (parts.wanted && !link) leave()
  })
  on("focusin", (event) => { const link = linkOf(event); if (link?.matches(":focus-visible") && !parts.kept) want(link, 0) })
  on("focusout", (event) => { if (linkOf(event)) leave() })
  on("click", (event) => {
    const link = linkOf(event)
    if (link) {
      event.preventDefault()
      event.stopPropagation()
      clearTimeout(parts.timer)
      parts.wanted = link
      open(parts, link, true)
    } else if (!event.composedPath().includes(tip)) close(parts)
  }, true)
  on("keydown", (event) => {
    if (event.key !== "Escape" || !parts.wanted) return
    const { link, kept } = parts
    event.stopPropagation()
    close(parts)
    if (kept) link.focus({ preventScroll: true })
  }, true)
  on("scroll", (event) => {
    if (!parts.wanted || event.target === tip) return
    if (parts.kept) place(tip, parts.link)
    else close(parts)
  }, true)
}

function build(root) {
  const parts = { root, end: new AbortController(), wanted: null, kept: false }
  parts.tip = make("div", "tip", root)
  parts.tip.popover = "manual"
  parts.tip.setAttribute("role", "note")
  listen(parts)
  return parts
}

export default function ({ parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root")
  if (!memory.has(root)) memory.set(root, build(root))
  const parts = memory.get(root)
  parts.send = (name) => setTriggerValue("more", name)
  return () => { parts.end.abort(); close(parts); parts.tip.remove(); memory.delete(root) }
}
