// The text, word by word, with what a model says of each token below it. A click on a word chooses its token, one on a tag opens its number.
import { clamp } from "./numbers.js"
import { create, make, makeButton, markOpened } from "./dom.js"
import { saveElements } from "./saving.js"
import { ofTagged } from "./shown_arrays.js"
import { groupWords } from "./words.js"

function tagButton(parent, token, tag, open) {
  const button = makeButton(tag.quiet ? "tag quiet" : "tag", parent)
  make("span", "name", button, tag.text)
  make("span", "share", button, tag.percent)
  button.classList.toggle("opened", tag.opened)
  button.style.setProperty("--share", `${100 * clamp(tag.share, 0, 1)}%`)
  button.title = `${tag.text}: ${tag.percent}`
  button.ariaLabel = `${token.text}, ${tag.text}: ${tag.percent}. Open the number`
  button.onclick = () => open(button)
}

function tokenBox(data, i, act) {
  const token = data.tokens[i], box = create("span", token.inside ? "token inside" : "token")
  const word = makeButton("word", box, token.text, () => act.choose(i))
  word.setAttribute("aria-pressed", String(i === data.chosen))
  token.tags.forEach((tag, n) => tagButton(box, token, tag, (button) => act.open(button, [i, n])))
  return box
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root"), focused = root.getRootNode().activeElement?.className?.startsWith?.("word")
  root.style.setProperty("--tint", data.colour)
  const act = {
    choose: (i) => {
      root.querySelectorAll(".word").forEach((word, k) => word.setAttribute("aria-pressed", String(k === i)))
      setTriggerValue("token", [i])
    },
    open: (button, place) => {
      markOpened(root, ".tag", button)
      setTriggerValue("tag", place)
    },
  }
  root.replaceChildren()
  make("h4", "", root, data.title)
  const text = make("div", "text", root)
  for (const places of groupWords(data.tokens)) {
    const group = make("span", "whole", text)
    group.append(...places.map((i) => tokenBox(data, i, act)))
  }
  saveElements(root, { title: data.title, titled: true, arrays: () => ofTagged(data) })
  if (focused) root.querySelectorAll(".word")[data.chosen]?.focus({ preventScroll: true })
}
