"""Browsers as clients under test: how each is started, headless, with a fresh profile, on our page."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from ..problem import Problem
from ..transport.certificate import Trust

#: Cases at once. A browser opens connections to one host one after the other; once open, they run in parallel.
AT_ONCE = 6


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser: the names of its command, its Debian package, and the function that returns its command line.

    `words` takes the path of the command, the folder of the profile, the address, and the digests of our certificate.
    """

    name: str
    commands: tuple[str, ...]
    package: str
    words: Callable[[str, Path, str, Trust | None], tuple[str, ...]]

    def installed(self) -> str:
        """Return the path of the installed command; raises Problem if the browser is not installed."""
        for command in self.commands:
            if path := shutil.which(command):
                return path
        raise Problem(
            f"--browser {self.name}: not installed (looked for {', '.join(self.commands)}); on Debian:"
            f" apt-get install {self.package}; or open the page in another browser"
        )


_CHROMIUM = (
    "--headless",
    "--disable-background-networking",
    "--disable-background-timer-throttling",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
)


def _chromium(command: str, profile: Path, url: str, trust: Trust | None) -> tuple[str, ...]:
    # Chromium's sandbox does not start as root; the browser loads only our own page.
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    trusted = [f"--ignore-certificate-errors-spki-list={trust.spki}"] if trust else []
    return (command, *_CHROMIUM, *sandbox, *trusted, f"--user-data-dir={profile}", url)


#: No traffic of the browser's own, no first-run pages, and (`delay-failed-reconnects`) no growing pauses after failed
#: handshakes, which many cases provoke.
_PREFERENCES: dict[str, bool | int | str] = {
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "browser.region.network.url": "",
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "toolkit.telemetry.enabled": False,
    "app.update.enabled": False,
    "app.normandy.enabled": False,
    "extensions.getAddons.cache.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.websocket.delay-failed-reconnects": False,
    "network.websocket.max-connections": 400,
    "services.settings.server": "data:,",
}


def _firefox(command: str, profile: Path, url: str, trust: Trust | None) -> tuple[str, ...]:
    lines = [f'user_pref("{name}", {_literal(value)});' for name, value in _PREFERENCES.items()]
    (profile / "user.js").write_text("\n".join(lines) + "\n", encoding="utf-8")
    if trust:
        entry = f"{trust.host}:{trust.port}:\tOID.2.16.840.1.101.3.4.2.1\t{trust.sha256}\t\n"
        (profile / "cert_override.txt").write_text(entry, encoding="utf-8")
    return (command, "--headless", "--no-remote", "--profile", str(profile), url)


def _literal(value: bool | int | str) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value) if isinstance(value, int) else f'"{value}"'


BROWSERS = {
    "chromium": Browser("chromium", ("chromium", "chromium-browser", "google-chrome"), "chromium", _chromium),
    "firefox": Browser("firefox", ("firefox-esr", "firefox"), "firefox-esr", _firefox),
}


def page_url(base: str, agent: str, jobs: int) -> str:
    """Return the address of our page, which starts by itself as `agent`; `base` is the WebSocket address."""
    return f"http{base.removeprefix('ws')}/?{urlencode({'agent': agent, 'jobs': jobs, 'auto': 1})}"


@contextmanager
def fresh_profile() -> Iterator[Path]:
    """Yield a folder for the profile of one browser, and remove it at the end."""
    with tempfile.TemporaryDirectory(prefix="wsconform-browser-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)
