"""Reports: each renderer is a function `render(journals, folder, path) -> Path` that writes journals as a document."""
