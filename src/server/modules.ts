/**
 * The parts of the product, explicitly listed. Adding a part is adding its folder and a line here.
 *
 * This is the one file that goes past the doors of other parts, to their `module.ts`: these are data without side
 * effects, while a door loads the whole part, and `holdfast --help` would load the whole product.
 *
 * @module
 */

import type { Module } from "../core/index.ts";
import { gatewayModule } from "../gateway/module.ts";
import { governModule } from "../govern/module.ts";
import { guardModule } from "../guard/module.ts";
import { ledgerModule } from "../ledger/module.ts";
import { modelsModule } from "../models/module.ts";
import { storageModule } from "../storage/module.ts";
import { serverModule } from "./module.ts";
import type { Services } from "./services.ts";

export const modules: readonly Module<Services>[] = [
  serverModule,
  gatewayModule,
  guardModule,
  modelsModule,
  ledgerModule,
  governModule,
  storageModule,
];
