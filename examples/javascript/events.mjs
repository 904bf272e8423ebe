// Takes the events that a subscriber is given, and acknowledges each when it is done with it.
// npm install nats protobufjs; STEWARD is the repository, for its .proto files.
import { readdirSync } from "node:fs";
import { connect } from "nats";
import protobuf from "protobufjs";

const proto = `${process.env.STEWARD}/proto`;
const schema = new protobuf.Root();
schema.resolvePath = (_, file) => `${proto}/${file}`;
await schema.load(readdirSync(`${proto}/steward_v1`).map((file) => `steward_v1/${file}`), { keepCase: true });

// Where an event stands in the log: JetStream says it in the subject of the acknowledgement.
function positionOf(message) {
  const parts = message.reply.split(".");
  return Number(parts[parts.length > 9 ? 7 : 5]);
}

function handle(message) {
  const name = message.headers.get("Steward-Type");
  const type = schema.lookup(["steward", "v1", name]);
  if (!type) return; // a newer server's event that these .proto files don't know
  const data = type.toObject(type.decode(message.data), { longs: Number, enums: String });
  console.log(JSON.stringify({ position: positionOf(message), type: name, data }));
}

const at = new URL(process.env.NATS_URL);
const connection = await connect({
  servers: at.host,
  user: at.username,
  pass: at.password,
  inboxPrefix: process.env.NATS_INBOX_PREFIX,
  maxReconnectAttempts: -1,
});
for await (const message of connection.subscribe(process.env.STEWARD_SUBJECT)) {
  handle(message);
  // Only now: an event that isn't acknowledged within 30 s comes again. So one may come twice, with the same header
  // Steward-Event-Id.
  message.respond();
}
