#!/usr/bin/env node
/**
 * The command's first lines. They run on any Node, so that an old one gets a sentence instead of a syntax error; all
 * else is imported only once the version is known to do.
 *
 * @module
 */

const FLOOR = [24, 21, 0];

const version = process.versions.node.split(".").map(Number);
const difference = FLOOR.map((floor, index) => (version[index] ?? 0) - floor).find((value) => value !== 0) ?? 0;

if (difference < 0) {
  process.stderr.write(
    `holdfast: error: node ${process.versions.node} is too old\n` +
      `holdfast: hint: install node ${FLOOR.join(".")} or newer from https://nodejs.org\n`,
  );
  process.exitCode = 2;
} else {
  const { main } = await import("./run.ts");
  await main(process.argv.slice(2));
}
