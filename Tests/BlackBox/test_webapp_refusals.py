"""What the web application refuses: forged redirects and forms, foreign names, floods."""

import http.client
import subprocess
import urllib.parse

import pytest
from harness.webapp import SECONDS_MAX, Visitor, sites_on, wait_until

ALICES_SITES = ["Harbour Office", "Old Mill"]


# Redirects


def test_a_redirect_counts_only_with_its_own_state_in_its_own_browser_and_once(webapp, demo):
    app = webapp(demo)
    person, attacker = Visitor(app), Visitor(app)
    callback = person.redirect()
    foreign = attacker.redirect()
    refused = {
        "another sign-in's, in this browser": (person, foreign),
        "this one, in another browser": (attacker, callback),
        "this one, in a browser without any": (Visitor(app), callback),
        "no state": (person, f"{app.url}/callback?code=x"),
        "two states": (person, callback + "&state=x"),
        "an error with another state": (person, f"{app.url}/callback?error=access_denied&state=x"),
        "nothing": (person, f"{app.url}/callback"),
    }
    for what, (visitor, target) in refused.items():
        answer = visitor.get(target)
        assert answer.status_code == 400, what
        assert "cannot be finished here" in answer.text and visitor.session is None, what
    assert sites_on(person.follow(callback).text) == ALICES_SITES, "and its own is still taken"
    session = person.session
    assert person.get(callback).status_code == 400, "once"
    assert person.session == session and person.sites == ALICES_SITES


def test_a_code_of_somebody_else_s_sign_in_is_not_redeemed(webapp, demo):
    """With the right state in the right browser: the verifier is another's (RFC 7636 §4.6)."""
    app = webapp(demo)
    person, attacker = Visitor(app), Visitor(app)
    own, foreign = (query_of(visitor.redirect()) for visitor in (person, attacker))
    injected = urllib.parse.urlencode({**own, "code": foreign["code"]})
    answer = person.get(f"{app.url}/callback?{injected}")
    assert answer.status_code == 400 and "was not finished" in answer.text
    assert person.session is None


def query_of(url):
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))


def test_a_second_sign_in_of_a_browser_takes_the_place_of_the_first(webapp, demo):
    app = webapp(demo)
    person = Visitor(app)
    first = person.redirect()
    second = person.redirect()
    assert person.get(first).status_code == 400
    assert sites_on(person.follow(second).text) == ALICES_SITES


# Forms and names


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "OWN"},
    ],
    ids=str,
)
def test_a_form_from_elsewhere_is_refused(webapp, demo, headers):
    app = webapp(demo)
    person = Visitor(app)
    person.sign_in()
    headers = {name: app.url if value == "OWN" else value for name, value in headers.items()}
    for path in ("/sign-out", "/sign-in"):
        answer = person.browser.post(
            app.url + path, headers=headers, allow_redirects=False, timeout=SECONDS_MAX
        )
        assert answer.status_code == 403 and "Set-Cookie" not in answer.headers
    assert person.sites == ALICES_SITES


@pytest.mark.parametrize("header", ["Origin", "Sec-Fetch-Site"])
def test_a_form_of_an_own_page_needs_one_of_the_two_headers(webapp, demo, header):
    app = webapp(demo)
    value = {"Origin": app.url, "Sec-Fetch-Site": "same-origin"}[header]
    assert app.post("/sign-in", headers={header: value}).status_code == 303


def test_links_change_nothing(webapp, demo):
    app = webapp(demo)
    for path in ("/sign-in", "/sign-out"):
        assert app.get(path).status_code == 404


def test_another_host_name_is_not_answered_for(webapp, demo):
    app = webapp(demo)
    for host in ("evil.example", f"127.0.0.1:{app.port}", "localhost"):
        assert app.get("/", headers={"Host": host}).status_code == 421


# Pages


def test_every_page_is_closed_to_scripts_frames_and_caches(webapp, demo):
    app = webapp(demo)
    person = Visitor(app)
    person.sign_in()
    for path, status in {"/sites": 200, "/signed-out": 200, "/callback": 400, "/no": 404}.items():
        answer = person.get(path)
        assert answer.status_code == status
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "frame-ancestors 'none'" in policy and "unsafe" not in policy
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert '<html lang="en">' in answer.text
    assert person.get("/callback").headers["Referrer-Policy"] == "no-referrer"
    assert person.get("/sites").headers["Referrer-Policy"] == "same-origin"


def test_what_the_service_says_is_text_and_never_markup(webapp, many_people):
    many_people.site_name = "<script>alert('{}')</script> \"&"
    person = Visitor(webapp(many_people))
    person.sign_in()
    page = person.get("/sites").text
    assert "<script" not in page
    assert "&lt;script&gt;alert(&#39;nobody&#39;)&lt;/script&gt; &quot;&amp;" in page


