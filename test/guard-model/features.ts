/**
 * The features of the cheap stage once more, as their definition reads: slow, with every n-gram a string. Tests hold the
 * fast ones to it.
 */

/** FNV-1a, 32 bits, over the UTF-8 bytes of `text`. */
export function fnv(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/** The sorted distinct buckets of `text`. */
export function slowFeatures(text: string): readonly number[] {
  const normal = text.toWellFormed().normalize("NFKC").toLowerCase().replaceAll(/\s+/g, " ").replaceAll(/^ | $/g, "");
  const read = Array.from(normal).slice(0, 2048).join("");
  const tokens = read.match(/[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu) ?? [];
  const features = new Set<string>();
  for (const [index, token] of tokens.entries()) {
    features.add(`w:${token}`);
    if (index > 0) features.add(`b:${tokens[index - 1]} ${token}`);
    if (!/^[\p{L}\p{N}_]/u.test(token)) continue;
    const padded = Array.from(` ${token} `);
    for (const size of [3, 4, 5]) {
      for (let at = 0; at + size <= padded.length; at++) features.add(`c:${padded.slice(at, at + size).join("")}`);
    }
  }
  return [...new Set(Array.from(features, (feature) => fnv(feature) & 0x3ffff))].toSorted((one, other) => one - other);
}
