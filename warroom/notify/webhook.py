"""The webhook channel: a signed POST as Standard Webhooks describes it.

``webhook-id`` is the message's id on every attempt, ``webhook-timestamp`` the attempt's second,
``webhook-signature`` an HMAC over both and the body.  See https://www.standardwebhooks.com/.
"""

from __future__ import annotations

import base64
import json
from datetime import datetime

import httpx
from standardwebhooks.webhooks import Webhook

from warroom.notify.message import Message, NotSent

TIMEOUT_S = 10.0
GONE = 410


def secret_of(text: str) -> str:
    """Return the signing secret as the standard writes it (``whsec_`` + base64)."""
    if text.startswith("whsec_"):
        return text
    return "whsec_" + base64.b64encode(text.encode()).decode()


async def send(
    http: httpx.AsyncClient, url: str, secret: str, message: Message, now: datetime
) -> None:
    """Send the message once.

    Args:
        http: the client to use.
        url: where to.
        secret: the signing secret.
        message: what.
        now: the time of this attempt.

    Raises:
        NotSent: no 2xx; ``retry`` is False when the receiver is gone for good (410).
    """
    body = json.dumps(
        {
            "id": message.id,
            "timestamp": message.created_at.isoformat(),
            **message.payload,
        },
        ensure_ascii=True,
        default=str,
    )
    try:
        signature = Webhook(secret_of(secret)).sign(message.id, now, body)
    except Exception as error:
        raise NotSent("the channel's signing secret cannot be used") from error
    headers = {
        "content-type": "application/json",
        "webhook-id": message.id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature,
    }
    try:
        answer = await http.post(url, content=body, headers=headers, timeout=TIMEOUT_S)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NotSent(f"{type(error).__name__} from the receiver") from error
    if not answer.is_success:
        raise NotSent(
            f"the receiver answered {answer.status_code}", retry=answer.status_code != GONE
        )
