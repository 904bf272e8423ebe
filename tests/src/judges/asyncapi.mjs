// Says what is wrong with an AsyncAPI document, by the parser of those who wrote the specification.
import { readFileSync } from "node:fs";
import { Parser } from "@asyncapi/parser";

const { document, diagnostics } = await new Parser().parse(readFileSync(process.argv[2], "utf8"));
const wrong = diagnostics.filter((one) => one.severity <= 1); // errors and warnings
for (const { code, path, message } of wrong) console.log(`${code} ${path.join(".")}: ${message}`);
process.exit(document && wrong.length === 0 ? 0 : 1);
