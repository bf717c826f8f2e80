"""Fixtures of the black-box tests. Each test has a HOME, a bus and a keyring of its own."""

import contextlib
import signal
import sys

import pytest

sys.dont_write_bytecode = True

from harness.browser import ScriptedBrowser  # noqa: E402
from harness.canaries import Canaries  # noqa: E402
from harness.command import KSCONNECT, Home, Ksconnect  # noqa: E402
from harness.fake_provider import FakeProvider  # noqa: E402
from harness.keyring import Keyring, SessionBus  # noqa: E402
from harness.providers import Demo, DjangoOAuthToolkit, Glewlwyd  # noqa: E402
from harness.webapp import ChromiumVisitor, ManyPeople, WebApp  # noqa: E402


def pytest_sessionstart(session):
    if not session.config.option.collectonly and not KSCONNECT.exists():
        pytest.exit(f"{KSCONNECT} does not exist: run `swift build` first", returncode=3)


def pytest_configure():
    """Signals that whoever started the tests wanted ignored (nohup, a shell's `&`) would stay
    ignored in the command, which the tests interrupt."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path)


@pytest.fixture
def canaries():
    return Canaries()


@pytest.fixture
def keyring(home):
    """A private bus with a real gnome-keyring, unlocked."""
    with Keyring(home) as keyring:
        yield keyring


@pytest.fixture
def empty_bus(home):
    """A bus on which no Secret Service answers."""
    with SessionBus(home) as bus:
        yield bus


@pytest.fixture
def ksconnect(home, keyring, canaries):
    """The real command, with a keyring. Afterwards no file of HOME may hold a secret (G1)."""
    yield Ksconnect(home, keyring.environment, canaries)
    found = canaries.found_under(home.root, except_for=[home.root / "browser"])
    assert not found, f"secrets in files: {found}"


@pytest.fixture
def fake():
    """A provider that can be told to misbehave."""
    with FakeProvider() as provider:
        yield provider


@pytest.fixture
def browser(tmp_path, canaries):
    """Makes scripted browsers; their logs are beside HOME's files, and hold codes on purpose."""

    def make(user=None, plan=()):
        folder = tmp_path / "browser" / str(len(made))
        made.append(ScriptedBrowser(folder, user, plan))
        canaries.add_source(made[-1].secrets)
        return made[-1]

    made = []
    return make


@pytest.fixture
def sign_in(ksconnect, browser):
    """Signs in at a provider by a scripted browser; returns the command set to the provider."""

    def sign_in(provider, client="public", redirect_port=None, arguments=(), **environment):
        visitor = browser(provider.user)
        command = ksconnect.use(
            provider, client, redirect_port, BROWSER=visitor.program, **environment
        )
        command("login", *arguments).expect()
        visitor.wait_for_end()
        command.visitor = visitor
        return command

    return sign_in


@pytest.fixture
def signed_in(sign_in, fake):
    """The command, signed in at the fake provider as its public client."""
    return sign_in(fake)


@pytest.fixture(scope="session")
def dot(tmp_path_factory):
    with contextlib.closing(DjangoOAuthToolkit(tmp_path_factory.mktemp("dot"))) as provider:
        yield provider


@pytest.fixture(scope="session")
def glewlwyd(tmp_path_factory):
    with contextlib.closing(Glewlwyd(tmp_path_factory.mktemp("glewlwyd"))) as provider:
        yield provider


@pytest.fixture
def demo(tmp_path_factory):
    with contextlib.closing(Demo(tmp_path_factory.mktemp("demo"))) as provider:
        yield provider


@pytest.fixture
def webapp(home, canaries):
    """Starts the web application of Examples/WebApp at a provider. Afterwards neither a file nor
    its log may hold a secret, and it must have ended as it was told."""
    with contextlib.ExitStack() as stack:

        def start(provider, *arguments, **settings):
            canaries.add_source(provider.secrets)
            app = WebApp(home, provider, *arguments, **settings)
            started.append(app)
            stack.callback(app.close)
            return app

        started = []
        yield start
        assert [app.close() for app in started] == [0] * len(started)
    found = canaries.found_under(home.root)
    assert not found, f"secrets in files: {found}"


@pytest.fixture
def chromium(tmp_path):
    """Makes visitors with a real headless Chromium, each with a profile of their own."""
    with contextlib.ExitStack() as stack:

        def make(app, user=None):
            folder = tmp_path / "chromium" / str(len(made))
            made.append(ChromiumVisitor(app, folder, user or app.provider.user))
            stack.callback(made[-1].close)
            return made[-1]

        made = []
        yield make


@pytest.fixture
def many_people():
    """A provider and API with one site for each person who comes."""
    with ManyPeople() as provider:
        yield provider
