// A picture as a file, PNG or SVG: below it stands what it shows, of which model, where in it, of which sentence, and what its colours
// mean; its name says the same. Its numbers as a file, CSV or NPZ, say so, too. The page tells once what all its pictures have in common
// (`remember`). Nothing is made before it is asked for, and nothing is asked of the server.
import { csvOf, npzOf } from "./array_files.js"
import { create, make, makeButton } from "./dom.js"
import { elementPicture } from "./element_picture.js"
import { percent, rounded } from "./numbers.js"
import { dress } from "./styles.js"
import { svgBrush } from "./svg_brush.js"

const EDGE = 16, NARROWEST = 380, LONGEST = 3       // pixels around and across; lines of a sentence
const PART = 40, MODEL = 24         // bytes of a part of a file's name, and of the model in it: the whole name has room on any disk
let frame = {}

// frame: { page, model, change, layer, head, token, sentence, words }, of which any may be missing; page and words stand in names of files.
export const remember = (shown) => { frame = shown ?? {} }

// Where in the model a picture stands. without: what it does not depend on, such as "head" where it shows them all.
const looked = (without) => ["layer", "head"].filter((name) => frame[name] != null && !without.includes(name))

// A text of at most so many bytes, without half a letter at its end.
const cut = (text, most) => new TextDecoder().decode(new TextEncoder().encode(text).slice(0, most)).replace(/[-\s\ufffd]+$/, "")
const slug = (text, words = 99, most = PART) => cut((text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []).slice(0, words).join("-"), most)

export function nameOf({ title = "", without = [] } = {}) {
  const place = looked(without).map((name) => name + frame[name])
  return ["glassformer", slug(frame.page ?? ""), slug(title, 5), ...place, slug(frame.model ?? "", 99, MODEL), slug(frame.words ?? "")].filter(Boolean).join("-")
}

// What the picture is, for the files of its numbers: always the same lines, of which any may be empty.
export function factsOf({ title, titled, step, said = [], token = false, without = [] }) {
  const at = (name) => (looked(without).includes(name) ? String(frame[name]) : "")
  return [["page", frame.page], ["title", title], ["step", step], ["model", frame.model], ["change", frame.change], ["layer", at("layer")], ["head", at("head")],
    ["token", token ? frame.token : ""], ["sentence", frame.sentence ?? said.join(" / ")]].map(([name, text]) => [name, text ?? ""])
}

// The caption in lines: [text, whether it is bold, how many lines it may take]. token: whether it is of the chosen token alone; said: what
// else there is to say, such as two runs.
// titled: whether the picture itself says what it is.
export function captionOf({ title, titled = false, step, said = [], token = false, without = [] }) {
  const place = [frame.model, frame.change, ...looked(without).map((name) => `${name} ${frame[name]}`), token && frame.token && `token ${frame.token}`, step].filter(Boolean).join(" · ")
  return [[!titled && title, true, 2], [place, false, 2], ...said.map((line) => [line, false, 2]), [frame.sentence && `“${frame.sentence}”`, false, LONGEST]].filter(([text]) => text)
}

// A text in lines no wider than so many pixels; what is too long for them ends in “…”.
export function inLines(text, most, wideOf, count) {
  const lines = []
  let line = ""
  for (const word of text.split(" ").flatMap((word) => pieces(word, most, wideOf))) {
    const longer = line ? `${line} ${word}` : word
    if (line && wideOf(longer) > most) lines.push(line), line = word
    else line = longer
  }
  lines.push(line)
  if (lines.length <= count) return lines
  return [...lines.slice(0, count - 1), `${lines[count - 1].replace(/[”\s]+$/, "")} …`]
}

// A word that is wider than a line is broken.
function pieces(word, most, wideOf) {
  const letters = [...word], found = []
  while (letters.length && wideOf(letters.join("")) > most) {
    const n = Math.max(1, Math.floor(letters.length * most / wideOf(letters.join(""))))
    found.push(letters.splice(0, n).join(""))
  }
  return [...found, letters.join("")]
}

// Draws the caption from a height on, on a brush; returns where it ends.
function drawCaption(brush, { text, font }, picture, wide, top) {
  let y = top
  Object.assign(brush, { fillStyle: text, textAlign: "left", textBaseline: "alphabetic", globalAlpha: 1 })
  for (const [words, bold, count] of captionOf(picture)) {
    brush.font = `${bold ? 650 : 400} 13px ${font}`
    for (const line of inLines(words, wide, (part) => brush.measureText(part).width, count)) brush.fillText(line, 0, y += 18)
  }
  for (const scale of picture.scales ?? []) y = drawScale(brush, { text, font }, scale, y + 12)
  return y + 4
}

// A scale: { name, ends: [low, middle, high], stops: [[share, colour], …] }.
function drawScale(brush, { text, font }, { name, ends, stops }, y) {
  const wide = 220, ramp = brush.createLinearGradient(0, 0, wide, 0)
  for (const [share, colour] of stops) ramp.addColorStop(share, colour)
  brush.fillStyle = ramp
  brush.fillRect(0, y, wide, 9)
  Object.assign(brush, { fillStyle: text, font: `400 11px ${font}` })
  ends.forEach((end, i) => {
    brush.textAlign = ["left", "center", "right"][i]
    if (end !== "") brush.fillText(end, wide * i / 2, y + 22)
  })
  brush.textAlign = "left"
  if (name) brush.fillText(name, wide + 12, y + 9)
  return y + 24
}

