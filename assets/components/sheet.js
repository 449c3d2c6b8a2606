// On a small screen the opened number is a sheet over the foot of the page; what was clicked moves up, to where it is seen.
const ROOM = 56           // pixels between the sheet and the place that was clicked
const SHEETS = ".st-key-number-beside-opened, .st-key-number-over"
const watched = new WeakSet()
let clicked = null        // how far down the page the reader clicked last

const pageOf = (document) => document.querySelector("[data-testid=stMain]")

// From now on notes where the reader clicks, but for what is clicked in the sheet.
export function watchClicks(document) {
  if (watched.has(document)) return
  watched.add(document)
  document.addEventListener("click", (event) => {
    const path = event.composedPath(), below = event.clientY || path[0].getBoundingClientRect?.().bottom
    const inSheet = path.some((each) => each instanceof Element && each.matches(SHEETS))
    clicked = inSheet || !below ? null : below + pageOf(document).scrollTop
  }, true)
}

// Scrolls the page as far as the sheet that holds an element would cover what was clicked.
export function keepClear(element) {
  const sheet = element.getRootNode().host?.closest(SHEETS), page = pageOf(element.ownerDocument)
  if (!sheet || clicked === null || !matchMedia("(max-width: 900px)").matches) return
  const over = clicked - page.scrollTop + ROOM - sheet.getBoundingClientRect().top
  clicked = null
  if (over > 0) page.scrollBy({ top: over, behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" })
}
