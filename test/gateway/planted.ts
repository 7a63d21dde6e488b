/**
 * Where what was planted may not stand: all that a gateway writes.
 *
 * @module
 */

import type { Collector } from "./collector.ts";
import type { Harness } from "./harness.ts";

/** All that a gateway wrote. Closes it. */
export async function writtenBy(
  harness: Pick<Harness, "close" | "entries" | "gateway" | "logged">,
  { collector, stderr }: { readonly collector: Collector; readonly stderr: readonly string[] },
) {
  const metrics = (await harness.gateway.metricsText?.()) ?? "";
  const receipts = await harness.entries();
  // The traces leave when the gateway closes.
  await harness.close();
  return {
    receipts,
    places: {
      log: harness.logged.join("\n"),
      "standard error": stderr.join("\n"),
      receipt: receipts.join("\n"),
      metric: metrics,
      trace: collector.bodies.join("\n"),
    },
  };
}

/** Which of the secrets, by the slot that each was planted in, stands in which place. */
export function hitsOf(
  secrets: readonly (readonly [slot: string, secret: string])[],
  places: Readonly<Record<string, string>>,
): readonly string[] {
  return secrets.flatMap(([slot, secret]) =>
    Object.entries(places).flatMap(([place, text]) => (text.includes(secret) ? [`${slot}: ${place}`] : [])),
  );
}
