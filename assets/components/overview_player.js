// The player under the overview: a button, six marks, and what a phase shows in words, which is there to be read where nothing moves. It
// keeps the time; what is drawn at a time is the picture's.
import { make, makeButton, set } from "./dom.js"
import { along, END, phaseAt } from "./overview_motion.js"

const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches

// paint(time) draws; the player's `time` is what is shown now, and `playing` whether it goes on.
export function buildPlayer(parent, paint) {
  const player = { time: END, playing: null, captions: {}, script: null, paint, root: make("div", "player", parent) }
  player.play = makeButton("play", player.root, "▶", () => toggle(player))
  player.track = make("div", "track", player.root)
  player.head = make("i", "head", player.track)
  player.marks = []
  player.skip = makeButton("skip", player.root, "Skip", () => finish(player))
  player.caption = make("p", "caption", parent)
  player.caption.setAttribute("aria-live", "polite")
  return player
}

// The marks of a script of overview_motion.js, and what each of its phases says.
export function tell(player, script, captions) {
  Object.assign(player, { script, captions })
  script.marks.forEach((name, i) => {
    const mark = player.marks[i] ??= makeButton("mark", player.track, "", () => stopAt(player, player.script.ends[i], i))
    set(mark, "textContent", name)
    mark.style.left = `${along(i, script.marks.length) * 100}%`
  })
}

// Plays a plan of overview_motion.js; where motion is not wanted, its end stands there at once.
export function start(player, plan) {
  cancel(player)
  if (!plan || still() || document.hidden) return finish(player)
  const begun = performance.now()
  player.whole = plan.to === END && plan.rate === 1       // a part of it is over before one could stop it
  const step = (now) => {
    const time = Math.min(plan.to, plan.from + (now - begun) * plan.rate)
    if (time >= plan.to) return finish(player)
    show(player, Math.max(time, plan.from))
    if (player.whole) say(player, phaseAt(player.script, time))
    player.playing = requestAnimationFrame(step)
  }
  player.playing = requestAnimationFrame(step)
  show(player, plan.from)
  label(player)
}

export function finish(player) {
  cancel(player)
  show(player, END)
  say(player, null)
  label(player)
}

export function cancel(player) {
  if (player.playing !== null) cancelAnimationFrame(player.playing)
  player.playing = null
}

export function stopAt(player, time, phase) {
  cancel(player)
  show(player, time)
  say(player, phase)
  label(player)
}

// The phase at which it stands still before its end; null: it moves, or is over.
export const pausedAt = ({ playing, time, script }) => (playing === null && time < END && script ? phaseAt(script, time) : null)

function toggle(player) {
  if (player.playing !== null) return stopAt(player, player.time, phaseAt(player.script, player.time))
  const from = player.time >= END ? 0 : player.time
  start(player, { from, to: END, rate: 1 })
}

function show(player, time) {
  player.time = time
  player.paint(time)
}

// At the end stands what attention did: the other sentences belong to their marks. null: the end. While all of it plays nothing is said:
// the parts go by faster than a sentence is read.
function say(player, phase) {
  const { phases } = player.script, at = phase ?? phases.length - 1, about = phase === null ? "attention" : phases[phase]
  set(player.caption, "textContent", player.captions[about === "before" || about === "after" ? "layers" : about] ?? "")
  set(player.caption.style, "visibility", player.playing === null ? "" : "hidden")
  player.marks.forEach((mark, i) => set(mark, "ariaCurrent", i === at ? "step" : null))
  set(player.head.style, "transform", `translateX(${along(at, phases.length) * 100}cqw)`)
}

function label(player) {
  const plays = player.playing !== null && player.whole
  set(player.play, "textContent", plays ? "❚❚" : "▶")
  set(player.play, "ariaLabel", plays ? "Pause" : "Play")
  set(player.skip, "className", plays ? "skip" : "skip idle")
}
