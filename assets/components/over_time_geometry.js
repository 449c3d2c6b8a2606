// Where the steps of a training stand on an axis that is spaced by logarithm, and the curves over them.
import { clamp } from "./numbers.js"

// The axis begins with step 0, which has no logarithm: one more is taken of all.
const log = (step) => Math.log(1 + step)

// The share of the axis, from 0 to 1, at which a step stands.
export const shareOf = (step, last) => log(step) / log(Math.max(last, 1))

// The steps that are written below the axis: step 0, powers of ten with room between them, and the last.
export function ticks(last, wide, apart = 44) {
  const found = [0]
  for (let step = 1; step < last; step *= 10) {
    const x = shareOf(step, last) * wide
    if (x - shareOf(found.at(-1), last) * wide >= apart && wide - x >= apart) found.push(step)
  }
  return [...found, last]
}

// A curve as the path of an SVG: values from low to high over steps, between the top and the bottom, both in pixels.
export function curve(steps, values, last, { left, wide, top, tall, low, high }) {
  const at = values.map((value, i) => [left + shareOf(steps[i], last) * wide, top + (1 - (value - low) / (high - low || 1)) * tall])
  return at.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)},${y.toFixed(1)}`).join("")
}

// The stop that is nearest to a share of the axis.
export const nearest = (share, stops) => stops.reduce((best, stop, i) => (Math.abs(stop - share) < Math.abs(stops[best] - share) ? i : best), 0)

// The stop that a key leads to; undefined where it leads nowhere.
export function stopAfter(key, at, count) {
  const to = { ArrowRight: at + 1, ArrowUp: at + 1, ArrowLeft: at - 1, ArrowDown: at - 1, PageUp: at + 3, PageDown: at - 3, Home: 0, End: count - 1 }[key]
  return to === undefined ? to : clamp(to, 0, count - 1)
}

// Round numbers around some values: where an axis begins and ends.
export function bounds(values) {
  const low = Math.floor(Math.min(...values)), high = Math.ceil(Math.max(...values))
  return [low, high > low ? high : low + 1]
}
