"""Follows the live stream (SSE), and goes on where it stopped, without a gap. It needs nothing but Python."""

import http.client
import json
import os
import pathlib
import time
import urllib.parse
import urllib.request

LAST = pathlib.Path(os.environ.get("POSITION_FILE", "stream.position"))


def events(lines):
    """The events of a stream of lines, each a dict of its fields."""
    fields = {}
    for line in lines:
        line = line.decode().rstrip("\n")
        if not line:
            if fields:
                yield fields
            fields = {}
        elif not line.startswith(":"):  # a comment: the connection is alive
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            fields[name] = f"{fields[name]}\n{value}" if name == "data" and name in fields else value


def follow():
    query = urllib.parse.urlencode({"types": os.environ.get("TYPES", "new_message,task_update")})
    headers = {"Authorization": f"Bearer {os.environ['STEWARD_KEY']}", "Accept": "text/event-stream"}
    if LAST.exists():
        headers["Last-Event-ID"] = LAST.read_text()
    request = urllib.request.Request(f"{os.environ['STEWARD_URL']}/api/v1/stream?{query}", headers=headers)
    # A heartbeat comes at least every 15 s: silence for a minute means that the connection is dead.
    with urllib.request.urlopen(request, timeout=60) as stream:
        for event in events(stream):
            if "data" in event:
                data = json.loads(event["data"])
                print(json.dumps({"event": event.get("event"), **data}, ensure_ascii=False), flush=True)
            if "id" in event:  # heartbeats name a position too
                LAST.write_text(event["id"])


while True:
    try:
        follow()
    except urllib.error.HTTPError as refused:
        if refused.code not in (429, 503):
            raise
    except (OSError, http.client.HTTPException):
        pass
    time.sleep(1)
