"""What holds for every test: Hypothesis takes its time, and draws the same examples in every run.

The machine may be slow or shared, and a change is not to blame for an example that another run did not draw;
`WSCONFORM_EXPLORE=1` draws new ones.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "patient",
    deadline=None,
    derandomize="WSCONFORM_EXPLORE" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
settings.load_profile("patient")
