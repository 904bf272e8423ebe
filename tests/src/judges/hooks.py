"""What Schemathesis does otherwise for us: STEWARD_KEEP names ids of keys that it is not to revoke, since it needs them."""

import os

import schemathesis

KEEP = set(os.environ.get("STEWARD_KEEP", "").split())
LARGEST = 2**63 - 1


@schemathesis.hook
def before_call(context, case, kwargs):
    headers = case.headers or {}
    position = str(headers.get("Steward-After", ""))
    # A position that the log hasn't come to is answered 504, as a server's error is.
    if position.isascii() and position.isdigit() and int(position) <= LARGEST:
        headers["Steward-After"] = "0"
    parameters = case.path_parameters or {}
    if case.method.upper() == "DELETE" and parameters.get("id") in KEEP:
        parameters["id"] = "key_none"
