// The motion of the overview as a function of time: what is shown when, of six phases in the order in which a model works.
// Time is in milliseconds. No element is touched here.
import { clamp } from "./numbers.js"

export const MARKS = ["tokens", "positions", "attention", "feed-forward", "layers", "guess"]
const ENDS = [1000, 1700, 3600, 4400, 5100, 5800]
export const END = ENDS.at(-1)

// When each part begins, and when it is there.
const PARTS = {
  drop: [0, 650], fill: [450, 1000],                        // words drop into rows, their vectors fill
  position: [1000, 1650],                                   // positions are added
  query: [1700, 2000], lines: [1950, 2600], map: [2000, 2600], value: [2350, 2650],
  travel: [2650, 3250], update: [3250, 3550],               // values go along the lines into z, the update rises to the +
  neurons: [3600, 4000], write: [4000, 4350],
  sweep: [4400, 5050], out: [4900, 5100], bars: [5100, 5800],
}

const smooth = (p) => p * p * (3 - 2 * p)

// How far each part is at a time, from 0 to 1.
export const shownAt = (time) =>
  Object.fromEntries(Object.entries(PARTS).map(([part, [from, to]]) => [part, smooth(clamp((time - from) / (to - from), 0, 1))]))

// How far the i-th of n is, where one begins after the other.
export const staggered = (p, i, n) => clamp(p * (1 + n / 3) - i / 3, 0, 1)

// The phase that a time lies in, and the time at which a phase has ended.
export const phaseAt = (time) => { const at = ENDS.findIndex((end) => time <= end); return at < 0 ? ENDS.length - 1 : at }
export const endOf = (phase) => ENDS[phase]
const startOf = (phase) => (phase ? ENDS[phase - 1] : 0)

// What plays when one picture follows another: from, to, and how fast. After another text everything, after an experiment what
// comes of it, after another place what is seen there; null where nothing has changed.
export function planned(before, now) {
  if (!before || before.text !== now.text) return { from: 0, to: END, rate: 1 }
  if (before.run !== now.run) return { from: startOf(4), to: END, rate: 1.6 }
  if (before.place !== now.place) return { from: startOf(2), to: endOf(2), rate: 2.2 }
  return null
}

// Where the mark of a phase, or the playhead, lies along the scrubber, from 0 to 1: marks lie evenly.
export function along(time) {
  const phase = phaseAt(clamp(time, 0, END)), from = startOf(phase)
  return clamp((phase + (time - from) / (endOf(phase) - from)) / MARKS.length, 0, 1)
}

// How long a play takes on screen.
export const lasts = ({ from, to, rate }) => (to - from) / rate
