"""Tokens that are bound to a key (DPoP, RFC 9449), from sign-in to sign-out.

The demo provider checks each proof by code of its own; the fake one is made to misbehave.
"""

import contextlib
import threading
import time

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import ec
from harness.command import Exit, Ksconnect
from harness.dpop import Proof, private_key_in, public_jwk, thiefs_proof, thumbprint
from harness.providers import Demo
from harness.wire import Answer, RecordingServer, free_port
from test_refresh_kills import FAIL_POINTS, KILLED

NONCES = {"dpopNonceAtToken": True, "dpopNonceAtAPI": True, "dpopNonceRotates": True}


def bound(fake):
    """The fake provider gives bound tokens; it looks at no proof itself."""
    fake.edit_token_answer = lambda answer: {**answer, "token_type": "DPoP"}
    return fake


def challenge(nonce=None, status=400):
    headers = {} if nonce is None else {"DPoP-Nonce": nonce}
    return Answer.json({"error": "use_dpop_nonce"}, status=status, **headers)


def api_challenge(nonce, scheme="DPoP"):
    headers = {"WWW-Authenticate": f'{scheme} error="use_dpop_nonce"', "DPoP-Nonce": nonce}
    return Answer.json({"Message": "unauthorized"}, status=401, **headers)


def in_turn(*answers):
    """A handler that gives these answers, then the usual ones."""
    waiting = list(answers)
    return lambda _: waiting.pop(0) if waiting else None


# The whole story


@pytest.mark.parametrize("client", ["public", "confidential"])
@pytest.mark.parametrize("knobs", [{}, NONCES], ids=["plain", "nonces"])
def test_case_85_a_persons_story_with_bound_tokens(knobs, client, sign_in, demo, canaries):
    demo.control(**knobs)
    command = sign_in(demo, client, KSCONNECT_DPOP="true").with_settings(KSCONNECT_DPOP=None)
    assert "DPoP" in command("status").expect().stdout
    assert command("whoami", "--json").expect().json["sub"]
    first = command("token", "--json").expect()
    canaries.add(first.json["accessToken"])
    assert first.json["tokenType"] == "DPoP"
    command("refresh").expect()
    assert command("token", "--json").expect().json["accessToken"] != first.json["accessToken"]
    demo.control(revokeAllAccessTokens=True)
    [site, *_] = command("sites", "--json").expect().json
    [lock, *_] = command("locks", "--site", site["id"], "--json").expect().json
    before = entries(command, site)
    command("unlock", lock["id"], "--site", site["id"], "--yes").expect()
    assert len(entries(command, site)) == len(before) + 1, "a door opens once"
    command("logout").expect()
    command("api", "GET", "/v1.2/me").expect(Exit.SIGN_IN)


def entries(command, site):
    path = f"/v1.1/sites/{site['id']}/entries"
    return command("api", "GET", path, "--paginate").expect().json


def test_the_token_command_warns_that_a_bound_token_is_of_no_use_elsewhere(sign_in, fake):
    command = sign_in(bound(fake), arguments=["--dpop"])
    result = command("token").expect()
    assert "DPoP" in result.stderr and result.stdout.strip() in fake.access_tokens
    assert result.stdout.count("\n") == 1


def test_a_stolen_token_is_of_no_use(sign_in, demo, canaries):
    command = sign_in(demo, arguments=["--dpop"])
    token = command("token").expect().stdout.strip()
    canaries.add(token)
    url = demo.api_url + "/v1.2/me"
    for headers in (
        {"Authorization": f"Bearer {token}"},
        {"Authorization": f"DPoP {token}"},
        {"Authorization": f"DPoP {token}", "DPoP": thiefs_proof("GET", url, token)},
        {"Authorization": f"Bearer {token}", "DPoP": thiefs_proof("GET", url, token)},
    ):
        assert requests.get(url, headers=headers, timeout=10).status_code == 401
    command("api", "GET", "/v1.2/me").expect()


