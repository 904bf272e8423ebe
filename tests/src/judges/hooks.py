"""What Schemathesis does otherwise for us: STEWARD_KEEP names ids of keys that it is not to revoke, since it needs them."""

import os

import schemathesis

KEEP = set(os.environ.get("STEWARD_KEEP", "").split())
LARGEST = 2**63 - 1


@schemathesis.hook
def before_call(context, case, kwargs):
    headers = case.headers or {}
    position = str(headers.get("Steward-After", ""))
    # A position that isn't reached is waited for, ten seconds long, and answered 504.
    if position.isascii() and position.isdigit() and int(position) <= LARGEST:
        headers["Steward-After"] = "0"
    parameters = case.path_parameters or {}
    if case.method.upper() == "DELETE" and parameters.get("id") in KEEP:
        parameters["id"] = "key_none"
