// The sentence as tokens: one button for each piece, pieces of one word held together; a click chooses the token.
import { create, createButton, make } from "./dom.js"
import { groupWords } from "./words.js"

function chip(token, i, data, choose) {
  const button = createButton("", undefined, () => choose(i))
  button.setAttribute("aria-pressed", String(i === data.chosen))
  button.setAttribute("aria-label", `Token ${i}: ${token.text}, number ${token.id} of the vocabulary`)
  for (const [name, text] of [["position", i], ["text", token.text], ["id", token.id]]) make("span", name, button, text)
  return button
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".tokens")
  const focused = root.contains(root.getRootNode().activeElement)
  const choose = (i) => setTriggerValue("chosen", i)
  root.replaceChildren(...groupWords(data.tokens).map((places) => {
    const word = create("span", "word")
    word.append(...places.map((i) => chip(data.tokens[i], i, data, choose)))
    return word
  }))
  if (focused) root.querySelectorAll("button")[data.chosen]?.focus({ preventScroll: true })
}
