/**
 * Timestamps of signatures (RFC 3161): what an authority says about when it saw one, so that a signature outlives the
 * certificate that made it.
 *
 * @module
 */

import { RFC3161Timestamp } from "@sigstore/core";
import { isForTimestamps, type Certificate } from "./certificate.ts";
import { DerTag, inside, readDer } from "./der.ts";
import { signError } from "./errors.ts";

/**
 * When `signature` was there at the latest: the earliest of `timestamps` (DER of the responses), all of which must be
 * about this signature and made by one of `authorities` while its certificate was valid.
 *
 * @throws `models.timestamp-invalid`
 */
export function readTimestamps(
  timestamps: readonly Buffer[],
  signature: Buffer,
  authorities: readonly Certificate[],
): Date | undefined {
  const times = timestamps.map((der) => readTimestamp(der, signature, authorities).getTime());
  return times.length === 0 ? undefined : new Date(Math.min(...times));
}

function readTimestamp(der: Buffer, signature: Buffer, authorities: readonly Certificate[]): Date {
  let timestamp: RFC3161Timestamp;
  let at: Date;
  try {
    timestamp = RFC3161Timestamp.parse(Buffer.from(der));
    at = timeOf(timestamp.tstInfo.raw);
  } catch (cause) {
    throw signError("models.timestamp-invalid", { detail: "it cannot be read", cause });
  }
  const byOne = authorities.some((authority) => {
    const { validFromDate, validToDate } = authority.x509;
    return (
      isForTimestamps(authority) && at >= validFromDate && at <= validToDate && isBy(timestamp, signature, authority)
    );
  });
  if (!byOne)
    throw signError("models.timestamp-invalid", { detail: "no trusted authority made it for this signature" });
  return at;
}

/**
 * The time in the DER of a TSTInfo (RFC 3161 section 2.4.2). A fraction of a second may have any number of digits, since
 * zeros at its end are left out; `@sigstore/core` knows only three.
 */
function timeOf(tstInfo: Buffer): Date {
  const field = inside(readDer(tstInfo)[0], DerTag.sequence).find(({ tag }) => tag === DerTag.generalizedTime);
  const digits = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\.\d{1,9})?Z$/.exec(field?.content.toString("latin1") ?? "");
  if (digits === null) throw new RangeError("no time");
  const [year, month, day, hours, minutes, seconds] = digits.slice(1, 7).map(Number) as Six;
  const milliseconds = Math.floor(Number(`0${digits[7] ?? ""}`) * 1000);
  return new Date(Date.UTC(year, month - 1, day, hours, minutes, seconds, milliseconds));
}

type Six = [number, number, number, number, number, number];

function isBy(timestamp: RFC3161Timestamp, signature: Buffer, { x509 }: Certificate): boolean {
  try {
    timestamp.verify(signature, x509.publicKey);
    return true;
  } catch {
    return false;
  }
}
