"""A body of 1 GiB goes through the client and is never in memory as a whole."""

import json
import os
import subprocess

import pytest
from harness.bulk import BulkServer
from harness.command import TOP

TRANSFER = os.environ.get("TRANSFER_BIN", TOP / ".build/debug/TransferBenchmark")
GIBIBYTE = 1 << 30
EXTRA_KIB_MAX = 16 << 10


@pytest.fixture
def transfer(tmp_path):
    """Runs one transfer against a server of this process; what it says, and what the server saw."""

    def transfer(action, size=GIBIBYTE):
        with BulkServer(size) as server:
            source = {"download": [], "upload-file": [tmp_path / "body"], "upload-stream": [size]}
            if action == "upload-file":
                with open(tmp_path / "body", "wb") as file:
                    file.truncate(size)  # a file with a hole: no disk is needed
            finished = subprocess.run(
                [TRANSFER, action, server.url, *map(str, source[action])],
                capture_output=True,
                timeout=110,
                check=True,
            )
        print(action, finished.stdout.decode().strip())
        return json.loads(finished.stdout), server.seen

    return transfer


@pytest.mark.parametrize("action", ["download", "upload-file", "upload-stream"])
def test_case_82_a_gibibyte_goes_through_within_16_mebibytes(action, transfer):
    report, seen = transfer(action)
    assert seen == [GIBIBYTE], "it is sent once, and whole"
    assert report["progress"] == GIBIBYTE
    assert report["status"] == (200 if action == "download" else 204)
    if action == "download":
        assert report["bytes"] == GIBIBYTE
    assert report["extraKiB"] <= EXTRA_KIB_MAX, report
