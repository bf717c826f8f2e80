"""The web application's sessions: what ends one, and what must not."""

import concurrent.futures
import contextlib
import re
import sqlite3

from harness.webapp import SECONDS_MAX, ManyPeople, Visitor, sites_on, wait_until

BOB = {"username": "bob", "password": "keys-left-at-home"}
ALICES_SITES = ["Harbour Office", "Old Mill"]


def signed_in(app, user=None):
    visitor = Visitor(app, user)
    visitor.sign_in()
    return visitor


# Refresh


def test_an_access_token_that_ran_out_is_renewed_unseen(webapp, demo):
    visitor = signed_in(webapp(demo))
    demo.control(revokeAllAccessTokens=True)
    assert visitor.sites == ALICES_SITES
    assert demo.counters()["grants"]["refresh_token"] == 1


def test_requests_of_one_person_at_once_cost_one_refresh(webapp, demo):
    visitor = signed_in(webapp(demo))
    for memory in ("warm", "cold"):
        demo.control(
            revokeAllAccessTokens=True, resetCounters=True, tokenLatencyAfterMilliseconds=300
        )
        if memory == "cold":
            visitor.app.close()
            visitor.app.start()
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            pages = list(pool.map(lambda _: Visitor.sites.fget(visitor), range(12)))
        assert pages == [ALICES_SITES] * 12
        counters = demo.counters()
        assert counters["grants"]["refresh_token"] == 1, memory
        assert counters["refresh"]["reuseDetections"] == 0


def test_a_silent_service_signs_nobody_out(webapp, demo):
    visitor = signed_in(webapp(demo))
    demo.control(
        revokeAllAccessTokens=True,
        tokenFaults=[{"kind": "status", "status": 503, "count": 50}],
    )
    answer = visitor.get("/sites")
    assert answer.status_code == 503 and int(answer.headers["Retry-After"]) >= 1
    assert "You are still signed in" in answer.text and 'href="/sites"' in answer.text
    demo.control(clearFaults=True, apiFaults=[{"kind": "drop", "count": 50}])
    assert visitor.get("/sites").status_code == 503
    demo.control(clearFaults=True)
    wait_until(lambda: visitor.get("/sites").status_code == 200, "the page comes again")
    assert visitor.sites == ALICES_SITES


def test_a_provider_that_is_down_is_told_and_signs_nobody_out(webapp, home):
    provider = ManyPeople()
    app = webapp(provider)
    visitor = signed_in(app)
    provider.expire_access_tokens()
    provider.close()
    assert visitor.get("/sites").status_code == 503
    answer = Visitor(app).post("/sign-in")
    assert answer.status_code == 503 and "try again" in answer.text
    with successor_of(provider):
        wait_until(lambda: visitor.get("/sites").status_code == 200, "the provider is found again")


@contextlib.contextmanager
def successor_of(provider):
    """The same provider, come back on the same port with what it knew."""
    with ManyPeople(provider.port) as successor:
        for name in ("key", "refresh_tokens", "access_tokens", "people_by_token"):
            setattr(successor, name, getattr(provider, name))
        yield successor


# The process


def test_a_restart_keeps_everybody_signed_in(webapp, demo):
    app = webapp(demo)
    alice, bob = signed_in(app), signed_in(app, BOB)
    assert app.close() == 0
    app.start()
    assert alice.sites == ALICES_SITES
    assert bob.sites == ["Old Mill"]


def test_a_kill_in_the_middle_of_a_refresh_keeps_the_session(webapp, demo):
    app = webapp(demo)
    visitor = signed_in(app)
    demo.control(revokeAllAccessTokens=True, graceSeconds=60, tokenLatencyAfterMilliseconds=2000)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        page = pool.submit(visitor.get, "/sites")
        wait_until(lambda: demo.counters()["refresh"]["tokens"], "a refresh is under way")
        app.kill()
        assert page.exception(timeout=SECONDS_MAX)
    demo.control(tokenLatencyAfterMilliseconds=0)
    app.start()
    assert visitor.sites == ALICES_SITES


def test_the_end_of_the_process_waits_for_what_is_under_way(webapp, demo):
    app = webapp(demo)
    visitor = signed_in(app)
    demo.control(revokeAllAccessTokens=True, tokenLatencyAfterMilliseconds=1500)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        page = pool.submit(visitor.get, "/sites")
        wait_until(lambda: demo.counters()["refresh"]["tokens"], "a refresh is under way")
        app.process.terminate()
        assert sites_on(page.result(timeout=SECONDS_MAX).text) == ALICES_SITES
    assert app.process.wait(timeout=SECONDS_MAX) == 0


# What lies where


