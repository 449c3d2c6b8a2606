// Lengths and places of the rows of layers. No element is touched here.
import { clamp, rounded } from "./numbers.js"

// A number with three digits or less, so that the points stand below each other.
export const aligned = (x) => {
  const size = Math.abs(x)
  return size < 10 ? x.toFixed(2).replace("-", "−") : size < 100 ? x.toFixed(1).replace("-", "−") : rounded(x, 3)
}

// Pixels of a head's map: of many layers all shall be seen at once.
export const thumbSize = (layers) => (layers <= 6 ? 58 : layers <= 12 ? 40 : 22)

// How long a bar is, as a share of its track; one beyond the end of the scale fills it.
export const barShare = (value, top) => (Number.isFinite(value) ? clamp(value / top, 0, 1) : 0)

// The head that a key leads to from the i-th of all; null where it leads nowhere.
export function nextHead(key, i, heads, count) {
  const step = { ArrowDown: heads, ArrowUp: -heads, ArrowRight: 1, ArrowLeft: -1 }[key]
  const next = i + step
  return step !== undefined && next >= 0 && next < count ? next : null
}
