// A vector as a strip of cells, one for each number. The pointer or the arrow keys read a number, a click or Enter opens it.
import { palette, pixelOf, pointPicture, shadeOf } from "./colours.js"
import { create, make, placeTip } from "./dom.js"
import { rounded } from "./numbers.js"
import { cellAfter, cellAt, placeOf } from "./strip_geometry.js"
import { dress } from "./styles.js"

const NONE = pixelOf(128, 128, 128, 62), SHARP = 400      // cells; more of them than pixels are drawn smooth

function picture(numbers, limit, colours) {
  return pointPicture(1, numbers.length, (pixels) => numbers.forEach((value, d) => {
    pixels[d] = Number.isFinite(value) ? shadeOf(colours, (value / limit + 1) / 2) : NONE
  }))
}

// What all strips of a figure share: the colours, and a line that says what is under the pointer. It is put into the figure last.
export function stripTools(root) {
  dress(root, "strip")
  const tip = create("div", "tip")
  tip.hidden = true
  return { tip, colours: palette(getComputedStyle(root), "diverging").pixels }
}

function showTip(tip, box, text, number, share) {
  const home = tip.parentElement.getBoundingClientRect(), at = box.getBoundingClientRect()
  tip.hidden = false
  tip.replaceChildren(`${text}\n`)
  make("b", "", tip, number)
  placeTip(tip, home.width, { x: at.left - home.left + share * at.width, top: at.top - home.top, bottom: at.bottom - home.top }, 6)
}

// numbers: a Float32Array; name: what each cell is, such as “dimension”; open(cell): a click.
export function makeStrip(parent, { numbers, limit, colour, title, opened, name = "dimension" }, { tip, colours }, open) {
  const box = make("div", "strip", parent), count = numbers.length, marks = []
  const canvas = picture(numbers, limit, colours)
  canvas.tell = (_, cell) => `${title}, ${name} ${cell}: ${rounded(numbers[cell])}`       // for a picture that is saved
  canvas.className = count > SHARP ? "cells smooth" : "cells"
  box.append(canvas)
  box.style.setProperty("--role", colour)
  box.tabIndex = 0
  box.setAttribute("role", "application")
  box.setAttribute("aria-roledescription", "strip of numbers")
  const say = (cell) => box.setAttribute("aria-label", `${title}: ${name} ${cell}, ${rounded(numbers[cell])}`)
  const mark = (kind, cell) => {
    const line = marks[kind] ??= make("i", kind, box), { left, wide } = placeOf(cell, count)
    Object.assign(line.style, { left: `${left}%`, width: `${wide}%` })
    line.hidden = false
  }
  let now = opened ?? 0
  const point = (cell) => {
    now = cell
    mark("cursor", cell)
    say(cell)
    showTip(tip, box, `${title}, ${name} ${cell}`, rounded(numbers[cell]), (cell + 0.5) / count)
  }
  const leave = () => {
    tip.hidden = true
    if (marks.cursor) marks.cursor.hidden = true
  }
  const choose = (cell) => {
    mark("opened", cell)
    open(cell)
  }
  const under = (event) => {
    const { left, width } = canvas.getBoundingClientRect()
    return cellAt(event.clientX - left, width, count)
  }
  say(now)
  if (opened !== null && opened !== undefined) mark("opened", opened)
  box.onpointermove = box.onpointerdown = (event) => point(under(event))
  box.onpointerleave = box.onblur = leave
  box.onfocus = () => { if (box.matches(":focus-visible")) point(now) }
  box.onclick = (event) => {
    event.stopPropagation()
    choose(now)          // what the tip says; a click's own place is rounded to whole pixels
  }
  box.onkeydown = (event) => {
    const to = cellAfter(event.key, now, count)
    if (to === null && event.key !== "Enter") return
    event.preventDefault()
    if (to === null) choose(now)
    else point(to)
  }
  return box
}
