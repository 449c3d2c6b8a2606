// Keys of the whole page: Escape ends the tour, and the first Tab stop leads past the bar to the figure.
const FIGURES = "[data-testid=stBidiComponentIsolated], [data-testid=stPlotlyChart]", LEAST = 60  // px: what is lower is no figure
const OVER = "[role=dialog], [role=listbox], [role=menu], [data-testid=stPopoverBody]", TYPED = "input, textarea, select"

function end(event) {
  if (event.key !== "Escape" || event.defaultPrevented || document.querySelector(OVER)) return
  if (event.composedPath()[0]?.matches?.(TYPED)) return
  document.querySelector(".st-key-tour_end button")?.click()
}

// The first figure below the line over the page.
function figure() {
  const line = document.querySelector(".st-key-line")
  const follows = (each) => line?.compareDocumentPosition(each) & Node.DOCUMENT_POSITION_FOLLOWING
  return [...document.querySelectorAll(FIGURES)].find((each) => follows(each) && !each.closest(".st-key-line, .st-key-tour, [class*=st-key-unseen]")
    && each.getBoundingClientRect().height >= LEAST)
}

function skip(event) {
  if (!event.target.closest?.("[data-testid=stSkipToContent]")) return
  const found = figure()
  if (!found) return
  event.preventDefault()
  event.stopPropagation()
  found.tabIndex = -1
  found.focus({ preventScroll: true })
  found.scrollIntoView({ block: "nearest" })
}

document.addEventListener("keydown", end)
document.addEventListener("click", skip, { capture: true })