const evenly = (stops) => stops.map((colour, i) => [i / (stops.length - 1), colour])

// The scale of numbers whose colours end at ± limit, and that of weights up to a largest; each in the theme's own colours (`palette`).
export const signedScale = ({ stops }, limit, name = "") => ({ name, ends: [-limit, 0, limit].map((x) => rounded(x, 3)), stops: evenly(stops) })
export const weightScale = ({ stops }, most = 1) => ({ name: "attention weights", ends: ["0%", "", percent(most, 0)], stops: evenly(stops) })

// The scales of a picture that has vectors, each with its own end, and weights.
export const bothScales = (signed, weights) => [
  { name: "numbers of vectors", ends: ["below 0", "", "above"], stops: evenly(signed.stops) }, weightScale(weights)]

// --- files ---------------------------------------------------------------------------------------------------------

function draw(brush, picture, wide, tall) {
  brush.fillStyle = picture.style.page
  brush.fillRect(0, 0, wide, tall)
  brush.save()
  brush.translate(EDGE, EDGE)
  brush.save()
  picture.paint(brush)
  brush.restore()
  drawCaption(brush, picture.style, picture, wide - 2 * EDGE, picture.tall + 6)
  brush.restore()
}

function sizeOf(picture) {
  const wide = Math.max(picture.wide, NARROWEST)
  const tall = drawCaption(svgBrush(1, 1), picture.style, picture, wide, picture.tall + 6)
  return [wide + 2 * EDGE, tall + 2 * EDGE]
}

async function png(picture) {
  const canvas = document.createElement("canvas"), [wide, tall] = sizeOf(picture)
  const dense = Math.min(2, 16000 / Math.max(wide, tall), Math.sqrt(6e7 / (wide * tall)))
  Object.assign(canvas, { width: Math.round(wide * dense), height: Math.round(tall * dense) })
  const brush = canvas.getContext("2d")
  brush.scale(dense, dense)
  draw(brush, picture, wide, tall)
  return new Promise((done) => canvas.toBlob(done, "image/png"))
}

async function svg(picture) {
  const [wide, tall] = sizeOf(picture), brush = svgBrush(wide, tall, picture.cells)
  draw(brush, picture, wide, tall)
  return new Blob([`<?xml version="1.0" encoding="UTF-8"?>\n${brush.text()}\n`], { type: "image/svg+xml" })
}

const csv = (picture) => csvOf(named(picture.arrays()), factsOf(picture)), npz = (picture) => npzOf(named(picture.arrays()), factsOf(picture))

// No two arrays of a file have one name, and none has a sign that a zip file takes for a folder.
function named(arrays) {
  const taken = new Set()
  return arrays.map((array) => {
    const name = cut(array.name.replace(/[\p{C}/\\]+/gu, " ").trim(), 120) || "array"
    let free = name
    for (let n = 2; taken.has(free); n++) free = `${name} ${n}`
    taken.add(free)
    return { ...array, name: free }
  })
}

async function save(given, kind) {
  const picture = await given
  const file = URL.createObjectURL(await { png, svg, csv, npz }[kind](picture))
  Object.assign(document.createElement("a"), { href: file, download: `${nameOf(picture)}.${kind}` }).click()
  setTimeout(() => URL.revokeObjectURL(file), 10_000)
}

// --- the button ----------------------------------------------------------------------------------------------------

const KINDS = { png: "The picture, in pixels", svg: "The picture, in lines and words", csv: "Its numbers, for a spreadsheet", npz: "Its numbers, for NumPy" }

// A button “Save” that offers all kinds: to its left, or where there is no room, to its right. picture() says what is drawn now, or promises
// it: { wide, tall, title, style, paint(brush) }, and if need be titled, step, said, token, scales, without, cells (how many numbers), and
// arrays(), which gives its numbers as array_files.js takes them. style: as `themeOf` has it. numbered(): whether there are numbers to save.
export function saveMenu(parent, picture, numbered = () => true) {
  const box = make("span", "saves", parent), button = makeButton("", box, "Save"), menu = make("span", "kinds", box)
  const kinds = Object.entries(KINDS).map(([kind, title]) => Object.assign(makeButton("", menu, kind.toUpperCase(), () => { turn(false); button.focus(); save(picture(), kind) }), { title }))
  const turn = (open) => {
    if (open) for (const each of kinds.slice(2)) each.hidden = !numbered()
    button.ariaExpanded = String(open)
    menu.classList.remove("onward")
    menu.classList.toggle("onward", open && menu.getBoundingClientRect().left < 0)
  }
  turn(false)
  button.onclick = () => turn(button.ariaExpanded !== "true")
  box.addEventListener("focusout", ({ relatedTarget }) => { if (!box.contains(relatedTarget)) turn(false) })
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || button.ariaExpanded !== "true") return
    event.stopPropagation()
    turn(false)
    button.focus()
  })
  dress(box, "saving")
}

const described = new WeakMap()       // what each figure is, as it was said last

// The button below a figure that is made of elements. about: { title } and what else `saveMenu` knows beside the picture itself, such as
// arrays: () => […].
export function saveElements(root, about) {
  if (!described.has(root)) {
    const box = create("div", "saving")
    root.after(box)
    saveMenu(box, () => ({ ...elementPicture(root), ...described.get(root) }), () => Boolean(described.get(root).arrays))
  }
  described.set(root, about)
}
