// The page as it is printed: light, as wide as a sheet, every map whole.
const WIDE = 1040         // pixels that the page is laid out in; report.css makes them fit a sheet
const TRIES = 8           // presses of a map's “−”
const SHARP = 3           // points for each pixel of a canvas

let theme = null

const partOf = ({ shadowRoot }, selector) => shadowRoot.querySelector(selector)
const overflows = ({ scrollWidth, clientWidth, scrollHeight, clientHeight }) => scrollWidth > clientWidth + 1 || scrollHeight > clientHeight + 1

// Presses “−” until all of a map is seen, as far as it goes; how often.
function shrink(host, most = TRIES) {
  let pressed = 0
  while (pressed < most && overflows(partOf(host, ".scroll"))) {
    partOf(host, ".tool")?.click()
    pressed++
  }
  return pressed
}

// What is too wide even then is drawn as wide as it is, and made smaller as a whole. again: draws it once more.
function whole(host, again) {
  if (!partOf(host, ".scroll") || !partOf(host, ".tool")) return
  const pressed = shrink(host), { scrollWidth, clientWidth } = partOf(host, ".scroll"), room = host.clientWidth
  if (scrollWidth <= clientWidth + 1) return
  const wide = room + scrollWidth - clientWidth + 2
  again({ width: `${wide}px`, zoom: String(room / wide) })
  shrink(host, pressed)
}

function sharper(points) {
  if (points) Object.defineProperty(window, "devicePixelRatio", { value: points, configurable: true })
  else delete window.devicePixelRatio
}

// home: the element of the report; remount(before) draws everything anew, redraw(host, style) one component.
export function forPrint({ home, page, remount, redraw, dress }) {
  const begin = () => {
    if (theme) return
    theme = page.dataset.theme
    sharper(SHARP)
    remount(() => {
      page.classList.add("printed")
      home.style.width = `${WIDE}px`
      dress("light")
    })
    for (const host of home.querySelectorAll(".figures > .component")) whole(host, (style) => redraw(host, style))
  }
  const end = () => {
    if (!theme) return
    const before = theme
    theme = null
    sharper(null)
    remount(() => {
      page.classList.remove("printed")
      home.style.width = ""
      dress(before)
    })
  }
  addEventListener("beforeprint", begin)
  addEventListener("afterprint", end)
}
