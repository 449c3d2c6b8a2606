// A button that copies a link to what is on the screen; where the browser forbids that, the link is shown to be copied by hand. It stands at
// the top of the page: who has read further down may copy a link to there.
import { make, makeButton } from "./dom.js"
import { shortLink, wholeLink } from "./link.js"
import { readAt, seenNow, whenRead } from "./seen.js"

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".root"), page = root.ownerDocument
  root.replaceChildren()
  const copy = async (beside, words) => {
    const link = await shortLink(wholeLink(page.location.href, data.version, beside))
    try {
      await navigator.clipboard.writeText(link)
      said.textContent = words
    } catch {
      said.textContent = link
    }
    setTimeout(() => { said.textContent = "" }, 8000)
  }
  makeButton("share", root, "Copy a link to this view", () => copy(seenNow(page), "Copied: it opens just this view."))
  const there = makeButton("share there", root, "Copy a link to where you read last",
    () => copy({ ...seenNow(page), at: readAt(page) }, "Copied: it opens where you read last."))
  const said = make("div", "said", root, "")
  said.setAttribute("role", "status")
  const look = () => { there.hidden = !readAt(page) || seenNow(page).at !== "" }
  look()
  return whenRead(look)
}