def test_case_22_each_sign_in_has_a_key_of_its_own_and_names_it_beforehand(
    sign_in, fake, browser
):
    bound(fake)
    command = sign_in(fake, arguments=["--dpop"])
    visitor = browser()
    command.with_settings(BROWSER=visitor.program)("login").expect()
    visitor.wait_for_end()
    proofs = [Proof(request) for request in fake.token_requests("authorization_code")]
    asked = [r.parameters["dpop_jkt"] for r in fake.requests_to(fake.AUTHORIZE)]
    assert [proof.thumbprint for proof in proofs] == asked
    assert len(set(asked)) == 2
    assert all("ath" not in proof.claims for proof in proofs)


# Settings


def test_the_setting_is_recorded_and_never_mixed(sign_in, fake, home, signed_in):
    """Signed in without: a command that asks for DPoP is told so before anything is sent."""
    count = len(fake.requests)
    for command in (
        signed_in("token", "--dpop"),
        signed_in("api", "GET", "/v1.2/me", KSCONNECT_DPOP="1"),
    ):
        assert "dpop" in command.expect(Exit.CONFIGURATION).stderr
    signed_in("token", KSCONNECT_DPOP="perhaps").expect(Exit.CONFIGURATION)
    assert len(fake.requests) == count
    folder = home.config / "ksconnect"
    folder.mkdir()
    (folder / "config.yaml").write_text(
        f"profile: mine\nprofiles:\n  mine:\n    issuer: {fake.issuer}\n    dpop: true\n"
    )
    bound(fake)
    command = sign_in(fake, KSCONNECT_ISSUER=None)
    command("token", "--no-dpop").expect(Exit.CONFIGURATION)
    (folder / "config.yaml").unlink()
    command("refresh").expect()
    assert Proof(fake.refresh_requests[-1])


@pytest.mark.parametrize("algorithms", [["RS256"], [], "ES256"])
def test_a_provider_that_rules_it_out_is_told_before_a_browser_opens(
    algorithms, ksconnect, fake, browser
):
    fake.edit_metadata = lambda m: {**m, "dpop_signing_alg_values_supported": algorithms}
    visitor = browser()
    command = ksconnect.use(fake, BROWSER=visitor.program)
    assert "DPoP" in command("login", "--dpop").expect(Exit.CONFIGURATION).stderr
    assert not visitor.was_opened


# Case 27: what was not asked for


@pytest.mark.parametrize(
    ("asked", "given"), [("true", "Bearer"), ("true", "mac"), ("false", "DPoP")]
)
def test_case_27_tokens_of_another_type_are_discarded(asked, given, ksconnect, fake, browser):
    fake.edit_token_answer = lambda answer: {**answer, "token_type": given}
    visitor = browser()
    command = ksconnect.use(fake, BROWSER=visitor.program, KSCONNECT_DPOP=asked)
    assert "token type" in command("login").expect(Exit.PROTOCOL).stderr
    command("status", KSCONNECT_DPOP=None).expect(Exit.SIGN_IN)


def test_case_27_a_downgrade_on_refresh_costs_the_access_token_alone(sign_in, fake):
    command = sign_in(bound(fake), arguments=["--dpop"])
    fake.edit_token_answer = lambda answer: {**answer, "token_type": "Bearer"}
    command("refresh").expect(Exit.UNAVAILABLE)
    command("api", "GET", "/v1.2/me").expect(Exit.UNAVAILABLE)
    assert fake.requests_to("/api/v1.2/me") == [], "neither as a bearer token nor with a proof"
    bound(fake)
    command("api", "GET", "/v1.2/me").expect()
    sent = [request.form["refresh_token"] for request in fake.refresh_requests]
    assert len(set(sent)) == len(sent) == 3, "each rotated token was kept"


# Case 85: nonces


