// Search in pages that were opened from a disk, where a browser starts no worker: its script runs in a hidden frame instead.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    #waits = []

    constructor(address) {
      super()
      const frame = Object.assign(document.createElement("iframe"), { hidden: true })
      document.body.append(frame)
      const inside = frame.contentWindow, script = frame.contentDocument.createElement("script")
      inside.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }))
      script.addEventListener("load", () => {
        this.postMessage = (data) => inside.dispatchEvent(new inside.MessageEvent("message", { data }))
        this.#waits.splice(0).forEach((data) => this.postMessage(data))
      })
      frame.contentDocument.body.append(Object.assign(script, { src: address }))
    }

    postMessage(data) {
      this.#waits.push(data)
    }
  }
}
