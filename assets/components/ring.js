// A ring around a part of the page that the tour speaks of. It follows the part when the page moves.
import { ringAround, scrollFor } from "./ring_geometry.js"

const GROWS = 2500    // ms in which a part that was brought into sight may still be drawn, and so grow
let shown = null      // the stop whose part was brought into sight, how tall it was, and until when it may grow

function place(ring, part) {
  const box = part?.getBoundingClientRect()
  ring.hidden = !box?.width
  if (ring.hidden) return
  for (const [name, value] of Object.entries(ringAround(box))) ring.style[name] = `${value}px`
}

function bringIntoSight(part, stop) {
  const box = part.getBoundingClientRect(), now = performance.now(), calm = matchMedia("(prefers-reduced-motion: reduce)").matches
  if (shown?.stop !== stop) shown = { stop, until: now + GROWS, height: 0 }
  if (now > shown.until || Math.abs(box.height - shown.height) < 4) return
  shown.height = box.height
  const by = scrollFor(box, innerHeight)
  if (by) scrolledBy(part).scrollBy({ top: by, behavior: calm ? "instant" : "smooth" })
}

function scrolledBy(part) {
  for (let each = part.parentElement; each; each = each.parentElement)
    if (each.scrollHeight > each.clientHeight + 1 && /auto|scroll/.test(getComputedStyle(each).overflowY)) return each
  return part.ownerDocument.scrollingElement
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".root"), { ownerDocument: page } = root
  let going = true
  const stop = () => { if (shown) shown.until = 0 }  // the reader scrolls
  page.addEventListener("wheel", stop, { passive: true })
  page.addEventListener("touchmove", stop, { passive: true })
  const follow = () => {
    if (!going || !root.isConnected) return
    const part = page.querySelector(data.selector)
    if (part?.getBoundingClientRect().height) bringIntoSight(part, data.stop)
    place(root, part)
    requestAnimationFrame(follow)
  }
  follow()
  return () => {
    going = false
    page.removeEventListener("wheel", stop)
    page.removeEventListener("touchmove", stop)
  }
}
