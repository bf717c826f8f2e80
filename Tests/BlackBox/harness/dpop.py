"""Proofs of possession (RFC 9449): judged on their own, made as a thief would, and the key itself
taken out of a store whose data key is known."""

import base64
import hashlib
import json
import sqlite3
import time
import uuid

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .jose import encode


class Proof:
    """The proof of a request, its signature checked against the key that it brings."""

    def __init__(self, request):
        text = request.header("dpop")
        assert text, f"no proof in {request.line}"
        header, claims, signature = text.split(".")
        self.header = json.loads(decode(header))
        self.claims = json.loads(decode(claims))
        assert self.header["typ"] == "dpop+jwt" and self.header["alg"] == "ES256"
        jwk = self.header["jwk"]
        assert set(jwk) == {"kty", "crv", "x", "y"}, "the public half and nothing else"
        raw = decode(signature)
        r, s = (int.from_bytes(half, "big") for half in (raw[:32], raw[32:]))
        public_key(jwk).verify(
            utils.encode_dss_signature(r, s),
            f"{header}.{claims}".encode(),
            ec.ECDSA(hashes.SHA256()),
        )
        assert self.claims["htm"] == request.method
        assert self.claims["htu"].endswith(request.path)
        self.thumbprint = thumbprint(jwk)
        self.nonce = self.claims.get("nonce")
        self.identifier = self.claims["jti"]


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def public_key(jwk):
    x, y = (int.from_bytes(decode(jwk[name]), "big") for name in "xy")
    return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()


def public_jwk(private):
    numbers = private.public_key().public_numbers()
    x, y = (encode(number.to_bytes(32, "big")) for number in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y}


def thumbprint(jwk):
    """RFC 7638."""
    members = {name: jwk[name] for name in sorted(("crv", "kty", "x", "y"))}
    text = json.dumps(members, separators=(",", ":"))
    return encode(hashlib.sha256(text.encode()).digest())


def thiefs_proof(method, url, access_token):
    """A proof that is right in all but the key."""
    private = ec.generate_private_key(ec.SECP256R1())
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": public_jwk(private)}
    claims = {
        "jti": str(uuid.uuid4()),
        "htm": method,
        "htu": url,
        "iat": int(time.time()),
        "ath": encode(hashlib.sha256(access_token.encode()).digest()),
    }
    signed = ".".join(encode(json.dumps(part).encode()) for part in (header, claims))
    r, s = utils.decode_dss_signature(private.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{signed}.{encode(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def private_key_in(database, credential):
    """The session's key, opened as docs/decisions/0007 and 0009 say, by the credential's owner."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row
    [store] = connection.execute("SELECT store_id FROM store")
    [row] = connection.execute("SELECT * FROM session")
    connection.close()
    data_key = HKDF(
        hashes.SHA256(),
        length=32,
        salt=store["store_id"].encode(),
        info=f"ksconnect.credential.1:{row['key_id']}".encode(),
    ).derive(credential)
    place = b"".join(
        len(part).to_bytes(8, "big") + part
        for part in (
            b"ksconnect.seal.1",
            row["account"],
            row["issuer"].encode(),
            b"dpopKey",
            row["session_id"].encode(),
            str(row["generation"]).encode(),
            row["key_id"].encode(),
            client_digest(row),
        )
    )
    sealed = row["sealed_dpop_key"]
    try:
        return AESGCM(data_key).decrypt(sealed[:12], sealed[12:], place)
    except InvalidTag:
        raise AssertionError("the key is not sealed where the documents say") from None


CLIENT_COLUMNS = (
    "issuer client_id client_auth asked_scope redirect_uri api_base prompt "
    "authorization_endpoint token_endpoint jwks_endpoint userinfo_endpoint revocation_endpoint "
    "end_session_endpoint id_token_algorithms uses_dpop"
).split()


def client_digest(row):
    parts = []
    for name in CLIENT_COLUMNS:
        value = row[name]
        parts.append(name)
        if value is None:
            parts.append("null")
        elif isinstance(value, int):
            parts += ["int", str(value)]
        else:
            parts += ["text", value]
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part.encode()).to_bytes(8, "big") + part.encode())
    return digest.digest()
