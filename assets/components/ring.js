// A ring around a part of the page that the tour speaks of. It follows the part when the page moves. `bare`: the part is only brought
// into sight.
import { ringAround, scrollFor } from "./ring_geometry.js"

const GROWS = 6000    // ms in which a part that was brought into sight may still be drawn, and so grow
const STILL = 10      // frames in which it has to stand still before it is moved
const TRIES = 5
const LEAVES = ["wheel", "touchmove", "pointerdown", "keydown"]  // what the reader does who looks elsewhere
const rung = new WeakMap()  // for each ring what it speaks of
let shown = null      // the stop whose part is brought into sight, where it is, since how many frames, how often it was moved

function place(ring, part) {
  const box = part?.getBoundingClientRect()
  ring.hidden = !box?.width
  if (ring.hidden) return
  for (const [name, value] of Object.entries(ringAround(box))) ring.style[name] = `${value}px`
}

// Moves the page until the part is in sight, also when it grows: never while it moves, nor after the reader has turned elsewhere.
function bringIntoSight(part, stop) {
  const { top, height } = part.getBoundingClientRect(), now = performance.now()
  if (shown?.stop !== stop) shown = { stop, until: now + GROWS, tries: TRIES }
  const stays = Math.abs(top - shown.top) < 1 && Math.abs(height - shown.height) < 1
  Object.assign(shown, { top, height, still: stays ? shown.still + 1 : 0 })
  const by = scrollFor({ top, height }, innerHeight)
  if (now > shown.until || shown.still < STILL || !shown.tries || Math.abs(by) < 1) return
  shown.tries -= 1
  shown.still = 0
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches
  scrolledBy(part).scrollBy({ top: by, behavior: calm ? "instant" : "smooth" })
}

function scrolledBy(part) {
  for (let each = part.parentElement; each; each = each.parentElement)
    if (each.scrollHeight > each.clientHeight + 1 && /auto|scroll/.test(getComputedStyle(each).overflowY)) return each
  return part.ownerDocument.scrollingElement
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".root"), { ownerDocument: page } = root
  const stays = () => { if (shown) shown.until = 0 }  // until the next stop
  for (const name of LEAVES) page.addEventListener(name, stays, { passive: true })
  const follow = () => {
    if (rung.get(root) !== data || !root.isConnected) {  // another stop, or none
      for (const name of LEAVES) page.removeEventListener(name, stays)
      return
    }
    const part = page.querySelector(data.selector)
    if (part?.getBoundingClientRect().height) bringIntoSight(part, data.stop)
    if (data.bare) root.hidden = true
    else place(root, part)
    requestAnimationFrame(follow)
  }
  rung.set(root, data)  // the way before ends: there is one ring
  follow()
}
