// What the browser alone knows of a view: where the page is scrolled to, how a picture is zoomed, folded or filtered. A link that is copied
// holds it, and whoever follows the link finds it so; the address does not, for nothing has to run when one scrolls or zooms.
import { parsePlace, parseSeen, scrollTo, spellPlace, spellSeen } from "./seen_place.js"

const GROWS = 8000          // ms in which what was asked for may still be drawn, and grow
const STILL = 10            // frames in which it has to stand still before the page is scrolled
const TRIES = 6
const RESTS = 400           // ms without scrolling
const TOP = 8               // pixels: less is not scrolled at all
const LEAVES = ["wheel", "touchmove", "pointerdown", "keydown"]         // what the reader does who looks elsewhere
const KEYED = "[class*='st-key-']"
const kept = new Map()      // for each picture, by name, {read, apply}
const hears = new Set()     // what is called when the page has come to rest
let asked = new Map(), given = null, read = { page: "", at: "" }

const keyOf = (element) => /(?:^|\s)st-key-([\w-]+)/.exec(element?.className)?.[1]
const keyAround = (root) => keyOf(root.getRootNode().host?.closest(KEYED))

// A picture has a state of that name: read() says what it is, null where it is as at first; apply(text) makes it what a link asks for.
export function keepInLink(root, name, read, apply) {
  for (const each of kept.keys()) if (!each.isConnected) kept.delete(each)
  kept.set(root, { ...kept.get(root), [name]: { read, apply } })
  answer(root, name)
}

function answer(root, name) {
  const place = `${keyAround(root) ?? ""}.${name}`, text = asked.get(place)
  if (text === undefined) return
  asked.delete(place)       // once: from then on the reader has the say
  kept.get(root)[name].apply(text)
}

export function seenNow(page) {
  const states = [...kept].filter(([root]) => root.isConnected && keyAround(root)).flatMap(([root, named]) =>
    Object.entries(named).map(([name, { read }]) => ({ key: keyAround(root), name, value: read() ?? "" })))
  return { at: placeNow(page), seen: spellSeen(states.filter(({ value }) => value !== "")) }
}

// --- where the page is scrolled to ------------------------------------------------------------------------------------

const pageIn = (page) => page.querySelector("[data-testid=stMain]")

function placeNow(page) {
  const main = pageIn(page)
  if (main.scrollTop < TOP) return ""
  const parts = [...main.querySelectorAll(KEYED)].filter((part) => part.getBoundingClientRect().height && scrolls(part, main))
  return spellPlace(parts.map((part) => ({ key: keyOf(part), ...boxOf(part) })), innerHeight)
}

// Where the reader was when the page last stood still below its top. The button that copies a link is at the top.
export const readAt = (page) => (read.page === page.location.pathname ? read.at : "")

export function whenRead(hear) {
  hears.add(hear)
  return () => hears.delete(hear)
}

function watchPlace(page) {
  let rests
  pageIn(page)?.addEventListener("scroll", () => {
    clearTimeout(rests)
    rests = setTimeout(() => {
      const at = placeNow(page)
      if (at) read = { page: page.location.pathname, at }
      for (const hear of hears) hear()
    }, RESTS)
  }, { passive: true })
}

function boxOf(part) {
  const { top, bottom } = part.getBoundingClientRect()
  return { top, bottom }
}

// Whether a part moves with the page: no bar, and no panel that stays in sight.
function scrolls(part, main) {
  for (let each = part; each && each !== main; each = each.parentElement)
    if (/fixed|sticky/.test(getComputedStyle(each).position)) return false
  return true
}

// Scrolls to a place once it stands still, and again if it moves as the page grows; never after the reader has turned elsewhere.
function goTo(page, text) {
  const place = parsePlace(text), main = pageIn(page), until = performance.now() + GROWS
  if (!place || !main) return
  let tries = TRIES, still = 0, last = {}
  const leave = () => { tries = 0 }
  for (const name of LEAVES) page.addEventListener(name, leave, { passive: true, capture: true })
  const look = () => {
    if (!tries || performance.now() > until || given.at !== text) {
      for (const name of LEAVES) page.removeEventListener(name, leave, { capture: true })
      return
    }
    const part = main.querySelector(`.st-key-${place.key}`), box = part && boxOf(part)
    still = box && Math.abs(box.top - last.top) < 1 && Math.abs(box.bottom - last.bottom) < 1 ? still + 1 : 0
    last = box ?? {}
    const by = still >= STILL ? scrollTo(place, box, innerHeight) : 0
    if (Math.abs(by) >= 1) {
      main.scrollBy({ top: by, behavior: "instant" })
      tries -= 1
      still = 0
    }
    requestAnimationFrame(look)
  }
  look()
}

// What a link that was opened asks for; the same again is nothing new.
export default function ({ data, parentElement }) {
  const page = parentElement.ownerDocument
  if (!given) watchPlace(page)
  if (given && given.at === data.at && given.seen === data.seen) return
  given = { at: data.at, seen: data.seen }
  asked = parseSeen(data.seen)
  for (const [root, named] of kept) for (const name of Object.keys(named)) if (root.isConnected) answer(root, name)
  goTo(page, data.at)
}
