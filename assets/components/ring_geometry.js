// Where the ring of the tour stands, and how far the page moves for it.
export const AWAY = 8, BORDER = 3  // px between a part and its ring; how wide the ring is
const EDGE = AWAY + BORDER, ABOVE = 24

// The ring's box around a part's, its border included.
export const ringAround = ({ left, top, width, height }) =>
  ({ left: left - EDGE, top: top - EDGE, width: width + 2 * EDGE, height: height + 2 * EDGE })

// By how much the page has to be scrolled down until the part is in sight with its ring: not at all if all of it is; where it is
// taller than the screen, its head.
export function scrollFor({ top, height }, screen) {
  const head = top - EDGE, foot = top + height + EDGE
  if (head < 0) return head - ABOVE
  return foot <= screen ? 0 : Math.max(0, Math.min(foot - screen + ABOVE, head - ABOVE))
}