def test_case_85_a_refresh_is_repeated_once_with_the_providers_nonce(sign_in, fake):
    command = sign_in(bound(fake), arguments=["--dpop"])
    in_flight = []
    lock = threading.Lock()
    answer = in_turn(challenge("nonce-1"))

    def token(request):
        with lock:
            in_flight.append(1)
            assert sum(in_flight) == 1, "two refreshes are in flight"
        time.sleep(0.2)  # long enough for a second one to be seen
        with lock:
            in_flight.append(-1)
        return answer(request)

    fake.on[("POST", fake.TOKEN)] = token
    command("refresh").expect()
    first, second = fake.refresh_requests
    assert first.form == second.form
    proofs = [Proof(first), Proof(second)]
    assert [proof.nonce for proof in proofs] == [None, "nonce-1"]
    assert proofs[0].identifier != proofs[1].identifier
    assert proofs[0].thumbprint == proofs[1].thumbprint


def test_case_85_a_code_is_redeemed_with_the_providers_nonce(ksconnect, fake, browser):
    bound(fake).on[("POST", fake.TOKEN)] = in_turn(challenge("nonce-1"))
    visitor = browser()
    ksconnect.use(fake, BROWSER=visitor.program)("login", "--dpop").expect()
    visitor.wait_for_end()
    assert [Proof(r).nonce for r in fake.token_requests()] == [None, "nonce-1"]


@pytest.mark.parametrize(
    ("nonce", "count"),
    [("nonce-1", 2), (None, 1), ("a b", 1), ('a"b', 1), ("n" * 1025, 1), ("n" * 60000, 1)],
    ids=["good", "none", "space", "quote", "long", "huge"],
)
def test_case_85_a_provider_that_is_never_content_ends_in_an_error(nonce, count, sign_in, fake):
    command = sign_in(bound(fake), arguments=["--dpop"])
    fake.on[("POST", fake.TOKEN)] = lambda _: challenge(nonce)
    result = command("refresh").expect(Exit.CONFIGURATION)
    assert "use_dpop_nonce" in result.stderr
    assert len(fake.refresh_requests) == count
    del fake.on[("POST", fake.TOKEN)]
    command("refresh").expect()


@pytest.mark.parametrize("scheme", ["DPoP", "dPoP"])
def test_case_85_an_api_call_is_repeated_once_with_the_apis_nonce(scheme, sign_in, fake):
    command = sign_in(bound(fake), arguments=["--dpop"])
    for method, arguments in (("GET", []), ("PATCH", ["--data", "{}"])):
        path = f"/api/{method}"
        fake.on[(method, path)] = in_turn(api_challenge("nonce-2", scheme))
        command("api", method, f"/{method}", *arguments).expect()
        proofs = [Proof(request) for request in fake.requests_to(path)]
        assert [proof.nonce for proof in proofs] == [None, "nonce-2"]
        assert len({proof.identifier for proof in proofs}) == 2
        assert all(proof.claims["ath"] for proof in proofs)
    assert fake.refresh_requests == []


def test_case_85_an_api_that_is_never_content_ends_in_an_error(sign_in, fake):
    command = sign_in(bound(fake), arguments=["--dpop"])
    fake.on[("GET", "/api/me")] = lambda _: api_challenge("nonce-2")
    assert "nonce" in command("api", "GET", "/me").expect(Exit.PROTOCOL).stderr
    assert len(fake.requests_to("/api/me")) == 2
    assert fake.refresh_requests == []


def test_case_85_a_nonce_goes_to_no_other_server(sign_in, fake):
    """API and provider are one origin here, and still each has its own."""
    command = sign_in(bound(fake), arguments=["--dpop"])
    fake.on[("POST", fake.TOKEN)] = in_turn(challenge("of-the-provider"))
    fake.on[("GET", "/api/me")] = in_turn(api_challenge("of-the-api"))
    fake.expire_access_tokens()
    command("api", "GET", "/me").expect()
    # nonce, then a token that is refused, then the new one
    assert [Proof(r).nonce for r in fake.requests_to("/api/me")] == [
        None,
        "of-the-api",
        "of-the-api",
    ]
    assert [Proof(r).nonce for r in fake.refresh_requests] == [None, "of-the-provider"]


