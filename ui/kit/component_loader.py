"""The pictures that are drawn in the browser: ES modules in assets/components, served as they are.

    component(name, …)     a component from assets/components/NAME.js and NAME.css: call it with
                           key, data, …
    library()              on every page, before the first component: serves the modules, and
                           sends the style sheets of them all

Streamlit sends a component's html, style sheet and script with each of its messages; of a heatmap
that is 20 KB for every map that a click changes. So its html only says where its module lies, its
script is the few lines of mount.js, which are the same for all, and the style sheets travel in one
message that never changes and therefore is sent once. Text from outside comes as data.

The modules are the assets of a component of Streamlit's, which serves such files beside the app,
under any base path. Its name, and so the address of each file, changes with their content: what a
browser keeps is never out of date.
"""

from __future__ import annotations

from hashlib import sha256

from streamlit.components import v2
from streamlit.components.v2.get_bidi_component_manager import get_bidi_component_manager
from streamlit.components.v2.manifest_scanner import ComponentConfig, ComponentManifest

from core.places import ASSETS

_FILES = {path.name: path.read_text("utf-8") for path in sorted(ASSETS.glob("components/*.*s"))}
_DATA = (ASSETS / "components/glossary.json").read_text("utf-8")
_VERSION = sha256("\0".join((*_FILES.values(), _DATA)).encode()).hexdigest()[:16]
_HOME = f"glassformer.{_VERSION}"


def component(name: str, attributes: str = 'class="root"', also: tuple[str, ...] = ()):
    """One of the components; attributes: of the element that it draws into, which is busy until
    it is drawn. also: other modules that the browser loads with it.
    """
    links = "".join(_link(file) for file in (f"{name}.js", *also))
    html = f'{links}<div {attributes} aria-busy="true"></div>'
    script = _FILES["mount.js"]
    mount = v2.component(f"glass_{name}", html=html, js=script)
    return lambda *, data, **more: mount(data=light(data), **more)


def _link(file: str) -> str:
    """Has the browser load a module; its address is relative to the page's."""
    return f'<link rel="modulepreload" href="_stcore/bidi-components/{_HOME}/{file}">'


def light(data: dict) -> dict:
    """The same data, as kinds in which Streamlit does not look for tables: for a list or a
    dictionary among the values it would import pandas, which takes a third of the first page's
    time. As JSON a tuple is a list.
    """
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in data.items()
    }


def library() -> None:
    """Serves the modules, has the browser load them all at once, and sends the style sheets."""
    serve_modules()
    _styles(key="library", data=style_sheets())


def style_sheets() -> dict[str, str]:
    """The style sheet of each component that has one, under the name of the component."""
    return {
        f"glass_{name.removesuffix('.css')}": text
        for name, text in _FILES.items()
        if name.endswith(".css")
    }


def serve_modules() -> None:
    """Has the running server serve the modules, once. Streamlit itself finds only the assets of
    installed packages; this app is run from its folder.
    """
    registry = get_bidi_component_manager()
    if registry.get(_HOME) is None:
        assets = ComponentConfig(_VERSION, "components")
        registry.register_from_manifest(ComponentManifest("glassformer", "", [assets]), ASSETS)


_styles = component("styles", also=tuple(file for file in _FILES if file.endswith(".js")))
