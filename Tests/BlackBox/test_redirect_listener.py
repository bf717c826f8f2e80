"""The loopback redirect, against everything that may knock before the person's browser does."""

import os
import pathlib
import socket
import urllib.parse

import pytest
from harness.command import Exit
from harness.wire import NoAnswer, free_port


@pytest.fixture
def sign_in_with(ksconnect, fake, browser):
    """Signs in through a browser that follows a plan at the redirect URI; returns the browser."""

    def sign_in_with(*plan):
        visitor = browser(plan=plan)
        ksconnect.use(fake, BROWSER=visitor.program)("login").expect()
        visitor.wait_for_end()
        assert len(fake.token_requests("authorization_code")) == 1
        return visitor

    return sign_in_with


def statuses(visitor, method=None, path=None):
    """The statuses at the redirect listener, in order."""
    redirect = urllib.parse.parse_qs(urllib.parse.urlsplit(visitor.authorize_url).query)
    origin = redirect["redirect_uri"][0].removesuffix("/callback")
    return [
        visit["status"]
        for visit in visitor.visits
        if visit.get("url", "").startswith(origin)
        and method in (None, visit.get("method"))
        and path in (None, urllib.parse.urlsplit(visit["url"]).path)
    ]


def test_case_1_idle_connections_do_not_hold_up_the_real_redirect(sign_in_with):
    visitor = sign_in_with("idle_connections")
    assert statuses(visitor) == [200]


def test_case_2_stray_requests_get_404_and_the_listener_stays(sign_in_with):
    visitor = sign_in_with("stray_requests")
    assert statuses(visitor) == [404, 404, 404, 404, 200]


def test_case_3_other_methods_get_405_and_use_nothing_up(sign_in_with):
    visitor = sign_in_with("other_methods")
    assert statuses(visitor) == [405, 405, 405, 200]


def test_case_4_a_thousand_wrong_states_cost_nothing(sign_in_with, fake):
    visitor = sign_in_with("wrong_state")
    assert statuses(visitor) == [400, 200]
    assert "forged" not in visitor.visits[-3]["body"]
    [request] = fake.token_requests("authorization_code")
    assert not request.form["code"].startswith("forged")


def test_case_5_an_error_of_another_process_is_ignored(sign_in_with):
    visitor = sign_in_with("foreign_errors")
    assert statuses(visitor) == [400, 400, 200]


def test_case_6_a_redirect_delivered_twice_is_exchanged_once(sign_in_with):
    visitor = sign_in_with("twice_at_once", "stay_away")
    assert sorted(statuses(visitor))[0] == 200


def test_case_7_a_foreign_host_is_refused(sign_in_with):
    visitor = sign_in_with("foreign_hosts")
    refused, accepted = statuses(visitor)[:-1], statuses(visitor)[-1]
    assert accepted == 200
    assert len(refused) == 4 and set(refused) <= {400, 421}


def test_case_8_only_loopback_is_listened_on(ksconnect, fake, browser):
    port = free_port()
    visitor = browser(plan=["stay_away"])
    running = ksconnect.use(fake, redirect_port=port, BROWSER=visitor.program).start("login")
    visitor.wait_for_end()
    try:
        addresses = listening_addresses(port)
    finally:
        running.kill()
        running.process.communicate()
    loopback = {"0100007F", "00000000000000000000000001000000"}
    assert addresses == loopback or (addresses == {"0100007F"} and not has_ipv6_loopback())


def listening_addresses(port):
    """The addresses of listening sockets on a port, as the kernel writes them."""
    listening = "0A"
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in pathlib.Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            address, _, hex_port = fields[1].partition(":")
            if int(hex_port, 16) == port and fields[3] == listening:
                found.add(address)
    return found


def has_ipv6_loopback():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        return True
    except OSError:
        return False


@pytest.mark.skipif(os.getuid() != 0, reason="only root can act as another user")
def test_case_11_another_user_of_the_machine_is_refused(sign_in_with, fake):
    visitor = sign_in_with("foreign_user")
    [answer] = [visit["foreign"] for visit in visitor.visits if "foreign" in visit]
    assert answer != 200
    [request] = fake.token_requests("authorization_code")
    assert not request.form["code"].startswith("foreign")


def test_case_12_the_result_page_echoes_nothing_and_is_closed(sign_in_with):
    page = sign_in_with().result_page
    headers = {name.lower(): value for name, value in page["headers"].items()}
    assert "no-store" in headers["cache-control"]
    assert headers["referrer-policy"] == "no-referrer"
    assert "default-src 'none'" in headers["content-security-policy"]
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(page["url"]).query)
    for values in query.values():
        assert values[0] not in page["body"]


def test_case_12_success_is_said_only_once_the_tokens_are_durable(ksconnect, fake, browser):
    def hang_up(_):
        raise NoAnswer

    fake.on[("POST", fake.TOKEN)] = hang_up
    visitor = browser()
    ksconnect.use(fake, BROWSER=visitor.program)("login").expect(Exit.UNAVAILABLE)
    assert visitor.result_page["status"] != 200 or "signed in" not in (
        visitor.result_page["body"].lower()
    )


def test_case_14_malformed_requests_are_refused_and_the_real_one_counts(sign_in_with):
    visitor = sign_in_with("raw_bytes")
    for visit in (visit for visit in visitor.visits if "raw" in visit):
        assert not visit["answer"].startswith("HTTP/1.1 200"), visit["raw"]
    assert statuses(visitor) == [200]


def test_case_14_a_request_of_one_byte_segments_is_read(sign_in_with):
    visitor = sign_in_with("byte_by_byte", "stay_away")
    assert statuses(visitor) == [200]


def test_the_port_is_free_right_after_a_sign_in(ksconnect, fake, browser):
    port = free_port()
    for _ in range(2):
        visitor = browser()
        command = ksconnect.use(fake, redirect_port=port, BROWSER=visitor.program)
        command("login").expect()
        command("logout").expect()
