"""The vaults that are chosen explicitly, as a person or a service meets them."""

import os
import pty
import subprocess

import pytest
from harness.command import KSCONNECT, Exit, Ksconnect

PASSPHRASE = "seven-lamps-and-a-stair"


@pytest.fixture
def bare(home, empty_bus, canaries, fake):
    """The command on a machine without a Secret Service."""
    canaries.add(PASSPHRASE)
    yield Ksconnect(home, empty_bus.environment, canaries).use(fake)
    found = canaries.found_under(home.root, except_for=[home.root / "browser"])
    assert not found, f"secrets in files: {found}"


def login(command, browser, fake, *arguments, **more):
    visitor = browser(fake.user)
    command.with_settings(BROWSER=visitor.program)("login", *arguments, **more).expect()
    visitor.wait_for_end()


def with_passphrase(command, *arguments, passphrase=PASSPHRASE):
    return command(*arguments, stdin=passphrase + "\n", KSCONNECT_PASSPHRASE_FD=0)


@pytest.fixture
def under_passphrase(bare, browser, fake):
    """Signed in, with the key under the passphrase."""
    login(bare, browser, fake, "--vault=passphrase", "--passphrase-fd=0", stdin=PASSPHRASE)
    return bare


def test_a_passphrase_from_a_descriptor_keeps_the_key(under_passphrase):
    with_passphrase(under_passphrase, "refresh").expect()
    report = with_passphrase(under_passphrase, "vault", "status", "--json").expect().json
    assert (report["vault"], report["state"]) == ("passphrase", "available")
    with_passphrase(under_passphrase, "vault", "rotate-key").expect()
    with_passphrase(under_passphrase, "refresh").expect()


def test_without_the_passphrase_or_with_a_wrong_one_nothing_is_sent(under_passphrase, fake):
    assert "--passphrase-fd" in under_passphrase("refresh").expect(Exit.STORE).stderr
    wrong = with_passphrase(under_passphrase, "refresh", passphrase="wrong").expect(Exit.STORE)
    assert "passphrase" in wrong.stderr
    assert fake.refresh_requests == []
    under_passphrase("status").expect()
    with_passphrase(under_passphrase, "refresh").expect()


def test_another_vault_than_the_stores_is_a_wrong_configuration(under_passphrase, fake, home):
    folder = home.config / "ksconnect"
    folder.mkdir()
    for vault in ("secret-service", "credential"):
        flag = with_passphrase(under_passphrase, "refresh", f"--vault={vault}")
        variable = with_passphrase(
            under_passphrase.with_settings(KSCONNECT_VAULT=vault), "refresh"
        )
        (folder / "config.yaml").write_text(f"vault: {vault}\n")
        file = with_passphrase(under_passphrase, "refresh")
        (folder / "config.yaml").unlink()
        for result in (flag, variable, file):
            assert "ksconnect vault move" in result.expect(Exit.CONFIGURATION).stderr
    assert fake.refresh_requests == []
    under_passphrase("refresh", "--vault=paper").expect(Exit.USAGE)
    under_passphrase("status", KSCONNECT_VAULT="paper").expect(Exit.CONFIGURATION)


def test_a_missing_secret_service_is_no_reason_to_use_another_vault(bare, fake, browser):
    visitor = browser(fake.user)
    with_passphrase(bare.with_settings(BROWSER=visitor.program), "login").expect(Exit.STORE)
    assert not visitor.was_opened


@pytest.mark.parametrize("number", ["77", "-1", "x"])
def test_a_descriptor_that_is_not_open_is_a_wrong_configuration(bare, number):
    bare("status", KSCONNECT_PASSPHRASE_FD=number).expect(Exit.CONFIGURATION)


def test_a_key_moves_from_the_keyring_to_a_passphrase_and_back(signed_in, keyring):
    before = len(keyring.items())
    with_passphrase(signed_in, "vault", "move", "--to=passphrase").expect()
    assert len(keyring.items()) == before - 1
    with_passphrase(signed_in, "refresh").expect()
    old_and_new = PASSPHRASE + "\nanother one"
    with_passphrase(signed_in, "vault", "move", "--to=passphrase", passphrase=old_and_new).expect()
    with_passphrase(signed_in, "refresh").expect(Exit.STORE)
    with_passphrase(signed_in, "refresh", passphrase="another one").expect()
    with_passphrase(
        signed_in, "vault", "move", "--to=secret-service", passphrase="another one"
    ).expect()
    assert len(keyring.items()) == before
    signed_in("refresh").expect()


def test_a_credential_of_systemd_keeps_the_key(bare, browser, fake, tmp_path):
    folder = tmp_path / "credentials"
    folder.mkdir(mode=0o700)
    key = folder / "ksconnect.key"

    def give(secret, mode=0o400):
        key.unlink(missing_ok=True)
        key.write_bytes(secret)
        key.chmod(mode)

    service = bare.with_settings(CREDENTIALS_DIRECTORY=folder, KSCONNECT_VAULT="credential")
    assert "systemd-creds encrypt" in service("vault").expect(Exit.STORE).stderr
    secret = os.urandom(32)
    give(secret)
    login(service, browser, fake)
    service("refresh").expect()
    service("vault", "rotate-key").expect()
    service("refresh").expect()
    sent = len(fake.refresh_requests)
    give(secret, mode=0o444)
    assert "open to others" in service("refresh").expect(Exit.STORE).stderr
    give(os.urandom(32))
    service("refresh").expect(Exit.STORE)
    assert len(fake.refresh_requests) == sent


def test_a_person_is_asked_for_the_passphrase_and_it_is_not_shown(bare):
    move = ("vault", "move", "--to=passphrase")
    assert PASSPHRASE not in on_terminal(bare, move, ["New passphrase", "The same again"])
    shown = on_terminal(bare, ("vault", "status"), ["Passphrase of the token store"])
    assert PASSPHRASE not in shown and "available" in shown


def on_terminal(command, arguments, questions):
    """Runs the command on a terminal, answers each question and tells what was shown."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [KSCONNECT, *arguments],
        env=command.full_environment({}),
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    shown = b""
    waiting = list(questions)
    while True:
        try:
            shown += os.read(master, 4096)
        except OSError:
            break
        if waiting and waiting[0].encode() in shown:
            waiting.pop(0)
            os.write(master, PASSPHRASE.encode() + b"\n")
    os.close(master)
    assert process.wait(timeout=60) == 0, shown.decode()
    assert not waiting, shown.decode()
    return shown.decode()
