// Places and lengths of the bars of guesses. No element is touched here.
import { clamp } from "./numbers.js"

// Where a number stands among those of all places, models, words and bars.
export const indexOf = (shape, at) => at.reduce((index, i, axis) => index * shape[axis] + i, 0)

// How long a bar is, as a share of its track.
export const seenShare = (share) => (Number.isFinite(share) ? clamp(share, 0, 1) : 0)

// The number that a key leads to from the i-th of them, two in a row; null where it leads nowhere.
export function nextButton(key, i, count) {
  const step = { ArrowDown: 2, ArrowUp: -2, ArrowRight: 1, ArrowLeft: -1 }[key]
  const next = i + step
  return step !== undefined && next >= 0 && next < count ? next : null
}
