"""Case 67: the power goes at any moment, and what was handed out is still there afterwards."""

import shutil
import sqlite3

import pytest
from harness.power import Disk, Recorder

ROUNDS = 3


@pytest.fixture
def recorder(tmp_path, home):
    folder = tmp_path / "browser" / "power"
    folder.mkdir(parents=True)
    return Recorder(folder, home.store)


def record(sign_in, fake, recorder):
    """The calls of a sign-in and of some refreshes, a list for each command."""
    command = sign_in(fake, **recorder.environment)
    runs = [recorder.take()]
    for _ in range(ROUNDS):
        command("refresh").expect()
        runs.append(recorder.take())
    return command, runs


def generation_in(image, folder):
    """The generation that the image holds, 0 where nobody was signed in by then."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, content in image.items():
        (folder / name).write_bytes(content)
    if not (folder / "store.sqlite").exists():
        return 0
    with sqlite3.connect(folder / "store.sqlite") as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        found = database.execute("SELECT generation FROM session").fetchone()
    database.close()
    return found[0] if found else 0


def losses(runs, folder):
    """Power losses after which a generation that was handed out, or the store itself, is gone."""
    disk, lost, images = Disk(), [], 0
    for handed_out, calls in enumerate(runs):
        for number, call in enumerate(calls):
            disk.play(call)
            # A command's generation is handed out at its end, and never before.
            is_over = number == len(calls) - 1
            for image in disk.images(seed=f"{handed_out} {number}"):
                images += 1
                try:
                    found = generation_in(image, folder)
                except (sqlite3.DatabaseError, AssertionError):
                    found = -1
                if not handed_out + is_over <= found <= handed_out + 1:
                    lost.append((handed_out, number, call.kind, call.name, found))
    return lost, images


def test_case_67_after_a_power_loss_at_any_moment_no_generation_is_lost(
    sign_in, fake, recorder, tmp_path
):
    command, runs = record(sign_in, fake, recorder)
    lost, images = losses(runs, tmp_path / "browser" / "image")
    assert lost == []
    assert images > 500
    kinds = {call.kind for run in runs for call in run}
    assert {"open", "write", "sync", "unlink", "rename"} <= kinds
    command("refresh").expect()


@pytest.mark.parametrize(
    "is_forgotten",
    [
        lambda call: call.kind == "sync",
        lambda call: call.kind == "sync" and call.name == ".",
        lambda call: call.kind == "sync" and call.name == "store.sqlite",
        lambda call: call.kind == "sync" and call.name == "store.sqlite-journal",
    ],
    ids=["all", "folder", "database", "journal"],
)
def test_case_67_a_sync_that_is_left_out_would_be_noticed(
    is_forgotten, sign_in, fake, recorder, tmp_path
):
    _, runs = record(sign_in, fake, recorder)
    careless = [[call for call in run if not is_forgotten(call)] for run in runs]
    lost, _ = losses(careless, tmp_path / "browser" / "image")
    assert lost
