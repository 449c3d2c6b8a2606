// What takes the place of another part of a page keeps its room until it is drawn: what stands below stays where it is, and moves once,
// if at all. A page is drawn by Streamlit; a component or a chart has no height before its first drawing.
const BLOCKS = "[data-testid=stColumn] > [data-testid=stVerticalBlock], [data-testid=stColumn] > * > [data-testid=stVerticalBlock]"
const RUNS = "[data-testid=stApp]:not([data-test-script-state=notRunning])"
const LONGEST = 3000        // ms that a room is kept
const watched = new WeakSet(), tall = new WeakMap()

export function keepRoom(document) {
  if (watched.has(document)) return
  watched.add(document)
  document.addEventListener("pointerdown", () => {
    for (const block of document.querySelectorAll(BLOCKS)) for (const part of block.children) tall.set(part, part.offsetHeight)
  }, true)
  new MutationObserver((records) => {
    for (const [block, { gone, come }] of changesOf(records)) if (block.matches(BLOCKS)) come.forEach((part, i) => hold(part, tall.get(gone[i])))
  }).observe(document.querySelector("[data-testid=stMain]"), { childList: true, subtree: true })
}

// What has gone from each element and what has come to it, in order.
function changesOf(records) {
  const found = new Map()
  for (const { target, removedNodes, addedNodes } of records) {
    if (!found.has(target)) found.set(target, { gone: [], come: [] })
    found.get(target).gone.push(...removedNodes)
    found.get(target).come.push(...addedNodes)
  }
  return found
}

// A block may get its parts later in the run; anything else is there, unless it is a picture that is to be drawn.
function hold(part, height) {
  if (!height || !part.matches?.("[data-testid=stLayoutWrapper]") && !isUndrawnIn(part) || part.offsetHeight >= height) return
  const until = performance.now() + LONGEST
  part.style.minHeight = `${height}px`
  const look = () => {
    if (isToCome(part) && performance.now() < until) requestAnimationFrame(look)
    else part.style.minHeight = ""
  }
  requestAnimationFrame(look)
}

const isToCome = (part) => part.isConnected && (part.ownerDocument.querySelector(RUNS) !== null || isUndrawnIn(part))

const isUndrawnIn = (part) => part.querySelector?.("[data-testid=stSkeleton]") != null
  || [...part.querySelectorAll?.("[data-testid=stBidiComponentIsolated]") ?? []].some(({ shadowRoot }) => !shadowRoot?.querySelector(".root:not([aria-busy])"))
