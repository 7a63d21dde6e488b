/**
 * All recognisers that are rows.
 *
 * @module
 */

import type { Recogniser } from "../recogniser.ts";
import { ASIA_PACIFIC } from "./asia-pacific.ts";
import { DATES } from "./dates.ts";
import { DOCUMENTS } from "./documents.ts";
import { EUROPE_NORTH } from "./europe-north.ts";
import { EUROPE_WEST } from "./europe-west.ts";
import { NETWORK } from "./network.ts";
import { NORTH_AMERICA } from "./north-america.ts";
import { PAYMENT } from "./payment.ts";
import { SOUTH_AMERICA } from "./south-america.ts";

export const RECOGNISERS: readonly Recogniser[] = [
  ...PAYMENT,
  ...NETWORK,
  ...NORTH_AMERICA,
  ...SOUTH_AMERICA,
  ...EUROPE_WEST,
  ...EUROPE_NORTH,
  ...ASIA_PACIFIC,
  ...DOCUMENTS,
  ...DATES,
];
