"""What a store's refusal means, in our words: its own may hold keys, tokens and signatures."""

from __future__ import annotations

import re

from mosaic_mcp.errors import EngineUnavailable

_CODE = re.compile(r"<Code>\s*(\w{1,60})\s*</Code>")
_STATUS = re.compile(r"status code: (\d{3})")
_FORBIDDEN = {
    "AccessDenied",
    "AllAccessDisabled",
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidToken",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
}
_FULL = {
    "InsufficientCapacity",
    "InsufficientStorage",
    "QuotaExceeded",
    "XMinioAdminBucketQuotaExceeded",
    "XMinioStorageFull",
}
_NO_KEYS = ("Missing AccessKeyId", "Missing SecretAccessKey", "169.254.169.254", "169.254.170.2")
"""No key in the environment, or a machine without a role: these addresses would have told it."""


def refusal(error: BaseException, bucket: str) -> EngineUnavailable:
    """The error to raise for a failed request; all of them may be tried again."""
    text = str(error)
    code = found[1] if (found := _CODE.search(text)) else ""
    status = found[1] if (found := _STATUS.search(text)) else ""
    storage = f"The storage s3://{bucket}"
    said = f" ({' '.join(part for part in (status, code) if part)})" if code or status else ""
    if any(sign in text for sign in _NO_KEYS):
        return EngineUnavailable(
            f"{storage} cannot be opened: no credentials were found.",
            remedy="Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
        )
    if code == "NoSuchBucket":
        return EngineUnavailable(
            f"There is no bucket {bucket!r} in the object store.",
            remedy="Create it, or correct MOSAIC_STUDIO_STORAGE, AWS_REGION or AWS_ENDPOINT_URL.",
        )
    if code in _FULL or status == "507":
        return EngineUnavailable(
            f"{storage} is full{said}.",
            remedy="Delete old outputs or raise its quota; what waits is tried again.",
        )
    if code in _FORBIDDEN or status in ("401", "403"):
        return EngineUnavailable(
            f"{storage} refuses the studio{said}.",
            remedy="Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION, and that they "
            "may list, get, put and delete objects in this bucket.",
        )
    return EngineUnavailable(
        f"{storage} does not answer{said}.",
        remedy="It is tried again; if it stays so, check AWS_ENDPOINT_URL and the network.",
    )
