// The motion of the overview as a function of time: what is shown when, in the order in which the model computes it, from left to right.
// Time is in milliseconds. No element is touched here.
import { clamp } from "./numbers.js"

export const END = 5800
const LONG = { tokens: 900, positions: 550, before: 850, attention: 1700, neurons: 700, after: 850, guess: 1100 }
const LATE = 0.3               // of the guess's time: where layers after the opened one have no time of their own, they take so much of it

// When each part begins, and when it is there, of the time of its phase.
const PARTS = {
  tokens: { drop: [0, 0.66], fill: [0.45, 1] },             // words drop into rows, their vectors fill
  positions: { position: [0, 0.95] },                       // positions are added
  before: { before: [0, 0.97] },                            // the layers before the opened one
  attention: { earlier: [0, 0.12], query: [0.02, 0.2], lines: [0.14, 0.44], map: [0.17, 0.44], value: [0.34, 0.5],
    travel: [0.5, 0.8], update: [0.8, 0.96], later: [0.86, 0.98] },    // values go along the lines into z, the update rises to the +; of
                                                            // two attentions the other one is earlier or later
  neurons: { neurons: [0, 0.5], write: [0.5, 0.98] },
  after: { after: [0, 0.97] },
  guess: { out: [0.25, 0.4], lead: [0.36, 1], bars: [0.4, 1], grow: [0.4, 1] },
}

// What plays for a picture, phase by phase: always six, in which either the layers before the opened one have a phase, or, if it is the
// first, those after it. names: of both, as marks; guess: of the end.
export function scriptOf({ before, after, guess }) {
  const middle = before ? ["before", "attention", "neurons"] : ["attention", "neurons", "after"]
  const phases = ["tokens", "positions", ...middle, "guess"]
  const late = before && after ? `${after}, ${guess}` : guess
  const names = { tokens: "tokens", positions: "positions", before, attention: "attention", neurons: "feed-forward",
    after: after || "last vectors", guess: late }
  const ends = phases.reduce((found, phase) => [...found, (found.at(-1) ?? 0) + LONG[phase]], [])
  return { phases, marks: phases.map((phase) => names[phase]), ends, parts: timesOf(phases, ends) }
}

function timesOf(phases, ends) {
  const at = (i, share) => ends[i] - LONG[phases[i]] * (1 - share), parts = { before: [0, 1] }
  phases.forEach((phase, i) => {
    for (const [part, [from, to]] of Object.entries(PARTS[phase])) parts[part] = [at(i, from), at(i, to)]
  })
  return { ...parts, after: parts.after ?? [at(5, 0), at(5, LATE)] }
}

const smooth = (p) => p * p * (3 - 2 * p)

// How far each part is at a time, from 0 to 1.
export const shownAt = ({ parts }, time) =>
  Object.fromEntries(Object.entries(parts).map(([part, [from, to]]) => [part, smooth(clamp((time - from) / (to - from), 0, 1))]))

// How far the i-th of n is, where one begins after the other.
export const staggered = (p, i, n) => clamp(p * (1 + n / 3) - i / 3, 0, 1)

// The phase that a time lies in.
export const phaseAt = ({ ends }, time) => { const at = ends.findIndex((end) => time <= end); return at < 0 ? ends.length - 1 : at }
const startOf = ({ ends }, phase) => (phase ? ends[phase - 1] : 0)

// What plays when one picture follows another: from, to, and how fast. After another text everything, after an experiment what
// comes of it, after another place what is seen there; null where nothing has changed.
export function planned(script, before, now) {
  if (!before || before.text !== now.text) return { from: 0, to: END, rate: 1 }
  if (before.run !== now.run) return { from: startOf(script, 5), to: END, rate: 1.76 }
  if (before.place === now.place) return null
  const attention = script.phases.indexOf("attention")
  return { from: startOf(script, attention), to: script.ends[attention], rate: 2.2 }
}

// Where the stop of a phase lies along the scrubber, from 0 to 1.
export const along = (phase, count) => (phase + 0.5) / count
