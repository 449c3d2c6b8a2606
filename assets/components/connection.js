// Asks for the page anew when the line to the server was broken and stands again. A server that was started again knows nothing of this
// page, and a click in it would reach nothing; all that the reader sees is in the address.
const asks = new WeakMap()

export default function ({ parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root"), app = document.querySelector("[data-testid=stApp]")
  if (asks.has(root)) return void asks.set(root, setTriggerValue)
  asks.set(root, setTriggerValue)
  let away = false
  const look = () => {
    const there = app.dataset.testConnectionState === "CONNECTED"
    if (there && away && root.isConnected) asks.get(root)("back", performance.now())
    away = !there
  }
  new MutationObserver(look).observe(app, { attributeFilter: ["data-test-connection-state"] })
}
