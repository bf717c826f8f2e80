"""Just enough JOSE to sign an ID token, well or badly (RFC 7515, RFC 7518)."""

import base64
import json

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa


class Key:
    """An RSA key with its key id."""

    def __init__(self, private, kid):
        self.private = private
        self.kid = kid

    @property
    def public_jwk(self):
        numbers = self.private.public_key().public_numbers()
        return {
            "kty": "RSA",
            "use": "sig",
            "alg": "RS256",
            "kid": self.kid,
            "n": encode(numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big")),
            "e": encode(numbers.e.to_bytes(3, "big")),
        }


def new_key(kid):
    return Key(rsa.generate_private_key(public_exponent=65537, key_size=2048), kid)


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def sign(claims, key, header=None):
    header = {"alg": "RS256", "kid": key.kid, **(header or {})}
    signed = f"{encode(json.dumps(header).encode())}.{encode(json.dumps(claims).encode())}"
    signature = key.private.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{signed}.{encode(signature)}"
