"""How Sphinx makes the documentation: `make docs`."""

from __future__ import annotations

import sys
from pathlib import Path

from wsconform import __version__

sys.path.insert(0, str(Path(__file__).parent / "extension"))

project = "wsconform"
author = "the wsconform authors"
copyright = author
version = release = __version__
extensions = ["myst_parser", "sphinx_click", "catalogue_pages"]
html_theme = "furo"
html_title = f"wsconform {__version__}"
html_copy_source = False
html_show_sphinx = False
exclude_patterns = ["examples", "extension"]
myst_heading_anchors = 3
myst_enable_extensions = ["deflist"]
nitpicky = True
