// The player under the overview: a button, six marks, and what the phase shows in words. It keeps the time; what is drawn at a time
// is the picture's.
import { make, makeButton, set } from "./dom.js"
import { along, END, endOf, lasts, MARKS, phaseAt } from "./overview_motion.js"

const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches

// paint(time) draws; the player's `time` is what is shown now, and `playing` whether it goes on.
export function buildPlayer(parent, paint) {
  const player = { time: END, playing: null, captions: [], paint, root: make("div", "player", parent) }
  player.play = makeButton("play", player.root, "▶", () => toggle(player))
  player.track = make("div", "track", player.root)
  player.head = make("i", "head", player.track)
  player.marks = MARKS.map((name, i) => {
    const mark = makeButton("mark", player.track, name, () => stopAt(player, endOf(i), i))
    mark.style.left = `${((i + 1) / MARKS.length) * 100}%`
    return mark
  })
  player.skip = makeButton("skip", player.root, "Skip", () => finish(player))
  player.caption = make("p", "caption", parent)
  player.caption.setAttribute("aria-live", "polite")
  label(player)
  return player
}

// Plays a plan of overview_motion.js; where motion is not wanted, its end stands there at once.
export function start(player, plan) {
  cancel(player)
  if (!plan || still() || document.hidden) return finish(player)
  const begun = performance.now()
  player.whole = plan.to === END && plan.rate === 1       // a part of it is over before one could stop it
  if (player.whole) glide(player, plan)
  const step = (now) => {
    const time = Math.min(plan.to, plan.from + (now - begun) * plan.rate)
    if (time >= plan.to) return finish(player)
    show(player, Math.max(time, plan.from))
    if (player.whole) say(player, phaseAt(time))
    player.playing = requestAnimationFrame(step)
  }
  player.playing = requestAnimationFrame(step)
  show(player, plan.from)
  label(player)
}

function glide(player, plan) {
  const [from, to] = [plan.from, plan.to].map((time) => ({ left: `${along(time) * 100}%` }))
  player.glide = player.head.animate([from, to], { duration: lasts(plan), fill: "forwards" })
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
  player.glide?.cancel()
}

function stopAt(player, time, phase) {
  cancel(player)
  show(player, time)
  say(player, phase)
  label(player)
}

function toggle(player) {
  if (player.playing !== null) return stopAt(player, player.time, phaseAt(player.time))
  const from = player.time >= END ? 0 : player.time
  start(player, { from, to: END, rate: 1 })
}

function show(player, time) {
  player.time = time
  player.paint(time)
}

// At the end stands what attention did: the other sentences belong to their marks. null: the end.
function say(player, phase) {
  set(player.caption, "textContent", player.captions[phase ?? 2] ?? "")
  player.marks.forEach((mark, i) => set(mark, "ariaCurrent", i === (phase ?? MARKS.length - 1) ? "step" : null))
  if (player.playing === null) set(player.head.style, "left", `${along(player.time) * 100}%`)
}

function label(player) {
  const plays = player.playing !== null && player.whole
  set(player.play, "textContent", plays ? "❚❚" : "▶")
  set(player.play, "ariaLabel", plays ? "Pause" : "Play")
  set(player.skip, "className", plays ? "skip" : "skip idle")
}
