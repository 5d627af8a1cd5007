"""OpenID Connect: asking a provider who somebody is, by code, PKCE and a signed id token."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import httpx2
import orjson
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from connectors.addresses import parse_private_hosts
from connectors.http import GuardedBackend, GuardedTransport, RequestFailed
from settings import Settings

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384")
"""Signatures by keys that only the provider has; never `none`, nor one by a shared secret."""
CALLBACK_PATH = "/auth/oidc/callback"
CLOCK_LEEWAY_SECONDS = 60
MAX_ANSWER_BYTES = 256 * 1024
TIMEOUT_SECONDS = 10.0


class OpenIdFailed(Exception):  # noqa: N818 - a fact, as in connectors.http
    """The provider did not prove who somebody is."""


@dataclass(frozen=True, slots=True)
class Departure:
    """Where the browser goes, and what must be known when it comes back."""

    url: str
    state: str
    nonce: str
    code_verifier: str


@dataclass(frozen=True, slots=True)
class Proved:
    """Who somebody is, as the provider has signed it."""

    issuer: str
    subject: str
    name: str
    email: str | None
    """Only where the provider has verified it; lower case."""


class OpenIdProvider:
    """The one provider of the settings; what it answers is never kept."""

    def __init__(self, settings: Settings) -> None:
        self._discovery_url = settings.oidc_discovery_url
        self._client_id = settings.oidc_client_id
        self._secret = settings.oidc_client_secret.get_secret_value()
        self._redirect_uri = settings.public_url.rstrip("/") + CALLBACK_PATH
        own = urlsplit(self._discovery_url).netloc  # named by the operator: it may be private
        self._private_hosts = parse_private_hosts(f"{settings.outbound_private_hosts},{own}")

    def _client(self) -> httpx2.AsyncClient:
        transport = GuardedTransport(GuardedBackend(self._private_hosts))
        return httpx2.AsyncClient(
            transport=transport, timeout=TIMEOUT_SECONDS, headers={"accept": "application/json"}
        )

    async def depart(self) -> Departure:
        """Return where to send a browser; raise OpenIdFailed if the provider is away."""
        async with self._client() as client:
            metadata = await self._metadata(client)
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        query = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": self._redirect_uri,
            "scope": "openid email profile",
            "state": state,
            "nonce": nonce,
            "code_challenge": create_s256_code_challenge(verifier),
            "code_challenge_method": "S256",
        }
        endpoint = _text(metadata, "authorization_endpoint")
        separator = "&" if urlsplit(endpoint).query else "?"
        return Departure(f"{endpoint}{separator}{urlencode(query)}", state, nonce, verifier)

    async def identify(self, code: str, *, nonce: str, code_verifier: str) -> Proved:
        """Exchange a code and return whom its id token proves; raise OpenIdFailed otherwise."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_uri,
            "code_verifier": code_verifier,
        }
        async with self._client() as client:
            metadata = await self._metadata(client)
            auth = (quote(self._client_id, safe=""), quote(self._secret, safe=""))
            endpoint = _text(metadata, "token_endpoint")
            answer = await _fetch(client, "POST", endpoint, data=form, auth=auth)
            keys = await _fetch(client, "GET", _text(metadata, "jwks_uri"))
        return self._proved(_text(answer, "id_token"), keys, _text(metadata, "issuer"), nonce)

    async def _metadata(self, client: httpx2.AsyncClient) -> Mapping[str, Any]:
        metadata: Mapping[str, Any] = await _fetch(client, "GET", self._discovery_url)
        issuer = _text(metadata, "issuer").rstrip("/")
        if f"{issuer}/.well-known/openid-configuration" != self._discovery_url:
            raise OpenIdFailed("the discovery document is of another issuer")
        return metadata

    def _proved(self, token: str, keys: Any, issuer: str, nonce: str) -> Proved:
        try:
            decoded = jwt.decode(token, KeySet.import_key_set(keys), algorithms=ALGORITHMS)
            claims = CodeIDToken(
                decoded.claims,
                decoded.header,
                options={
                    "iss": {"essential": True, "value": issuer},
                    "aud": {"essential": True, "value": self._client_id},
                },
                params={"nonce": nonce, "client_id": self._client_id},
            )
            claims.validate(leeway=CLOCK_LEEWAY_SECONDS)
            subject = _text(claims, "sub")
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise OpenIdFailed(f"the id token: {type(error).__name__}") from error
        email = claims.get("email")
        is_verified = isinstance(email, str) and claims.get("email_verified") is True
        return Proved(
            issuer=issuer,
            subject=subject,
            name=str(claims.get("name") or ""),
            email=str(email).strip().lower() if is_verified else None,
        )


async def _fetch(client: httpx2.AsyncClient, method: str, url: str, **options: Any) -> Any:
    """Return the JSON object of an answer of 200."""
    body = bytearray()
    try:
        async with client.stream(method, url, **options) as response:
            if response.status_code != 200:
                raise OpenIdFailed(f"{urlsplit(url).path} answered {response.status_code}")
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MAX_ANSWER_BYTES:
                    raise OpenIdFailed(f"{urlsplit(url).path} answered too much")
        answer = orjson.loads(body)
    except (httpx2.HTTPError, httpx2.InvalidURL, RequestFailed, OSError, ValueError) as error:
        raise OpenIdFailed(f"{urlsplit(url).path}: {type(error).__name__}") from error
    if not isinstance(answer, dict):
        raise OpenIdFailed(f"{urlsplit(url).path} answered no object")
    return answer


def _text(answer: Mapping[str, Any], name: str) -> str:
    value = answer.get(name)
    if not isinstance(value, str) or not value:
        raise OpenIdFailed(f"no {name}")
    return value
