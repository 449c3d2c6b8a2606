// Where the two ends of each line stand, in pixels, and the words beside them, none over another.
import { clamp } from "./numbers.js"

export const HEAD = 34, FOOT = 14            // pixels over the highest point, with the titles, and below the lowest
export const APART = 19                      // between the middles of two words
const TOPS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1]

// Where the scale ends: the first of a few round shares that holds them all.
export const topOf = (shares) => {
  const most = shares.reduce((top, share) => (share > top ? share : top), 0)
  return TOPS.find((top) => most <= top) ?? 1
}

export const heightOf = (share, top, tall) => HEAD + (1 - (Number.isNaN(share) ? 0 : share) / top) * (tall - HEAD - FOOT)

// Heights as near as can be to those that are wanted, so far apart, and between two others. They keep their order; of equal ones the first
// stands higher.
export function spread(wanted, low, high, apart = APART) {
  const order = wanted.map((_, i) => i).sort((a, b) => wanted[a] - wanted[b] || a - b)
  const gap = Math.min(apart, order.length > 1 ? (high - low) / (order.length - 1) : apart), heights = []
  order.forEach((at, n) => { heights[at] = Math.max(wanted[at], low, n ? heights[order[n - 1]] + gap : low) })
  let room = high
  for (const at of [...order].reverse()) heights[at] = clamp(heights[at], low, room), room = heights[at] - gap
  return heights
}

// { top, ends, words, left, right }: the scale's end; for each run the height of each share and of its word; where the lines begin and end.
export function layOut(wide, tall, shares, roomLeft, roomRight) {
  const top = topOf(shares.flat()), ends = shares.map((run) => run.map((share) => heightOf(share, top, tall)))
  return { top, ends, words: ends.map((heights) => spread(heights, HEAD, tall - FOOT + 4)), left: roomLeft, right: Math.max(roomLeft + 40, wide - roomRight) }
}
