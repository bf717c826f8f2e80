"""`api`: lists of many pages, bodies from anywhere, and header fields that are nobody's business."""

import json
import os
import subprocess
import threading

import pytest
from harness.bulk import BulkServer
from harness.command import Exit
from harness.wire import Answer, NoAnswer

SITES = "/api/v1.2/sites"
GIBIBYTE = 1 << 30


def pages(fake, *answers):
    """Each page links to the next; the last to none."""
    asked = []

    def page(request):
        number = int(request.query.partition("=")[2] or 0)
        asked.append(number)
        answer = answers[number]
        if callable(answer):
            return answer(request)
        link = f"{SITES}?p={number + 1}" if number + 1 < len(answers) else None
        return Answer.json({"items": answer, "next_page_link": link})

    fake.on["GET", SITES] = page
    return asked


def paginate(command):
    return command("api", "GET", "/v1.2/sites", "--paginate")


# Lists


def test_all_pages_make_one_array_with_every_value_as_it_came(signed_in, fake):
    items = [{"id": "a", "n": 1.50, "x": None}, {"é": '"\\\n'}, 3]
    pages(fake, items[:1], [], items[1:])
    assert paginate(signed_in).expect().json == items


def test_a_bare_array_and_an_empty_list_are_arrays(signed_in, fake):
    fake.on["GET", SITES] = lambda _: Answer.json([{"id": "a"}])
    assert paginate(signed_in).expect().json == [{"id": "a"}]
    pages(fake, [])
    assert paginate(signed_in).expect().json == []
    pages(fake, [], [])
    assert paginate(signed_in).expect().json == []


def test_items_are_printed_before_the_next_page_is_asked_for(signed_in, fake):
    go_on = threading.Event()

    def second(_):
        go_on.wait(60)
        return Answer.json({"items": [2]})

    pages(fake, [1], second)
    running = signed_in.start("api", "GET", "/v1.2/sites", "--paginate")
    first = os.read(running.process.stdout.fileno(), 100)
    go_on.set()
    assert first == b"[1", "it came while the second page was kept back"
    assert json.loads(first.decode() + running.finish().expect().stdout) == [1, 2]


def lost(_):
    raise NoAnswer