def test_case_85_two_origins_have_a_nonce_each(tmp_path_factory, sign_in):
    folder = tmp_path_factory.mktemp("demo")
    with contextlib.closing(Demo(folder, "--api-on-own-port")) as demo:
        demo.control(**NONCES)
        command = sign_in(demo, arguments=["--dpop"])
        command("whoami").expect()
        command("locks").expect()
        demo.control(revokeAllAccessTokens=True)
        command("locks").expect()


def test_case_83_neither_token_nor_proof_leaves_the_origin(sign_in, fake):
    command = sign_in(bound(fake), arguments=["--dpop"])

    class Elsewhere(RecordingServer):
        def handle(self, request):
            return Answer.json({})

    with Elsewhere() as other:
        for status in (301, 302, 303, 307, 308):
            location = f"http://127.0.0.1:{other.port}/{status}"
            fake.on[("GET", "/api/me")] = lambda _, s=status, to=location: Answer.redirect(to, s)
            command("api", "GET", "/me").expect(Exit.API_REFUSED)
        fake.on[("POST", fake.TOKEN)] = lambda _: Answer.redirect(
            f"http://127.0.0.1:{other.port}/token", 307
        )
        command("refresh").expect(Exit.UNAVAILABLE)
        assert other.connections == 0


def test_a_persons_own_dpop_header_is_refused(sign_in, fake):
    command = sign_in(fake)
    command("api", "GET", "/me", "--header", "DPoP: forged").expect(Exit.USAGE)
    assert fake.requests_to("/api/me") == []


# The refresh protocol is as it was


@pytest.mark.parametrize("point", FAIL_POINTS)
def test_case_66_a_kill_costs_a_bound_session_nothing_where_there_is_grace(point, sign_in, demo):
    demo.control(graceSeconds=60, tokenLatencyAfterMilliseconds=120, **NONCES)
    command = sign_in(demo, arguments=["--dpop"])
    assert command("refresh", KSCONNECT_FAILPOINT=point).code == KILLED
    command("refresh").expect()
    command("api", "GET", "/v1.2/me").expect()


@pytest.mark.parametrize("kind", ["dropBefore", "dropAfterCommit", "halfBody"])
def test_case_65_a_lost_answer_is_replayed_with_a_new_proof(kind, sign_in, demo):
    demo.control(graceSeconds=60, **NONCES)
    command = sign_in(demo, arguments=["--dpop"])
    demo.control(tokenFaults=[{"kind": kind}])
    command("refresh").expect()
    command("api", "GET", "/v1.2/me").expect()


def test_case_59_many_processes_send_one_refresh_and_its_repeat(sign_in, fake):
    fake.token_seconds = 1
    command = sign_in(bound(fake), arguments=["--dpop"])
    fake.token_seconds = 3600
    time.sleep(1.5)
    fake.on[("POST", fake.TOKEN)] = in_turn(challenge("nonce-1"))
    running = [command.start("token") for _ in range(12)]
    results = [run.finish(timeout=100) for run in running]
    assert [result.code for result in results] == [Exit.DONE] * 12
    assert len({result.stdout for result in results}) == 1
    assert [Proof(r).nonce for r in fake.refresh_requests] == [None, "nonce-1"]


def test_a_new_sealing_key_or_another_vault_takes_the_key_along(sign_in, demo, canaries):
    command = sign_in(demo, arguments=["--dpop"])
    passphrase = "seven-lamps-and-a-stair"
    canaries.add(passphrase)
    command = command.with_settings(KSCONNECT_PASSPHRASE_FD=0)
    for arguments in (["rotate-key"], ["move", "--to", "passphrase"]):
        command("vault", *arguments, stdin=passphrase + "\n").expect()
        command("refresh", stdin=passphrase + "\n").expect()
        command("api", "GET", "/v1.2/me", stdin=passphrase + "\n").expect()
    command("logout", stdin=passphrase + "\n").expect()


