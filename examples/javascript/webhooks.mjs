// Receives outgoing webhooks and checks their signatures (standardwebhooks.com). It needs nothing but Node.
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const SECRET = Buffer.from(process.env.WEBHOOK_SECRET.replace(/^whsec_/, ""), "base64");
const TOLERANCE = 5 * 60; // seconds; what is older may be a replay
const LARGEST = 1 << 20;

function isGenuine(headers, body) {
  const id = headers["webhook-id"] ?? "";
  const at = headers["webhook-timestamp"] ?? "";
  if (!/^\d+$/.test(at) || Math.abs(Date.now() / 1000 - Number(at)) > TOLERANCE) return false;
  const digest = createHmac("sha256", SECRET).update(`${id}.${at}.`).update(body).digest("base64");
  const expected = Buffer.from(`v1,${digest}`);
  // While a secret is changed there are two signatures.
  return (headers["webhook-signature"] ?? "").split(" ").some((signature) => {
    const given = Buffer.from(signature);
    return given.length === expected.length && timingSafeEqual(given, expected);
  });
}

createServer(async (request, response) => {
  const answer = (status) => response.writeHead(status).end();
  const pieces = [];
  let length = 0;
  for await (const piece of request) {
    length += piece.length;
    if (length > LARGEST) return answer(413);
    pieces.push(piece);
  }
  const body = Buffer.concat(pieces);
  if (request.method !== "POST" || !isGenuine(request.headers, body)) return answer(401);
  // A delivery may come twice: webhook-id tells.
  console.log(JSON.stringify({ webhook_id: request.headers["webhook-id"], ...JSON.parse(body) }));
  answer(204);
}).listen(Number(process.env.PORT ?? 8900), "127.0.0.1");
