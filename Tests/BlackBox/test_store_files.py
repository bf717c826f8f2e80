"""What is on disk after a sign-in: closed to others, and without a secret anybody could read."""

import os
import stat
import subprocess

from harness.command import Exit


def modes_under(folder):
    return {path: stat.S_IMODE(path.stat().st_mode) for path in [folder, *folder.rglob("*")]}


def test_folder_and_files_are_the_owners_alone_under_any_umask(sign_in, fake, home):
    old = os.umask(0)
    try:
        command = sign_in(fake)
        command("refresh").expect()
    finally:
        os.umask(old)
    for path, mode in modes_under(home.store).items():
        assert mode == (0o700 if path.is_dir() else 0o600), path


def test_an_open_folder_of_the_data_is_closed_before_anything_is_stored(sign_in, fake, home):
    home.store.mkdir()
    home.store.chmod(0o777)
    try:
        sign_in(fake)
    except AssertionError as refused:
        assert "74" in str(refused), "to refuse is fine too, with the store's exit code"
        return
    assert stat.S_IMODE(home.store.stat().st_mode) == 0o700


def test_no_file_of_home_holds_a_secret_after_a_whole_session(sign_in, fake, home, canaries):
    """Tokens, codes, verifiers and the client's secret: every file, free pages included."""
    command = sign_in(fake, "confidential", KSCONNECT_SCOPE="openid offline_access")
    for _ in range(20):
        command("refresh").expect()
    assert len(fake.secrets()) > 40
    assert not canaries.found_under(home.root, except_for=[home.root / "browser"])
    command("logout").expect()
    assert not canaries.found_under(home.root, except_for=[home.root / "browser"])


def test_the_store_passes_sqlites_own_check_and_keeps_no_sidecar(signed_in, home):
    signed_in("refresh").expect()
    check = subprocess.run(
        [
            "sqlite3",
            f"file:{home.database}?mode=ro",
            "PRAGMA integrity_check; PRAGMA journal_mode;",
        ],
        text=True,
        stdout=subprocess.PIPE,
        check=True,
    )
    answer = check.stdout.split()
    assert answer[0] == "ok"
    assert answer[1] != "wal", "WAL keeps old values on disk, and this SQLite may corrupt it"
    assert not list(home.store.glob("*-wal"))


def test_a_store_that_is_no_data_base_is_an_error_that_keeps_the_file(signed_in, home):
    home.database.write_bytes(b"garbage" * 1000)
    signed_in("token").expect(Exit.STORE)
    kept = [path.read_bytes() for path in home.store.rglob("*") if path.is_file()]
    assert b"garbage" * 1000 in kept


def test_case_95_twenty_first_runs_at_once_make_one_store(ksconnect, fake):
    command = ksconnect.use(fake)
    running = [command.start("status", "--json") for _ in range(20)]
    for run in running:
        run.finish().expect(Exit.SIGN_IN)