# G1


def test_case_107_the_key_lies_nowhere_in_the_clear(home, empty_bus, canaries, demo, browser):
    """The test owns the credential that seals the store, and so knows the key to look for."""
    credential = bytes(range(100, 132))
    folder = home.root / "credentials"
    folder.mkdir(mode=0o700)
    (folder / "ksconnect.key").write_bytes(credential)
    (folder / "ksconnect.key").chmod(0o600)
    demo.control(**NONCES)
    visitor = browser(demo.user)
    command = Ksconnect(home, empty_bus.environment, canaries).use(
        demo,
        BROWSER=visitor.program,
        KSCONNECT_VAULT="credential",
        CREDENTIALS_DIRECTORY=folder,
        KSCONNECT_LOG_LEVEL="trace",
    )
    said = [command("login", "--dpop").expect()]
    visitor.wait_for_end()
    key = private_key_in(home.database, credential)
    canaries.add(key)
    # It is the one: its public half is what the browser was sent off with.
    private = ec.derive_private_key(int.from_bytes(key, "big"), ec.SECP256R1())
    assert thumbprint(public_jwk(private)) in visitor.log.read_text()
    for arguments in (
        ["status", "--json"],
        ["token", "--json"],
        ["refresh"],
        ["api", "GET", "/v1.2/me", "-vv", "--include"],
        ["whoami"],
        ["vault", "status"],
        ["doctor"],
    ):
        said.append(command(*arguments))
    for result in said:
        assert canaries.found_in(key_free(result)) == [], result.arguments
    assert canaries.found_in(b"x" + key + b"x"), "or nothing would have been found"
    assert key == private_key_in(home.database, credential), "a refresh keeps it"
    command("api", "GET", "/v1.2/nowhere").expect(Exit.API_REFUSED)
    demo.control(tokenFaults=[{"kind": "status", "status": 400, "error": "invalid_request"}])
    command("refresh").expect(Exit.CONFIGURATION)
    command("logout").expect()
    assert canaries.found_under(home.root, except_for=[home.root / "browser"]) == {}


def key_free(result):
    """All that was printed; an access token is what `token` is for."""
    printed = "" if "token" in result.arguments else result.stdout
    return (printed + result.stderr).encode()


# A provider that nobody here wrote


@pytest.mark.interop
@pytest.mark.parametrize("client", ["public", "confidential"])
def test_case_85_glewlwyd_takes_the_proofs_and_gives_nonces(client, glewlwyd, sign_in, canaries):
    redirect_port = free_port()
    glewlwyd.allow_redirect(client, f"http://localhost:{redirect_port}/callback")
    seen = []
    glewlwyd.tap.after = lambda request, answer: seen.append((request, answer))
    try:
        bound_story(glewlwyd, client, redirect_port, sign_in, canaries)
    finally:
        glewlwyd.tap.after = lambda request, answer: None
    tokens = [(r, a) for r, a in seen if r.method == "POST" and r.path.endswith("/token")]
    refused = [r for r, a in tokens if b"use_dpop_nonce" in a]
    proofs = [Proof(request) for request, _ in tokens]
    assert refused and len(tokens) == 2 + len(refused)
    assert len({proof.identifier for proof in proofs}) == len(proofs)
    assert len({proof.thumbprint for proof in proofs}) == 1
    calls = [r for r, _ in seen if r.path.endswith(glewlwyd.userinfo_path)]
    assert {r.header("authorization").split(" ")[0] for r in calls} == {"DPoP"}


def bound_story(glewlwyd, client, redirect_port, sign_in, canaries):
    command = sign_in(glewlwyd, client, redirect_port, arguments=["--dpop"])
    first = command("token", "--json").expect().json
    canaries.add(first["accessToken"])
    assert first["tokenType"] == "DPoP"
    subject = command("whoami", "--json").expect().json["sub"]
    command("refresh").expect()
    assert command("whoami", "--json").expect().json["sub"] == subject
    command("logout").expect()
