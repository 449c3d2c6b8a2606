// A button of Streamlit's that is pressed is framed at once, until the page has answered.
const watched = new WeakSet(), BUTTON = "[data-testid=stMain] [data-testid=stButton] button"

export function frameAsked(document) {
  if (watched.has(document)) return
  watched.add(document)
  const app = document.querySelector("[data-testid=stApp]")
  document.addEventListener("click", ({ target }) => { if (target.closest?.(BUTTON)) target.closest(BUTTON).dataset.asked = "" }, true)
  new MutationObserver(() => {
    if (app.dataset.testScriptState === "notRunning") for (const each of document.querySelectorAll("[data-asked]")) delete each.dataset.asked
  }).observe(app, { attributeFilter: ["data-test-script-state"] })
}