def test_no_token_is_in_the_store_the_log_or_an_answer(webapp, many_people, canaries):
    app = webapp(many_people)
    visitor = Visitor(app)
    answers = [visitor.post("/sign-in")]
    callback = visitor.get(answers[0].headers["Location"]).headers["Location"]
    answers += [visitor.get(callback), visitor.get("/sites"), visitor.get("/nothing")]
    many_people.expire_access_tokens()
    answers += [visitor.get("/sites"), visitor.post("/sign-out")]
    assert [answer.status_code for answer in answers] == [303, 303, 200, 404, 200, 303]
    assert len(canaries.all()) >= 6, "codes, verifiers and tokens are looked for"
    for answer in answers:
        head = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
        assert canaries.found_in(head.encode() + answer.content) == []
    log = app.log.read_text()
    assert "route=/callback" in log and "code=" not in log and "state=" not in log


def test_the_store_gives_no_cookie(webapp, demo):
    app = webapp(demo)
    visitor = signed_in(app)
    moment, secret = visitor.session.split(".")
    for path in app.store.rglob("*"):
        assert not path.is_file() or secret.encode() not in path.read_bytes()
    assert accounts(app), "and yet the session is there"
    other = Visitor(app)
    later, other_secret = f"{int(moment) + 1}.{secret}", f"{moment}.{secret[::-1]}"
    for forged in (later, other_secret, "x", accounts(app)[0]):
        other.browser.headers["Cookie"] = f"ksconnect-session={forged}"
        assert other.get("/sites").headers["Location"] == "/"
    other.browser.headers["Cookie"] = f"ksconnect-session={visitor.session}"
    assert sites_on(other.get("/sites").text) == ALICES_SITES


def accounts(app):
    store = f"file:{app.store}/store.sqlite?mode=ro"
    with contextlib.closing(sqlite3.connect(store, uri=True)) as db:
        return [row[0].decode() for row in db.execute("SELECT account FROM session")]


# Sign-out and what takes its place


def test_sign_out_ends_the_session_here_and_at_the_provider(webapp, many_people):
    app = webapp(many_people)
    visitor = signed_in(app)
    cookie = visitor.session
    many_people.expire_access_tokens()
    assert visitor.sites == ["Site of nobody"]
    assert list(app.store.glob("locks/*.lock")), "the refresh took its lock"
    assert visitor.post("/sign-out").headers["Location"] == "/signed-out"
    assert visitor.session is None
    assert accounts(app) == [] and list(app.store.glob("locks/*")) == []
    assert len(many_people.requests_to(many_people.REVOKE)) == 1
    visitor.browser.headers["Cookie"] = f"ksconnect-session={cookie}"
    assert visitor.get("/sites").headers["Location"] == "/", "a kept cookie is worth nothing"


def test_each_sign_in_makes_a_new_session_and_ends_the_one_before(webapp, many_people):
    app = webapp(many_people)
    visitor = Visitor(app)
    planted = "1.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    visitor.browser.cookies.set("ksconnect-session", planted, domain="localhost.local", path="/")
    visitor.sign_in()
    first = visitor.session
    assert first != planted
    visitor.sign_in()
    assert visitor.session != first
    wait_until(lambda: len(accounts(app)) == 1, "the earlier session is gone")
    wait_until(lambda: many_people.requests_to(many_people.REVOKE), "its token is revoked")


def test_idle_sessions_are_swept_and_revoked(webapp, many_people):
    many_people.token_seconds = 1
    app = webapp(many_people, "--idle-limit", "1", "--sweep-interval", "1")
    visitor = signed_in(app)
    wait_until(lambda: accounts(app) == [], "the session is gone")
    wait_until(lambda: many_people.requests_to(many_people.REVOKE), "its token is revoked")
    assert visitor.get("/sites").headers["Location"] == "/"


def test_a_session_ends_at_its_time_whatever_the_cookie_jar_says(webapp, many_people):
    app = webapp(many_people, "--session-lifetime", "2")
    visitor = signed_in(app)
    visitor.browser.headers["Cookie"] = f"ksconnect-session={visitor.session}"
    wait_until(lambda: visitor.get("/sites").status_code == 303, "the session is over")


# Many people


def test_hundreds_of_people_see_their_own_from_a_bounded_memory(webapp, many_people):
    app = webapp(many_people, "--clients-max", "20", "--sweep-interval", "1")

    def person(number):
        visitor = Visitor(app)
        visitor.browser.cookies.set("person", str(number), domain="127.0.0.1")
        visitor.sign_in()
        return visitor

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        visitors = list(pool.map(person, range(300)))
        for _ in range(2):
            pages = list(pool.map(lambda visitor: visitor.sites, visitors))
            assert pages == [[f"Site of {number}"] for number in range(300)]
            many_people.expire_access_tokens()
    assert len(accounts(app)) == 300
    wait_until(lambda: "inMemory=20" in app.log.read_text(), "the pool is full")
    in_memory = {int(count) for count in re.findall(r"inMemory=(\d+)", app.log.read_text())}
    assert max(in_memory) == 20
