"""Canaries: every secret that a provider has given away or been sent, to be looked for (G1)."""

import base64
import json
import pathlib
import urllib.parse

# Shorter texts come up by chance.
CANARY_LENGTH_MIN = 8

SECRET_FIELDS = (
    "access_token",
    "refresh_token",
    "id_token",
    "code",
    "code_verifier",
    "client_secret",
    "device_code",
    "token",
)


class Canaries:
    """The secrets of one test. Sources are functions that tell what they know by then."""

    def __init__(self):
        self.sources = []

    def add_source(self, source):
        self.sources.append(source)

    def add(self, *secrets):
        self.sources.append(lambda: secrets)

    def all(self):
        known = {secret for source in self.sources for secret in source()}
        return sorted((secret for secret in known if len(secret) >= CANARY_LENGTH_MIN), key=repr)

    def found_in(self, data):
        """The canaries in some bytes, in any shape they travel in, cut short for a report."""
        found = []
        for secret in self.all():
            if any(shape in data for shape in shapes(secret)):
                found.append(f"{secret[:4]!r}…({len(secret)} long)")
        return found

    def found_under(self, folder, except_for=()):
        """The canaries in the files of a folder, each with the file's path."""
        excluded = [pathlib.Path(path) for path in except_for]
        found = {}
        for path in sorted(pathlib.Path(folder).rglob("*")):
            if any(path.is_relative_to(other) for other in excluded):
                continue
            if path.is_file() and not path.is_symlink():
                here = self.found_in(path.read_bytes())
                if here:
                    found[str(path)] = here
        return found


def shapes(secret):
    """A secret, a text or bytes, as it is, form-encoded, in both kinds of base64 in their three
    alignments, and in hexadecimal."""
    raw = secret if isinstance(secret, bytes) else secret.encode()
    yield raw
    yield urllib.parse.quote_plus(secret).encode()
    yield raw.hex().encode()
    for lead in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            # The first and last groups depend on what stands around the secret.
            yield encode(b"\0" * lead + raw)[4:-4]


def secrets_in_exchange(request_body, answer_body, authorization=None):
    """The secrets in a form that was sent and in the JSON that came back."""
    form = dict(urllib.parse.parse_qsl(request_body.decode("latin-1")))
    yield from (form[name] for name in SECRET_FIELDS if name in form)
    try:
        answer = json.loads(answer_body)
    except (ValueError, RecursionError):
        answer = None
    if isinstance(answer, dict):
        yield from (answer[name] for name in SECRET_FIELDS if isinstance(answer.get(name), str))
    if authorization and authorization.startswith("Basic "):
        yield authorization.removeprefix("Basic ")
