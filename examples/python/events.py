"""Takes the events that a subscriber is given, and acknowledges each when it is done with it.

pip install nats-py grpcio-tools
python -m grpc_tools.protoc -I "$STEWARD/proto" --python_out=. "$STEWARD"/proto/*/*.proto
"""

import asyncio
import importlib
import json
import os
import pkgutil
import sys

import nats
from google.protobuf import json_format, symbol_database

sys.path.insert(0, os.getcwd())  # where the compiled messages are
import steward_v1

for module in pkgutil.iter_modules(steward_v1.__path__):
    importlib.import_module(f"steward_v1.{module.name}")
messages = symbol_database.Default()


def handle(message):
    kind = message.headers["Steward-Type"]
    try:
        event = messages.GetSymbol(f"steward.v1.{kind}").FromString(message.data)
    except KeyError:
        return  # a newer server's event that these .proto files don't know
    print(json.dumps({
        "position": message.metadata.sequence.stream,
        "type": kind,
        "data": json_format.MessageToDict(event, preserving_proto_field_name=True),
    }, ensure_ascii=False), flush=True)


async def main():
    connection = await nats.connect(
        os.environ["NATS_URL"],
        inbox_prefix=os.environ["NATS_INBOX_PREFIX"].encode(),
        max_reconnect_attempts=-1,
    )
    events = await connection.subscribe(os.environ["STEWARD_SUBJECT"])
    async for message in events.messages:
        handle(message)
        # Only now: an event that isn't acknowledged within 30 s comes again. So one may come twice, with the same
        # header Steward-Event-Id.
        await message.ack()


asyncio.run(main())
