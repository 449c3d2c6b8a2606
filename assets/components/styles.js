// The style sheets of all components. Python sends them once, under their components' names, as a component that draws nothing.
let arrived
const sheets = new Promise((resolve) => { arrived = resolve })

export async function styleOf(name) {
  return name === "glass_styles" ? null : (await sheets)[name]
}

// Besides its own sheet a component takes that of a part it uses, such as its strips.
export async function dress(element, name) {
  const page = element.getRootNode(), sheet = await styleOf(`glass_${name}`)
  if (sheet && !page.adoptedStyleSheets.includes(sheet)) page.adoptedStyleSheets.push(sheet)
}

export default function ({ data }) {
  arrived(Object.fromEntries(Object.entries(data).map(([name, text]) => {
    const sheet = new CSSStyleSheet()
    sheet.replaceSync(text)
    return [name, sheet]
  })))
}
