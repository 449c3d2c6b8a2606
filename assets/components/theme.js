// Two things that only the browser knows. It tells Python when the reader switches between light and dark, and on a telephone
// it closes the side bar after a page was chosen there, which would else lie over that page.
const pages = new WeakMap()
let path = null

function closeSidebar(document) {
  const here = document.location.pathname, moved = path !== null && path !== here
  path = here
  if (moved && document.documentElement.clientWidth <= 640)
    document.querySelector("[data-testid=stSidebar][aria-expanded=true] [data-testid=stSidebarCollapseButton] button")?.click()
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root")
  const page = getComputedStyle(root).getPropertyValue("--st-background-color").trim()
  if (pages.has(root) && pages.get(root) !== page) setTriggerValue("changed", page)
  pages.set(root, page)
  closeSidebar(root.ownerDocument)
}
