"""A real headless Chromium as $BROWSER, driven through the login page over the DevTools pipe.

Run as a program, it is that browser: chromium.py INSTRUCTIONS.json URL. It types and clicks as a
person does, keeps a screenshot of each page, and ends at the redirect URI.
"""

import base64
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

PROGRAM = pathlib.Path(__file__).resolve()
PAGE_SECONDS_MAX = 30


class ChromiumBrowser:
    """The test's side: writes the program, and reads afterwards what it saw."""

    def __init__(self, folder, screenshots, name, user):
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / "pages.jsonl"
        self.program = folder / "chromium"
        instructions = folder / "instructions.json"
        instructions.write_text(
            json.dumps(
                {
                    "log": str(self.log),
                    "user": user,
                    "screenshots": str(screenshots),
                    "name": name,
                    "profile": str(folder / "profile"),
                }
            )
        )
        self.program.write_text(f'#!/bin/sh\nexec {sys.executable} {PROGRAM} {instructions} "$@"\n')
        self.program.chmod(0o700)

    @property
    def pages(self):
        """Each page's url, title, text and screenshot, in order."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def wait_for_end(self, seconds=60):
        deadline = time.monotonic() + seconds
        while not (self.log.exists() and "end" in self.pages[-1]):
            assert time.monotonic() < deadline, "Chromium did not end"
            time.sleep(0.05)
        assert self.pages[-1]["end"] == "", self.pages[-1]["end"]
        return self.pages[:-1]


class DevTools:
    """A Chromium and the one page in it; commands are JSON texts, each ended by a NUL."""

    def __init__(self, profile):
        executable = shutil.which("chromium") or shutil.which("google-chrome")
        assert executable, "no Chromium in PATH"
        to_read, self.write_end = os.pipe()
        self.read_end, to_write = os.pipe()
        flags = [
            "--headless=new",
            "--remote-debugging-pipe",
            f"--user-data-dir={profile}",
            "--no-first-run",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--window-size=1000,760",
            "--hide-scrollbars",
            # Nothing but the provider and the redirect is to be asked for.
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-proxy-server",
        ]
        if os.getuid() == 0:
            flags.append("--no-sandbox")  # Chromium's own rule for root
        # Chromium reads commands from descriptor 3 and answers on 4.
        script = 'exec "$@" 3<&"$IN" 4>&"$OUT"'
        self.process = subprocess.Popen(
            ["bash", "-c", script, "chromium", executable, *flags, "about:blank"],
            env={**os.environ, "IN": str(to_read), "OUT": str(to_write)},
            pass_fds=[to_read, to_write],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_read)
        os.close(to_write)
        self.buffer = b""
        self.number = 0
        self.session = None
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(target for target in targets if target["type"] == "page")
        attached = self.call("Target.attachToTarget", targetId=page["targetId"], flatten=True)
        self.session = attached["sessionId"]
        self.call("Page.enable")

    def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.write_end, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]

    def receive(self):
        while b"\0" not in self.buffer:
            chunk = os.read(self.read_end, 1 << 20)
            if not chunk:
                raise RuntimeError("Chromium ended")
            self.buffer += chunk
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def evaluate(self, expression):
        try:
            result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        except RuntimeError as error:
            if "context" in str(error).lower():
                return None  # the page is on its way to another
            raise
        return result["result"].get("value")

    def settle(self, changed_from=None):
        """Waits until a page other than `changed_from` has been loaded; returns its marks."""
        deadline = time.monotonic() + PAGE_SECONDS_MAX
        look = (
            "JSON.stringify({ready: document.readyState, url: location.href, "
            "started: performance.timeOrigin, title: document.title, "
            "text: document.body ? document.body.innerText : ''})"
        )
        while time.monotonic() < deadline:
            marks = json.loads(self.evaluate(look) or "{}")
            loaded = marks.get("ready") == "complete" and marks["url"] != "about:blank"
            if loaded and marks["started"] != changed_from:
                return marks
            time.sleep(0.05)
        raise RuntimeError("no new page came")

    def click(self, selector):
        """A click of the mouse in the middle of an element."""
        middle = self.evaluate(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            "if (!e) return null; e.scrollIntoView({block: 'center'});"
            "const r = e.getBoundingClientRect();"
            "return [r.x + r.width / 2, r.y + r.height / 2] })()"
        )
        if middle is None:
            raise RuntimeError(f"nothing on the page matches {selector}")
        for kind in ("mousePressed", "mouseReleased"):
            self.call(
                "Input.dispatchMouseEvent",
                type=kind,
                x=middle[0],
                y=middle[1],
                button="left",
                clickCount=1,
            )

    def type_into(self, selector, text):
        self.click(selector)
        self.call("Input.insertText", text=text)

    def screenshot(self, path):
        data = self.call("Page.captureScreenshot", format="png")["data"]
        path.write_bytes(base64.b64decode(data))

    def close(self):
        try:
            self.call("Browser.close")
        except (RuntimeError, OSError):
            pass
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()


def walk(instructions, url):
    """Yields a note of each page on the way from the URL to the redirect URI."""
    screenshots = pathlib.Path(instructions["screenshots"])
    screenshots.mkdir(parents=True, exist_ok=True)
    tools = DevTools(instructions["profile"])
    try:
        tools.call("Page.navigate", url=url)
        before = None
        for number in range(1, 8):
            marks = tools.settle(changed_from=before)
            before = marks["started"]
            path = screenshots / f"{instructions['name']}-{number}.png"
            tools.screenshot(path)
            yield {**marks, "screenshot": str(path)}
            if tools.evaluate("document.querySelector('form') === null"):
                return
            if tools.evaluate("document.querySelector('input[type=password]') !== null"):
                tools.type_into(
                    "form input:not([type=hidden]):not([type=password])",
                    instructions["user"]["username"],
                )
                tools.type_into("input[type=password]", instructions["user"]["password"])
                # The page as a person sees it before the click.
                tools.screenshot(path.with_name(path.stem + "-filled.png"))
            tools.click("form button[type=submit]:not([value=deny]):not([value=cancel])")
        raise RuntimeError("too many pages")
    finally:
        tools.close()


def main():
    instructions = json.loads(pathlib.Path(sys.argv[1]).read_text())
    problem = ""
    with open(instructions["log"], "a", encoding="utf-8") as log:
        try:
            for page in walk(instructions, sys.argv[2]):
                log.write(json.dumps(page) + "\n")
                log.flush()
        except Exception as error:  # told to the test, which fails with it
            problem = f"{type(error).__name__}: {error}"
        log.write(json.dumps({"end": problem}) + "\n")


if __name__ == "__main__":
    main()
