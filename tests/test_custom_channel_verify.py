"""The custom channel's webhooks: who may call."""

import hashlib
import hmac
import time

from connectors.channels import custom

BODY = b'{"channelId":"gfd8","contactId":"c","events":[]}'


def signed(body: bytes, secret: str, at: float) -> str:
    digest = hmac.new(secret.encode(), f"{int(at)}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={int(at)},s={digest}"


def test_the_bearer_token_is_required() -> None:
    def accepts(header: dict[str, str], token: str = "t0k") -> bool:
        return custom.verify(BODY, header, token=token, hmac_secret=None)

    assert accepts({"Authorization": "Bearer t0k"})
    assert accepts({"authorization": "bearer t0k"})
    wrong = ["", "Bearer", "Bearer ", "Bearer t0", "Bearer t0k0", "Basic t0k", "t0k", "Bearer T0K"]
    assert not any(accepts({"Authorization": header}) for header in wrong)
    assert not accepts({})
    assert not accepts({"Authorization": "Bearer "}, token="")


def test_the_signature_is_required_once_there_is_a_secret() -> None:
    def accepts(signature: str | None, body: bytes = BODY, secret: str = "s3") -> bool:
        headers = {"Authorization": "Bearer t0k"}
        if signature is not None:
            headers["X-Parley-Signature"] = signature
        return custom.verify(body, headers, token="t0k", hmac_secret=secret)

    now = time.time()
    good = signed(BODY, "s3", now)
    assert accepts(good)
    assert accepts(signed(BODY, "s3", now - 290))
    assert not accepts(signed(BODY, "s3", now - 310))
    assert not accepts(signed(BODY, "s3", now + 310))
    assert not accepts(None)
    assert not accepts(signed(BODY, "other", now))
    assert not accepts(good, body=BODY + b" ")
    assert not accepts(good.replace("t=", "t=1"))
    assert not accepts("t=x,s=" + "0" * 64)
    assert not accepts(signed(BODY, "", now), secret="")
    assert not custom.verify(BODY, {"X-Parley-Signature": good}, token="t0k", hmac_secret="s3")
