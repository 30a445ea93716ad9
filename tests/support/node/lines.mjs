// Lines of JSON: `read` is what the test says, `write` is what it is told. The program ends when the test hangs up.

import { createInterface } from "node:readline";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

export const read = async () => JSON.parse((await lines.next()).value);
export const write = (value) => console.log(JSON.stringify(value));
