"""TLS that must be refused, cleartext that must not be sent, answers that must not be read on."""

import datetime
import gzip
import ipaddress
import ssl
import sys

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from harness.command import Exit
from harness.fake_provider import FakeProvider
from harness.wire import Answer

NOW = datetime.datetime.now(datetime.timezone.utc)
DAY = datetime.timedelta(days=1)


def certificate(folder, names, starts=NOW - DAY, ends=NOW + DAY):
    """A self-signed certificate for some names; returns a TLS context that shows it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(starts)
        .not_valid_after(ends)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    signed = builder.sign(key, hashes.SHA256())
    (folder / "certificate.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    return context


RIGHT_NAME = [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
CERTIFICATES = {
    "self-signed": {"names": RIGHT_NAME},
    "expired": {"names": RIGHT_NAME, "starts": NOW - 3 * DAY, "ends": NOW - DAY},
    "wrong address": {"names": [x509.IPAddress(ipaddress.ip_address("127.0.0.2"))]},
    "wrong host": {"names": [x509.DNSName("other.example")]},
    "common name only": {"names": []},
}


@pytest.mark.parametrize("kind", CERTIFICATES)
def test_case_113_a_bad_certificate_is_refused_before_a_request_is_sent(
    kind, ksconnect, browser, tmp_path
):
    tls = certificate(tmp_path, **CERTIFICATES[kind])
    with FakeProvider(tls=tls) as provider:
        visitor = browser()
        command = ksconnect.use(provider, BROWSER=visitor.program)
        command("login").expect(Exit.UNAVAILABLE)
        assert provider.connections > 0
        assert provider.requests == []
        assert not visitor.was_opened


def test_case_114_an_old_protocol_is_refused(ksconnect, browser, tmp_path):
    tls = certificate(tmp_path, RIGHT_NAME)
    tls.set_ciphers("ALL:@SECLEVEL=0")
    tls.minimum_version = ssl.TLSVersion.TLSv1
    tls.maximum_version = ssl.TLSVersion.TLSv1_1
    with FakeProvider(tls=tls) as provider:
        command = ksconnect.use(provider, BROWSER=browser().program)
        command("login").expect(Exit.UNAVAILABLE)
        assert provider.requests == []


def test_case_115_no_endpoint_is_asked_in_clear_outside_loopback(ksconnect, fake, browser):
    elsewhere = "http://token.example/connect/token"
    fake.edit_metadata = lambda metadata: {**metadata, "token_endpoint": elsewhere}
    visitor = browser()
    ksconnect.use(fake, BROWSER=visitor.program)("login").expect(Exit.PROTOCOL)
    assert not visitor.was_opened


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_case_31_a_redirect_of_the_token_endpoint_is_not_followed(status, signed_in, fake):
    with FakeProvider() as other:
        target = other.issuer + other.TOKEN
        fake.on[("POST", fake.TOKEN)] = lambda _: Answer.redirect(target, status)
        result = signed_in("refresh")
        assert result.code in (Exit.UNAVAILABLE, Exit.PROTOCOL)
        assert other.connections == 0
    fake.on.clear()
    signed_in("refresh").expect()


def test_the_token_does_not_follow_a_redirect_of_the_api(signed_in, fake):
    with FakeProvider() as other:
        target = other.issuer + "/api/v1.2/me"
        fake.on[("GET", "/api/v1.2/me")] = lambda _: Answer.redirect(target)
        signed_in("api", "GET", "/v1.2/me").expect(Exit.API_REFUSED)
        assert other.connections == 0


def test_case_116_loopback_is_never_asked_through_a_proxy(signed_in, fake):
    with FakeProvider() as proxy:
        address = f"http://127.0.0.1:{proxy.port}"
        names = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy")
        proxied = signed_in.with_settings(**dict.fromkeys(names, address))
        proxied("refresh").expect()
        proxied("api", "GET", "/v1.2/me").expect()
        assert proxy.connections == 0


def endless(request):
    """More than the cap, in a body that says it is short of nothing."""
    return Answer(body=b'{"a":"' + b"x" * (8 << 20) + b'"}')


def inflating(request):
    """50 MB in 50 KB."""
    body = gzip.compress(b'{"a":"' + b" " * (50 << 20) + b'"}')
    return Answer(body=body, headers={"Content-Encoding": "gzip"})


def deep(request):
    return Answer(body=b"[" * 100_000 + b"]" * 100_000)


LARGE = {"endless": endless, "inflating": inflating, "deep": deep}


@pytest.mark.parametrize("answer", LARGE)
def test_case_118_a_large_answer_to_discovery(answer, ksconnect, fake, browser):
    fake.on[("GET", fake.DISCOVERY)] = LARGE[answer]
    visitor = browser()
    command = ksconnect.use(fake, BROWSER=visitor.program)
    usual = peak_megabytes(command, "doctor")
    assert peak_megabytes(command, "login", expected=Exit.PROTOCOL) < usual + 16
    assert not visitor.was_opened


@pytest.mark.parametrize("answer", LARGE)
def test_case_118_a_large_answer_to_a_refresh_keeps_the_session(answer, signed_in, fake):
    fake.on[("POST", fake.TOKEN)] = LARGE[answer]
    result = signed_in("refresh")
    assert result.code in (Exit.PROTOCOL, Exit.UNAVAILABLE)
    signed_in("status").expect()


def test_case_118_an_id_token_of_a_million_dots(ksconnect, fake, browser):
    fake.edit_token_answer = lambda answer: {**answer, "id_token": "." * 1_000_000}
    command = ksconnect.use(
        fake, BROWSER=browser().program, KSCONNECT_SCOPE="openid offline_access"
    )
    command("login").expect(Exit.PROTOCOL)


def test_case_118_ten_thousand_keys_with_one_id(ksconnect, fake, browser):
    usual = fake.key.public_jwk
    decoys = [{**usual, "n": usual["n"][::-1]} for _ in range(2000)]
    fake.on[("GET", fake.JWKS)] = lambda _: Answer.json({"keys": decoys})
    command = ksconnect.use(
        fake, BROWSER=browser().program, KSCONNECT_SCOPE="openid offline_access"
    )
    result = command("login").expect(Exit.PROTOCOL)
    assert result.seconds < 10


# The kernel counts a parent's memory to its child until exec, so the parent must be a small one.
MEASURE = """
import os, resource, subprocess, sys
status = subprocess.run(sys.argv[2:]).returncode
open(sys.argv[1], "w").write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(status)
"""


def peak_megabytes(command, *arguments, expected=None):
    """The most memory that a run had."""
    report = command.home.root / "peak"
    wrapper = [sys.executable, "-S", "-c", MEASURE, report]
    result = command.start(*arguments, wrapper=wrapper).finish()
    if expected is not None:
        result.expect(expected)
    return int(report.read_text()) / 1024
