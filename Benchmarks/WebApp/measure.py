#!/usr/bin/env python3
"""Measures the web application with many accounts in one store, in one process.

usage: measure.py [--accounts 5000] [--build debug|release]      after `swift build`
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import statistics
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "Tests" / "BlackBox"))
THREADS = 4
SAMPLE = 300


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=5000)
    parser.add_argument("--build", default="debug")
    parser.add_argument("--clients-max", type=int, default=1000)
    options = parser.parse_args()
    os.environ.setdefault("KSCONNECT_WEBAPP_BIN", str(TOP / ".build" / options.build / "ksconnect-webapp"))
    from harness.command import Home
    from harness.providers import Demo
    from harness.webapp import WebApp

    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        demo = Demo(folder, "--skip-consent")
        try:
            app = WebApp(Home(folder), demo, "--clients-max", options.clients_max)
            try:
                measure(app, demo, options.accounts)
            finally:
                app.close()
        finally:
            demo.close()


def measure(app, demo, accounts):
    from harness.webapp import Visitor

    first = Visitor(app)
    first.sign_in()
    at_provider = [c for c in first.browser.cookies if not c.name.startswith("ksconnect")]

    def sign_in(_):
        visitor = Visitor(app)
        for cookie in at_provider:
            visitor.browser.cookies.set_cookie(cookie)
        visitor.sign_in()
        session = visitor.session
        visitor.browser.close()
        return session

    tell("memory, one person signed in", mebibytes(app.resident_bytes))
    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        started = time.monotonic()
        sessions = list(pool.map(sign_in, range(accounts - 1)))
        seconds = time.monotonic() - started
        tell(f"{accounts} sign-ins, {THREADS} at once", f"{len(sessions) / seconds:.0f} per second")
        tell("memory then", mebibytes(app.resident_bytes))
        files = [path for path in app.store.rglob("*") if path.is_file()]
        size = sum(path.stat().st_size for path in files)
        tell("store", f"{mebibytes(size)}, {size // accounts} bytes an account, {len(files)} files")

        tell("page, warm client, alone", times([page(app, sessions[-1]) for _ in range(SAMPLE)]))
        app.close()
        app.start()
        spread = sessions[:: max(1, len(sessions) // SAMPLE)][:SAMPLE]
        tell("page, cold client, alone", times([page(app, session) for session in spread]))
        demo.control(revokeAllAccessTokens=True)
        tell("page with a refresh, alone", times([page(app, session) for session in spread]))

        started = time.monotonic()
        rest = times(list(pool.map(lambda session: page(app, session), sessions)))
        seconds = time.monotonic() - started
        tell(f"a page for everybody with a refresh, {THREADS} at once", rest)
        tell("that is", f"{len(sessions) / seconds:.0f} pages per second")
        tell("memory then", mebibytes(app.resident_bytes))
        files = [path for path in app.store.rglob("*") if path.is_file()]
        tell("files in the store's folder", len(files))

        app.close()
        app.start()
        tell("a sweep that finds nothing", sweep(app, r"ended=0"))
        app.close()
        app.command += ["--session-lifetime", "1"]
        app.start()
        tell(f"a sweep that ends all {accounts}", sweep(app, rf"ended={accounts}"))
        tell("files in the store's folder", sum(p.is_file() for p in app.store.rglob("*")))


def page(app, session):
    started = time.monotonic()
    answer = app.get("/sites", headers={"Cookie": f"ksconnect-session={session}"})
    assert answer.status_code == 200, f"{answer.status_code} {answer.text}"
    return time.monotonic() - started


def sweep(app, found, seconds_max=600):
    """The time that the process itself says its last such sweep took."""
    deadline = time.monotonic() + seconds_max
    while time.monotonic() < deadline:
        lines = [line for line in app.log.read_text().splitlines() if re.search(found + r"\b", line)]
        if lines:
            return re.search(r"ms=(\d+)", lines[-1])[1] + " ms"
        time.sleep(0.2)
    raise AssertionError("no such sweep: " + app.log.read_text()[-1500:])


def times(seconds):
    cuts = statistics.quantiles(seconds, n=100)
    return f"median {cuts[49] * 1000:.1f} ms, 95 % {cuts[94] * 1000:.1f} ms"


def mebibytes(count):
    return f"{count / (1 << 20):.1f} MiB"


def tell(what, value):
    print(f"{what:60} {value}", flush=True)


if __name__ == "__main__":
    main()
