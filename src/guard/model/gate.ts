/**
 * The gate between native code and the end of its thread: `core`'s, since other parts run native code in threads too.
 *
 * @module
 */

export { closeGate, closeGateNow, createGate, inside, type Gate } from "../../core/index.ts";
