"""Runs glewlwyd as an OpenID provider on 127.0.0.1, until stdin closes or SIGTERM.

usage: serve.py [--port PORT] [--public-port PORT]

Prints one JSON line when ready. `--public-port` is the port that clients see, where something
stands in front of the provider. Its data base is a file in a folder that goes away with it.
"""

import argparse
import json
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import requests

import admin

INSTALL_SQL = "/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3"

CONFIGURATION = """
port={port}
bind_address="127.0.0.1"
external_url="http://localhost:{public_port}"
login_url="login.html"
api_prefix="api"
static_files_path="/usr/share/glewlwyd/webapp/"
log_mode="file"
log_level="INFO"
log_file="{folder}/glewlwyd.log"
cookie_secure=0
session_expiration=86400
session_key="GLEWLWYD2_SESSION_ID"
admin_session_authentication="cookie"
user_module_path="/usr/lib/glewlwyd/user"
client_module_path="/usr/lib/glewlwyd/client"
user_auth_scheme_module_path="/usr/lib/glewlwyd/scheme"
plugin_module_path="/usr/lib/glewlwyd/plugin"
hash_algorithm="SHA512"
database = {{ type = "sqlite3"; path = "{folder}/provider.sqlite"; }};
static_files_mime_types = (
  {{ extension = ".html"; mime_type = "text/html"; }},
  {{ extension = ".js"; mime_type = "application/javascript"; }},
  {{ extension = ".json"; mime_type = "application/json"; }}
)
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def prepare(folder, port, public_port):
    """Writes the configuration and an empty data base; returns the command that serves them."""
    configuration = folder / "glewlwyd.conf"
    configuration.write_text(
        CONFIGURATION.format(port=port, public_port=public_port, folder=folder)
    )
    install = INSTALL_SQL if os.path.exists(INSTALL_SQL) else INSTALL_SQL + ".gz"
    sql = subprocess.run(["zcat", "-f", install], check=True, stdout=subprocess.PIPE).stdout
    subprocess.run(["sqlite3", folder / "provider.sqlite"], input=sql, check=True)
    command = [shutil.which("glewlwyd") or "/usr/bin/glewlwyd", "-c", str(configuration)]
    if os.getuid() != 0:
        return command

    # A service that faces the network is not run as root, in a test neither.
    nobody = pwd.getpwnam("nobody")
    for path in (folder, *folder.iterdir()):
        os.chown(path, nobody.pw_uid, nobody.pw_gid)
    as_nobody = [f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]
    return ["setpriv", *as_nobody, *command]


def wait_until_up(process, port, output, seconds=10):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            said = output.read_text(errors="replace")
            sys.exit(f"glewlwyd ended with status {process.returncode}: {said}")
        try:
            requests.get(f"http://127.0.0.1:{port}/config", timeout=1)
            return
        except requests.RequestException:
            time.sleep(0.02)
    sys.exit(f"glewlwyd did not answer within {seconds} s")


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--port", type=int, default=0)
    arguments.add_argument("--public-port", type=int)
    arguments = arguments.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))

    port = arguments.port or free_port()
    public_port = arguments.public_port or port
    with tempfile.TemporaryDirectory(prefix="glewlwyd.") as name:
        folder = pathlib.Path(name)
        with open(folder / "stdout", "wb") as output:
            process = subprocess.Popen(
                prepare(folder, port, public_port),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        try:
            wait_until_up(process, port, folder / "stdout")
            issuer = f"http://localhost:{public_port}/api/oidc"
            admin.Admin(port).set_up(issuer)
            ready = {
                "issuer": issuer,
                "port": port,
                "clients": admin.CLIENTS,
                "user": admin.USER,
            }
            print(json.dumps(ready), flush=True)
            sys.stdin.read()
        finally:
            process.terminate()
            process.wait()


if __name__ == "__main__":
    main()
