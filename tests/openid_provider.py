"""A small OpenID provider on a real port: it says yes to everybody, and signs what a test wants."""

import base64
import hashlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.serving import serving

CLIENT_ID, CLIENT_SECRET = "parley", "s3cret:/?"
KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
OTHER_KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})


@dataclass
class Provider:
    """What it tells about the person who logs in, and what was asked of it."""

    url: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    """What differs from a good id token."""
    key: RSAKey = field(default_factory=lambda: KEY)
    asked: dict[str, dict[str, str]] = field(default_factory=dict)
    """The requests by the codes given for them."""
    refuses: bool = False

    async def discovery(self, _request: Request) -> Response:
        """Say where everything is."""
        return JSONResponse(
            {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/keys",
            }
        )

    async def authorize(self, request: Request) -> Response:
        """Send the browser back with a code."""
        given = dict(request.query_params)
        answer = {"state": given["state"]}
        if self.refuses:
            answer["error"] = "access_denied"
        else:
            answer["code"] = f"code-{len(self.asked)}"
            self.asked[answer["code"]] = given
        return RedirectResponse(f"{given['redirect_uri']}?{urlencode(answer)}", 302)

    async def token(self, request: Request) -> Response:
        """Give an id token for a code, to who knows the secret and the verifier; once."""
        form = await request.form()
        given = self.asked.pop(str(form["code"]), None)
        digest = hashlib.sha256(str(form["code_verifier"]).encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        basic = base64.b64encode(b"parley:s3cret%3A%2F%3F").decode()
        if (
            given is None
            or request.headers["authorization"] != f"Basic {basic}"
            or given["code_challenge"] != challenge
            or given["code_challenge_method"] != "S256"
            or given["redirect_uri"] != form["redirect_uri"]
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        claims = {
            "iss": self.url,
            "sub": "person-1",
            "aud": CLIENT_ID,
            "iat": int(time.time()),
            "exp": int(time.time()) + 300,
            "nonce": given["nonce"],
            "email_verified": True,
            **self.claims,
        }
        signed = jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.key)
        return JSONResponse({"access_token": "x", "token_type": "Bearer", "id_token": signed})

    async def keys(self, _request: Request) -> Response:
        """Publish the key."""
        return JSONResponse(KeySet([KEY]).as_dict(private=False))


@asynccontextmanager
async def openid_provider() -> AsyncIterator[Provider]:
    """Serve a provider for the time of the block."""
    provider = Provider()
    routes = [
        Route("/.well-known/openid-configuration", provider.discovery),
        Route("/authorize", provider.authorize),
        Route("/token", provider.token, methods=["POST"]),
        Route("/keys", provider.keys),
    ]
    async with serving(Starlette(routes=routes)) as url:
        provider.url = url
        yield provider
