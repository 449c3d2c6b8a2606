// Figures within a page: a report without its title and its foot, in the page's theme, as high as it needs. Opened from a disk,
// a browser keeps pages apart: then the whole report is shown, and follows the reader's system.
const PLAIN = `.top :is(.kind, h1, .tools), .holds { display: none } .top { padding-right: 0 } .top .run { margin: 0 }
  main { padding: 0.8rem 1rem 1rem } .card:first-of-type { margin-top: 0.8rem }`
const LEAST = 440                         // pixels: an opened number needs so much
const frames = [...document.querySelectorAll(".run iframe")]
const theme = () => (document.body.dataset.mdColorScheme === "slate" ? "dark" : "light")

function dress(frame) {
  const report = frame.contentDocument?.documentElement
  if (report && report.dataset.theme !== theme()) report.querySelector(".theme")?.click()
}

function fit(frame) {
  const most = Math.max(LEAST, innerHeight * 0.8), needed = frame.contentDocument.documentElement.scrollHeight
  frame.style.height = `${Math.min(most, Math.max(LEAST, needed + 2))}px`
}

function settle(frame) {
  const report = frame.contentDocument
  if (!report?.getElementById("report")) return
  const sheet = new frame.contentWindow.CSSStyleSheet()
  sheet.replaceSync(PLAIN)
  report.adoptedStyleSheets = [...report.adoptedStyleSheets, sheet]
  dress(frame)
  requestAnimationFrame(() => fit(frame))
}

for (const frame of frames) {
  frame.addEventListener("load", () => settle(frame))
  if (frame.contentDocument?.readyState === "complete") settle(frame)
}
new MutationObserver(() => frames.forEach(dress)).observe(document.body, { attributeFilter: ["data-md-color-scheme"] })
