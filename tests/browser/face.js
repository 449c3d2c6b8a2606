// What stands before the first picture of a page, in the order of the document and through shadow
// roots: Tab stops and words, without the rail and the tokens; what is veiled is seen, too. Of an
// exercise, which has no picture, the answers count as one, and the row of all questions as a rail.
// Gives { focusable, words, top }.
() => {
  const found = { focusable: [], words: [], top: null }
  const aside = ".st-key-rail, .rows, [aria-label='All questions'], .st-key-unseen, style, script, [aria-hidden=true]:not([inert])"
  const stops = "a, button, input, textarea, select, summary, [tabindex]"

  function isSeen(element) {
    const { display, visibility } = getComputedStyle(element)
    return display === "contents" || (element.getClientRects().length && visibility !== "hidden")
  }

  function isPicture(element, box) {
    const drawn = element.matches("canvas, svg, table, [role=img], .figure, [aria-label=Answers]")
    return drawn && box.width >= 200 && box.height >= 24
  }

  function read(element) {
    const box = element.getBoundingClientRect()
    if (isPicture(element, box)) found.top = box.top
    else if (element.tabIndex >= 0 && !element.disabled && element.matches(stops))
      found.focusable.push(element.ariaLabel || element.textContent.trim() || element.tagName)
  }

  function visit(node) {
    if (found.top !== null) return
    if (node.nodeType === Node.TEXT_NODE)
      found.words.push(...node.textContent.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word)))
    if (node instanceof Element) {
      if (node.matches(aside) || !isSeen(node)) return
      read(node)
    }
    if (found.top === null) (node.shadowRoot ?? node).childNodes.forEach(visit)
  }

  document.querySelector("[data-testid=stMain]").childNodes.forEach(visit)
  return found
}
