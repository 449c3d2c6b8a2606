// Two things that only the browser knows. It tells Python when the reader switches between light and dark, and on a telephone
// it closes the side bar after a page or the tour was chosen there, which would else lie over the page.
const pages = new WeakMap()
let place = null

function closeSidebar(document, here) {
  const moved = place !== null && place !== here
  place = here
  if (!moved || document.documentElement.clientWidth > 640) return
  const bar = document.querySelector("[data-testid=stSidebar]")
  if (bar?.getBoundingClientRect().right > 0) bar.querySelector("[data-testid=stSidebarCollapseButton] button")?.click()
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root")
  const page = getComputedStyle(root).getPropertyValue("--st-background-color").trim()
  if (pages.has(root) && pages.get(root) !== page) setTriggerValue("changed", page)
  pages.set(root, page)
  closeSidebar(root.ownerDocument, `${data.page} ${data.tour}`)
}
