/**
 * The command: what the reference is made from. See README.md.
 *
 * @module
 */

export { CliErrors } from "./errors.ts";
export { EXIT_CODES, GLOBAL_OPTIONS } from "./parse.ts";