def test_what_a_request_says_comes_back_in_no_page(webapp, demo):
    person = Visitor(webapp(demo))
    person.sign_in()
    for path in ("/sites/xyzzy", "/xyzzy", "/?xyzzy", "/callback?error=xyzzy&state=xyzzy"):
        assert "xyzzy" not in person.get(path).text


def test_a_site_of_somebody_else_is_no_page(webapp, demo):
    app = webapp(demo)
    bob = Visitor(app, {"username": "bob", "password": "keys-left-at-home"})
    bob.sign_in()
    for site in ("0b9f6a52-7c54-4a1e-9f5e-2d8b6c1e4a10", "..", "%2e%2e%2fme", "a%20b"):
        assert bob.get(f"/sites/{site}").status_code in (303, 404), site


def test_over_https_cookies_are_of_this_host_alone(webapp, demo, home):
    app = webapp(demo, "--public-url", "https://doors.example")
    host = {"Host": "doors.example", "Origin": "https://doors.example"}
    answer = app.post("/sign-in", headers=host)
    assert answer.headers["Set-Cookie"].startswith("__Host-ksconnect-sign-in=")
    for attribute in ("; Secure", "; HttpOnly", "; SameSite=Lax", "; Path=/", "; Max-Age=300"):
        assert attribute in answer.headers["Set-Cookie"]
    assert "Domain" not in answer.headers["Set-Cookie"]
    assert query_of(answer.headers["Location"])["redirect_uri"] == "https://doors.example/callback"
    assert "max-age=" in answer.headers["Strict-Transport-Security"]


# Bounds


def test_too_many_sign_ins_at_once_are_told_to_wait(webapp, demo):
    app = webapp(demo, "--sign-ins-max", "3")
    people = [Visitor(app) for _ in range(4)]
    callbacks = [person.redirect() for person in people[:3]]
    answer = people[3].post("/sign-in")
    assert answer.status_code == 503 and answer.headers["Retry-After"] == "60"
    for person, callback in zip(people, callbacks):
        assert sites_on(person.follow(callback).text) == ALICES_SITES
    people[3].sign_in()


def test_a_sign_in_that_takes_too_long_gives_its_place_to_others(webapp, demo):
    app = webapp(demo, "--sign-ins-max", "1", "--sign-in-timeout", "1")
    slow = Visitor(app)
    callback = slow.redirect()
    own = {"Origin": app.url}
    wait_until(lambda: app.post("/sign-in", headers=own).status_code == 303, "there is room again")
    assert slow.get(callback).status_code == 400


def test_a_page_is_given_up_in_time_and_the_refresh_is_not(webapp, demo):
    app = webapp(demo, "--request-deadline", "1")
    person = Visitor(app)
    person.sign_in()
    demo.control(revokeAllAccessTokens=True, tokenLatencyAfterMilliseconds=2500)
    answer = person.get("/sites")
    assert answer.status_code == 503 and "still signed in" in answer.text
    demo.control(tokenLatencyAfterMilliseconds=0)
    wait_until(lambda: person.get("/sites").status_code == 200, "the page comes")
    assert person.sites == ALICES_SITES
    assert demo.counters()["grants"]["refresh_token"] == 1


def test_heads_and_bodies_are_bounded(webapp, demo):
    app = webapp(demo)
    own = {"Origin": app.url}
    assert app.post("/sign-in", headers=own, data=b"x" * 100_000).status_code == 413
    connection = http.client.HTTPConnection("127.0.0.1", app.port, timeout=SECONDS_MAX)
    try:
        connection.request("GET", "/", headers={"Host": f"localhost:{app.port}", "X": "x" * 50_000})
        assert connection.getresponse().status in (400, 431)
    except (ConnectionError, http.client.RemoteDisconnected):
        pass  # hung up on
    finally:
        connection.close()
    assert app.get("/").status_code == 200


# Starting


@pytest.mark.parametrize(
    "arguments, environment, reason",
    [
        (["--public-url", "http://doors.example"], {}, "--public-url"),
        (["--public-url", "https://doors.example/app"], {}, "without a path"),
        ([], {"KSCONNECT_CLIENT_SECRET": ""}, "no client secret"),
        ([], {"CREDENTIALS_DIRECTORY": "/nonexistent"}, "the credential cannot be used"),
        (["--data-dir", "/proc/nonexistent"], {}, "store"),
    ],
    ids=str,
)
def test_what_is_wrong_is_told_before_anybody_comes(webapp, demo, arguments, environment, reason):
    app = webapp(demo)
    app.close()
    result = subprocess.run(
        [str(part) for part in [*app.command, *arguments]],
        env={**app.environment, **environment},
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
    )
    assert result.returncode == 78
    assert reason in result.stderr and "client_id_secrtet" not in result.stderr
