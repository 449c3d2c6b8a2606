// A button that copies a link to what is on the screen; where the browser forbids that, the link is shown to be copied by hand.
import { make, makeButton } from "./dom.js"
import { shortLink, wholeLink } from "./link.js"
import { seenNow } from "./seen.js"

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".root"), page = root.ownerDocument
  if (root.childElementCount) return
  const button = makeButton("share", root, "Copy a link to this view")
  const said = make("div", "said", root, "")
  said.setAttribute("role", "status")
  button.onclick = async () => {
    const link = await shortLink(wholeLink(page.location.href, data.version, seenNow(page)))
    try {
      await navigator.clipboard.writeText(link)
      said.textContent = "Copied: it opens just this view."
    } catch {
      said.textContent = link
    }
    setTimeout(() => { said.textContent = "" }, 8000)
  }
}
