// A ring around a part of the page that the tour speaks of. It follows the part when the page moves.
let shown = null      // the stop whose part was brought into sight

function place(ring, part) {
  const box = part?.getBoundingClientRect()
  ring.hidden = !box?.width
  if (ring.hidden) return
  const look = { left: box.left - 6, top: box.top - 6, width: box.width + 12, height: box.height + 12 }
  for (const [name, value] of Object.entries(look)) ring.style[name] = `${value}px`
}

function bringIntoSight(part) {
  const box = part.getBoundingClientRect(), calm = matchMedia("(prefers-reduced-motion: reduce)").matches
  if (box.top >= 0 && box.top < innerHeight * 0.5) return
  part.scrollIntoView({ block: "start", behavior: calm ? "instant" : "smooth" })
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".root"), { ownerDocument: page } = root
  let going = true
  const follow = () => {
    if (!going || !root.isConnected) return
    const part = page.querySelector(data.selector)
    if (part?.getBoundingClientRect().height && shown !== data.stop) {
      shown = data.stop
      bringIntoSight(part)
    }
    place(root, part)
    requestAnimationFrame(follow)
  }
  follow()
  return () => { going = false }
}