BROKEN = {
    "refused": (lambda _: Answer.json({"Message": "no"}, status=400), Exit.API_REFUSED),
    "overloaded": (lambda _: Answer(503), Exit.API_REFUSED),
    "lost": (lost, Exit.UNAVAILABLE),
    "no JSON": (lambda _: Answer(body=b"<html>"), Exit.PROTOCOL),
    "no list": (lambda _: Answer.json({"id": "a"}), Exit.PROTOCOL),
    "too large": (lambda _: Answer(body=b"[" + b"1," * (1 << 20) + b"1]"), Exit.PROTOCOL),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_later_page_that_fails_leaves_an_array_that_nobody_takes_for_whole(how, signed_in, fake):
    answer, code = BROKEN[how]
    pages(fake, [{"id": "a"}], answer)
    result = paginate(signed_in).expect(code)
    assert result.stdout == '[{"id":"a"}'
    with pytest.raises(json.JSONDecodeError):
        json.loads(result.stdout)


def test_a_first_page_that_is_refused_is_shown_as_without_paginate(signed_in, fake):
    refused = Answer.json({"Message": "no"}, status=400)
    fake.on["GET", SITES] = lambda _: refused
    assert paginate(signed_in).expect(Exit.API_REFUSED).stdout.encode() == refused.body


def test_pages_in_a_circle_are_an_error(signed_in, fake):
    fake.on["GET", SITES] = lambda _: Answer.json({"items": [1], "next_page_link": SITES})
    result = paginate(signed_in).expect(Exit.PROTOCOL)
    assert "lead back to themselves" in result.stderr and result.stdout == "[1"
    assert len(fake.requests_to(SITES)) == 1


@pytest.mark.parametrize(
    "link",
    [
        "https://elsewhere.example/x",
        "//elsewhere.example/x",
        "http://127.0.0.1:1/x",
        "file:///etc/passwd",
        "x",
    ],
)
def test_case_83_a_link_off_the_origin_is_not_followed(link, signed_in, fake):
    pages(fake, [1], lambda _: Answer.json({"items": [2], "next_page_link": link}))
    result = paginate(signed_in).expect(Exit.PROTOCOL)
    assert "outside the API's origin" in result.stderr
    assert result.stdout == "[1", "the page that leads astray is left out"


def test_case_84_another_origin_is_refused_before_a_token_is_read(signed_in, fake, keyring):
    keyring.lock()  # a token could not be read
    for target in ("https://elsewhere.example/x", "//elsewhere.example/x", "/../x"):
        signed_in("api", "GET", target).expect(Exit.USAGE)
    signed_in("api", "GET", "/v1.2/me").expect(Exit.STORE)


# Bodies


def echo(fake):
    fake.on["PUT", "/api/x"] = lambda request: Answer(body=request.body, type="text/plain")


@pytest.mark.parametrize("data", ["@{missing}", "@{folder}", "@"])
def test_a_body_that_cannot_be_read_is_told_and_nothing_is_sent(data, signed_in, fake, tmp_path):
    data = data.format(missing=tmp_path / "none", folder=tmp_path)
    before = len(fake.requests)
    result = signed_in("api", "PUT", "/x", "--data", data).expect(Exit.USAGE)
    assert "the body cannot be read" in result.stderr
    assert len(fake.requests) == before


def test_a_pipe_an_empty_file_and_an_empty_stdin_are_bodies(signed_in, fake, tmp_path):
    echo(fake)
    fifo, empty = tmp_path / "fifo", tmp_path / "empty"
    os.mkfifo(fifo)
    empty.touch()
    writer = threading.Thread(target=lambda: fifo.write_bytes(b"from a pipe"), daemon=True)
    writer.start()
    assert signed_in("api", "PUT", "/x", "--data", f"@{fifo}").expect().stdout == "from a pipe"
    assert signed_in("api", "PUT", "/x", "--data", f"@{empty}").expect().stdout == ""
    assert signed_in("api", "PUT", "/x", "--data", "-", stdin="").expect().stdout == ""
    assert signed_in("api", "PUT", "/x", "--data", "").expect().stdout == ""


def refuse_once(fake, path="/api/x"):
    """A 401 for the first request, and the length of the body for the next."""

    def handle(request):
        if len(fake.requests_to(path)) == 1:
            return Answer.json({}, status=401)
        return Answer.json(len(request.body))

    fake.on["PUT", path] = handle


@pytest.mark.parametrize("source", ["file", "short pipe"])
def test_case_82_a_file_or_a_short_pipe_is_resent_whole_after_a_401(
    source, signed_in, fake, tmp_path
):
    refuse_once(fake)
    body = "x" * (3 << 20 if source == "file" else 1000)
    (tmp_path / "body").write_text(body)
    if source == "file":
        result = signed_in("api", "PUT", "/x", "--data", f"@{tmp_path / 'body'}")
    else:
        result = signed_in("api", "PUT", "/x", "--data", "-", stdin=body)
    assert result.expect().json == len(body)
    assert [len(request.body) for request in fake.requests_to("/api/x")] == [len(body)] * 2


def test_case_82_a_long_pipe_is_sent_once_and_a_401_says_so(signed_in, fake):
    refuse_once(fake)
    result = signed_in("api", "PUT", "/x", "--data", "-", stdin="x" * (3 << 20))
    assert "the body is gone" in result.expect(Exit.API_REFUSED).stderr
    assert len(fake.requests_to("/api/x")) == 1
    result = signed_in("api", "PUT", "/x", "--data", "-", stdin="x" * (3 << 20))
    assert result.expect().json == 3 << 20


@pytest.mark.parametrize("source", ["file", "stdin"])
def test_a_gibibyte_is_sent_and_never_in_memory(source, sign_in, fake, tmp_path):
    """The peak is the kernel's word: no limit of this test's stops the command's runtime."""
    with open(tmp_path / "body", "wb") as file:
        file.truncate(GIBIBYTE)  # a hole: no disk is needed
    with BulkServer(GIBIBYTE) as server:
        api = server.url.removesuffix("/bulk")
        command = sign_in(fake, KSCONNECT_API_URL=api)
        small = peak_kib(command, ["PUT", "/bulk", "--data", "x"])
        if source == "file":
            large = peak_kib(command, ["PUT", "/bulk", "--data", f"@{tmp_path / 'body'}"])
        else:
            with open(tmp_path / "body", "rb") as file:
                cat = subprocess.Popen(["cat"], stdin=file, stdout=subprocess.PIPE)
            large = peak_kib(command, ["PUT", "/bulk", "--data", "-"], stdin=cat.stdout)
            cat.stdout.close()
            cat.wait(10)
        assert server.seen == [1, GIBIBYTE]
    assert large - small <= 16 << 10, (small, large)


def peak_kib(command, arguments, stdin=subprocess.DEVNULL):
    """The peak of resident memory of one run that ends well."""
    running = command.start("api", *arguments, "--timeout", 110, stdin=stdin)
    _, errors = running.process.stdout.read(), running.process.stderr.read()
    _, status, usage = os.wait4(running.pid, 0)
    running.process.returncode = os.waitstatus_to_exitcode(status)
    assert status == 0, errors.decode()
    return usage.ru_maxrss


def test_case_82_a_401_before_the_body_was_read(sign_in, fake, tmp_path):
    """The API refuses on the head alone and reads nothing of the body; then takes the whole."""
    size = 32 << 20
    with open(tmp_path / "body", "wb") as file:
        file.truncate(size)
    with BulkServer(size, refusals=1) as server:
        api = server.url.removesuffix("/bulk")
        command = sign_in(fake, KSCONNECT_API_URL=api)
        command("api", "PUT", "/bulk", "--data", f"@{tmp_path / 'body'}").expect()
        assert server.seen == [size], "once refused, once whole, nothing in between"
        assert len(fake.refresh_requests) == 1


def test_case_82_a_401_before_a_stream_was_read_is_not_answered_with_its_rest(sign_in, fake):
    with BulkServer(0, refusals=1) as server:
        api = server.url.removesuffix("/bulk")
        command = sign_in(fake, KSCONNECT_API_URL=api)
        result = command("api", "PUT", "/bulk", "--data", "-", stdin="x" * (32 << 20))
        assert "the body is gone" in result.expect(Exit.API_REFUSED).stderr
        assert server.seen == [] and server.connections == 1


# Header fields


@pytest.mark.parametrize(
    "header",
    [
        "X-A: b\r\nX-Injected: c",
        "X-A: b\nX-Injected: c",
        "X-A\r\nX-Injected: c",
        "no colon",
        ": no name",
        "two words: x",
        "Authorization: Bearer mine",
        "authorization: Bearer mine",
        "Host: elsewhere.example",
        "Content-Length: 3",
        "Transfer-Encoding: chunked",
        "Expect: 100-continue",
        "DPoP: x",
    ],
)
def test_a_header_field_that_would_change_the_request_is_refused(header, signed_in, fake):
    before = len(fake.requests)
    signed_in("api", "GET", "/v1.2/me", "--header", header).expect(Exit.USAGE)
    assert len(fake.requests) == before


def test_a_cookie_is_sent_as_given_and_none_is_kept(signed_in, fake):
    fake.on["GET", "/api/x"] = lambda _: Answer(body=b"1", headers={"Set-Cookie": "a=kept; Path=/"})
    signed_in("api", "GET", "/x", "--header", "Cookie: a=1; b=2").expect()
    signed_in("api", "GET", "/x").expect()
    first, second = fake.requests_to("/api/x")
    assert first.header("cookie") == "a=1; b=2" and second.header("cookie") is None


def test_include_shows_status_and_fields_before_the_body(signed_in, fake):
    fake.on["GET", "/api/x"] = lambda _: Answer(418, b"short", headers={"X-Test": "yes"})
    result = signed_in("api", "GET", "/x", "--include").expect(Exit.API_REFUSED)
    head, _, body = result.stdout.partition("\n\n" if "\r" not in result.stdout else "\r\n\r\n")
    assert head.startswith("HTTP/1.1 418") and "X-Test: yes" in head
    assert body == "short"
