"""Verifies signed requests with botocore: JSON lines in, the number of accepted ones out."""

import base64
import hashlib
import json
import re
import sys

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

ID, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})"
)

accepted = 0
for line in sys.stdin:
    case = json.loads(line)
    headers = {name: value for name, value in case["headers"] if name == "authorization"}
    key, day, region, service, signed, signature = AUTHORIZATION.fullmatch(headers["authorization"]).groups()
    assert key == ID and service == case["service"], line
    body = base64.b64decode(case["body"])
    request = AWSRequest(method=case["method"], url=case["url"], data=body)
    for name, value in case["headers"]:
        if name in signed.split(";"):
            request.headers.add_header(name, value)
        if name == "x-amz-date":
            assert value.startswith(day), line
            request.context["timestamp"] = value
        if name == "x-amz-content-sha256":
            assert value == hashlib.sha256(body).hexdigest(), line
    auth = (S3SigV4Auth if service == "s3" else SigV4Auth)(Credentials(ID, SECRET), service, region)
    canonical = auth.canonical_request(request)
    expected = auth.signature(auth.string_to_sign(request, canonical), request)
    if expected != signature:
        print("refused:", line, canonical, sep="\n")
        sys.exit(1)
    accepted += 1
print(accepted, "accepted")
