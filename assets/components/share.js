// A button that copies the address of what is on the screen; where the browser forbids it, the address is shown to be copied by hand.
import { make, makeButton } from "./dom.js"

// The address of a view as a link to it: who follows it sees it at once, and is not asked to guess first (ui/session/arrival.py).
export function shown(address) {
  const link = new URL(address)
  link.searchParams.delete("answered")    // the reader's own answers to the exercises
  if (link.searchParams.get("ask") !== "0") link.searchParams.set("guess", "shown")
  return link.href
}

export default function ({ parentElement }) {
  const root = parentElement.querySelector(".root")
  if (root.childElementCount) return
  const button = makeButton("share", root, "Copy a link to this view")
  const said = make("div", "said", root, "")
  said.setAttribute("role", "status")
  button.onclick = async () => {
    const address = shown(window.location.href)
    try {
      await navigator.clipboard.writeText(address)
      said.textContent = "Copied: it opens just this view."
    } catch {
      said.textContent = address
    }
    setTimeout(() => { said.textContent = "" }, 8000)
  }
}
