"""Headless Chromium over its DevTools pipe: one process, no driver, no package; see docs/decisions/010."""

import base64
import fcntl
import json
import os
import re
import select
import shutil
import signal
import time
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")
OFFLINE = (
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
)
SECONDS = 20.0  # that an answer may take
KEYS = {"Enter": 13, "Tab": 9, " ": 32, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Escape": 27}
OWN = ("data:", "blob:", "about:")  # what a page holds itself


def installed() -> str | None:
    """Return the path of Chromium, None where there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """A running Chromium that knows no network.

    Messages are JSON with a zero byte at the end: ours go to its descriptor 3, its own come from its descriptor 4.

    Args:
        path: the program.
        home: an empty folder for its profile, its log and what it downloads.
    """

    def __init__(self, path: str, home: Path):
        self.downloads = home / "downloads"
        self.log = home / "chromium.log"
        self._events: list[dict[str, Any]] = []
        self._rest = b""
        self._last = 0
        flags = ["--headless=new", "--remote-debugging-pipe", f"--user-data-dir={home / 'profile'}", *OFFLINE]
        flags += ["--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage"]
        flags += ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium refuses root without it
        self._read, self._write, self._pid = self._start([path, *flags])
        self.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(self.downloads), eventsEnabled=True)

    def _start(self, words: list[str]) -> tuple[int, int, int]:
        """Spawn it with the far ends of two pipes as its descriptors 3 and 4; no fork of a process with threads."""
        theirs, ours = os.pipe()
        mine, its = os.pipe()
        high = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in (theirs, its)]  # 3 and 4 may be in use here
        actions: list[tuple[Any, ...]] = [(os.POSIX_SPAWN_DUP2, high[0], 3), (os.POSIX_SPAWN_DUP2, high[1], 4)]
        actions += [(os.POSIX_SPAWN_OPEN, 1, str(self.log), os.O_WRONLY | os.O_CREAT, 0o600)]
        actions += [(os.POSIX_SPAWN_DUP2, 1, 2)]
        pid = os.posix_spawn(words[0], words, dict(os.environ), file_actions=actions, setpgroup=0)
        for end in (theirs, its, *high):
            os.close(end)
        return mine, ours, pid

    def call(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        """Send a command and return its result; events that come in between are kept.

        Raises:
            RuntimeError: if the browser says that it failed.
            TimeoutError: if it says nothing.
        """
        self._last += 1
        message = {"id": self._last, "method": method, "params": params} | ({"sessionId": session} if session else {})
        text = json.dumps(message).encode() + b"\0"
        while text:
            text = text[os.write(self._write, text) :]
        until = time.monotonic() + SECONDS
        while True:
            answer = self._message(until, method)
            if answer.get("id") == self._last:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self._events.append(answer)

    def wait(self, method: str, session: str | None = None, **wanted: Any) -> dict[str, Any]:
        """Return the parameters of the next such event, and forget it; other events are kept."""
        until = time.monotonic() + SECONDS
        seen = 0
        while True:
            for at, event in enumerate(self._events[seen:], seen):
                params = event.get("params", {})
                same = event.get("method") == method and (session is None or event.get("sessionId") == session)
                if same and wanted.items() <= params.items():
                    del self._events[at]
                    return params
            seen = len(self._events)
            self._events.append(self._message(until, method))

    def taken(self, session: str, *methods: str) -> list[dict[str, Any]]:
        """Return a page's events of these kinds so far, and forget them."""
        chosen = [e for e in self._events if e.get("sessionId") == session and e.get("method") in methods]
        self._events = [event for event in self._events if event not in chosen]
        return chosen

    def _message(self, until: float, wanted: str) -> dict[str, Any]:
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._read], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                raise TimeoutError(f"Chromium was silent for {SECONDS:g} s after {wanted}")
            more = os.read(self._read, 1 << 20)
            if not more:
                raise RuntimeError(f"Chromium ended during {wanted}: {self.log.read_text(errors='replace')[-2000:]}")
            self._rest += more
        line, _, self._rest = self._rest.partition(b"\0")
        return json.loads(line)

    def close(self) -> None:
        """End it, by force if it does not answer."""
        try:
            self.call("Browser.close")
        except (OSError, RuntimeError, TimeoutError):
            os.killpg(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        for end in (self._read, self._write):
            os.close(end)


class Tab:
    """A page in the browser, with all that it asked for and said."""

    def __init__(self, browser: Browser):
        self.browser = browser
        self.url = "about:blank"
        self.target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=self.target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        none = {"latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
        self.call("Network.emulateNetworkConditions", offline=True, **none)

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Send this page a command and return its result."""
        return self.browser.call(method, self.session, **params)

    def close(self) -> None:
        """Close the page."""
        self.browser.call("Target.closeTarget", targetId=self.target)

    def open(self, path: Path, width: int = 1200, **media: str) -> None:
        """Load a file and wait until it stands.

        Args:
            path: of the page.
            width: of the window in CSS pixels.
            media: 'medium' (screen, print, or '' for what the browser takes it to be) and 'scheme' (light or dark).
        """
        self.view(width, **media)
        self.url = path.resolve().as_uri()
        if "errorText" in (done := self.call("Page.navigate", url=self.url)):
            raise RuntimeError(f"{path}: {done['errorText']}")
        self.browser.wait("Page.loadEventFired", self.session)

    def view(self, width: int, medium: str = "screen", scheme: str = "light") -> None:
        """Set the window's width, the medium and the colour scheme."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=844, deviceScaleFactor=1, mobile=width < 600
        )
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", media=medium, features=features)

    def run(self, script: str) -> Any:
        """Return the value of an expression in the page."""
        done = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in done:
            raise RuntimeError(str(done["exceptionDetails"]))
        return done["result"].get("value")

    def press(self, key: str, text: str = "") -> None:
        """Press and release a key, as the keyboard does."""
        code = KEYS[key]
        base = {"key": key, "code": {" ": "Space"}.get(key, key), "windowsVirtualKeyCode": code}
        self.call("Input.dispatchKeyEvent", type="keyDown", **base, **({"text": text} if text else {}))
        self.call("Input.dispatchKeyEvent", type="keyUp", **base)

    def point(self, x: float, y: float) -> None:
        """Move the pointer to a place in the window."""
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def downloaded(self) -> Path:
        """Wait until a download that has begun, or begins, is complete, and return its path."""
        name = self.browser.wait("Browser.downloadWillBegin")["suggestedFilename"]
        self.browser.wait("Browser.downloadProgress", state="completed")
        return self.browser.downloads / name

    def printed(self) -> list[tuple[int, int]]:
        """Print to PDF, on paper of the page's own choice, and return each sheet's width and height in points."""
        self.view(1200, medium="")
        pdf = base64.b64decode(self.call("Page.printToPDF", preferCSSPageSize=True)["data"])
        sizes = re.findall(rb"(?s)/Type /Page\b.*?/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", pdf)
        return [(round(float(width)), round(float(height))) for width, height in sizes]

    def complaints(self) -> list[str]:
        """Return what the page asked for beside itself, threw, or wrote to the console since the last call."""
        self.run("new Promise(done => setTimeout(done, 0))")
        kinds = ("Network.requestWillBeSent", "Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")
        found = []
        for event in self.browser.taken(self.session, *kinds):
            params = event["params"]
            if event["method"] == "Network.requestWillBeSent":
                url = params["request"]["url"]
                found += [] if url == self.url or url.startswith(OWN) else [f"request: {url}"]
            elif event["method"] == "Runtime.consoleAPICalled":
                said = [str(one.get("value", one.get("description"))) for one in params["args"]]
                found.append(f"console.{params['type']}: {' '.join(said)}")
            elif event["method"] == "Runtime.exceptionThrown":
                found.append(f"exception: {params['exceptionDetails']}")
            else:
                found.append(f"log: {params['entry']['text']} {params['entry'].get('url', '')}")
        return found
