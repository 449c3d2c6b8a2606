// A run within a cell of a notebook: the document, a report, in a frame of its own that can run its script and reach nothing else. What is looked at goes
// to and fro between the frame and the widget's attributes in Python.
const PLACE = ["side", "layer", "head", "token", "cell"]
const TALLEST = 4000      // pixels; a frame that says more is not believed

const isDark = () => {
  const { jpThemeLight, vscodeThemeKind } = document.body.dataset
  if (jpThemeLight) return jpThemeLight === "false"
  if (vscodeThemeKind) return vscodeThemeKind.includes("dark")
  return matchMedia("(prefers-color-scheme: dark)").matches && !document.querySelector(".jp-Notebook")
}

function frameOf(model) {
  const frame = document.createElement("iframe")
  frame.setAttribute("sandbox", "allow-scripts allow-downloads")
  frame.title = model.get("title")
  frame.style.cssText = "width: 100%; height: 420px; border: 0; display: block; color-scheme: normal;"
  frame.srcdoc = model.get("document")
  return frame
}

function render({ model, el }) {
  const frame = frameOf(model)
  const show = () => frame.contentWindow?.postMessage({ glassformer: "show", theme: isDark() ? "dark" : "light",
    look: Object.fromEntries(PLACE.map((name) => [name, model.get(name)])) }, "*")
  const hears = {
    ready: show,
    height: ({ height }) => { if (height > 0) frame.style.height = `${Math.min(height + 4, TALLEST)}px` },
    look: ({ look }) => {
      for (const name of PLACE) if (look[name] !== model.get(name)) model.set(name, look[name])
      model.save_changes()
    },
  }
  const hear = ({ source, data }) => { if (source === frame.contentWindow) hears[data?.glassformer]?.(data) }
  const themes = new MutationObserver(show)
  addEventListener("message", hear)
  themes.observe(document.body, { attributeFilter: ["data-jp-theme-light", "data-vscode-theme-kind"] })
  for (const name of PLACE) model.on(`change:${name}`, show)
  el.append(frame)
  return () => {
    removeEventListener("message", hear)
    themes.disconnect()
    for (const name of PLACE) model.off(`change:${name}`, show)
  }
}

export default { render }
