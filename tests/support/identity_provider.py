"""An identity provider over HTTP: says who it is, sends browsers back with codes, and signs ID tokens, also wrong ones."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.support.http_server import LocalServer, QuietHandler

CLIENT, SECRET = "longhaul", "a secret of two"


class IdentityProvider:
    """Lets in whom `claims` describe. wrong: what it does otherwise than it should, by name."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "one"})
        self.claims: dict[str, Any] = {
            "sub": "u-1",
            "preferred_username": "Mira.Tollervane@example.com",
            "name": "Mira Tollervane",
            "groups": ["claims-adjusters", "everybody"],
        }
        self.wrong: dict[str, Any] = {}
        self.asked: dict[str, str] = {}
        self.exchanged = 0
        provider = self

        class Handler(QuietHandler):
            def get(self) -> None:
                at = urlsplit(self.path)
                if at.path == "/authorize":
                    provider.asked = {name: each[0] for name, each in parse_qs(at.query).items()}
                    back = {"code": "c-1", "state": provider.asked["state"]} | provider.wrong.get("back", {})
                    self.send_response(303)
                    self.send_header("Location", f"{provider.asked['redirect_uri']}?{urlencode(back)}")
                    self.end_headers()
                elif at.path == "/keys":
                    self.say({"keys": [provider.key.as_dict(private=False)]})
                else:
                    self.say(provider.metadata())

            def post(self) -> None:
                form = parse_qs(self.body().decode())
                self.say(*provider.exchange(form, self.headers.get("Authorization", "")))

            def say(self, what: Any, status: int = 200) -> None:
                self.answer(status, json.dumps(what).encode(), "application/json")

        self._server = LocalServer(Handler)
        self.issuer = self._server.url

    def metadata(self) -> Mapping[str, str]:
        ends = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
        own = {"issuer": self.wrong.get("name", self.issuer)}
        return own | {name: f"{self.issuer}/{path}" for name, path in ends.items()}

    def exchange(self, form: Mapping[str, list[str]], authorization: str) -> tuple[Any, int]:
        """An ID token for the code, if the client and the verifier are those that asked for it."""
        who = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        challenge = (
            base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"][0].encode()).digest()).decode().rstrip("=")
        )
        if authorization != f"Basic {who}" or form["code"] != ["c-1"] or challenge != self.asked["code_challenge"]:
            return {"error": "invalid_grant"}, 400
        self.exchanged += 1
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": self.asked["nonce"]}
        claims |= self.claims | self.wrong.get("claims", {})
        token = jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.wrong.get("key", self.key))
        if self.wrong.get("unsigned"):
            head, body, _ = token.split(".")
            head = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
            token = f"{head}.{body}."
        return {"access_token": "a", "token_type": "Bearer", "id_token": token}, 200

    def close(self) -> None:
        """Go away."""
        self._server.close()
