"""Reports: each renderer reads journals and writes a document, as a function `render(journals, folder, path) -> Path`."""
