/**
 * What `guard` plugs into the product.
 *
 * @module
 */

import type { Module } from "../core/index.ts";
import { GuardErrors } from "./errors.ts";

export const guardModule: Module = {
  name: "guard",
  summary: "reads text in both directions and judges it",
  errors: GuardErrors,
};
