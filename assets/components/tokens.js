// The sentence as tokens: one button for each piece, pieces of one word held together; a click chooses the token.
export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".tokens")
  const focused = root.contains(root.getRootNode().activeElement)
  const words = []
  data.tokens.forEach((token, i) => {
    if (!words.length || token.word === null || token.word !== data.tokens[i - 1].word) {
      words.push(document.createElement("span"))
      words.at(-1).className = "word"
    }
    const chip = document.createElement("button")
    chip.type = "button"
    chip.setAttribute("aria-pressed", String(i === data.chosen))
    chip.setAttribute("aria-label", `Token ${i}: ${token.text}, number ${token.id} of the vocabulary`)
    for (const [name, text] of [["position", i], ["text", token.text], ["id", token.id]]) {
      const part = document.createElement("span")
      part.className = name
      part.textContent = text
      chip.append(part)
    }
    chip.onclick = () => setTriggerValue("chosen", i)
    words.at(-1).append(chip)
  })
  root.replaceChildren(...words)
  if (focused) root.querySelectorAll("button")[data.chosen]?.focus({ preventScroll: true })
}
