"""The documentation site: what mkdocs.yml asks for beside the pages in docs/."""
