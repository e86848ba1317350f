"""Renderers: a journal in, a document out. Each is a function `render(journals, folder, path) -> Path`."""
