/**
 * Latin letters in costume that neither NFKC nor the confusables of UTS #39 undress: small capitals, regional
 * indicators, white letters on black, turned letters, and look-alikes that are no confusables to UTS #39 because a
 * reader would not mistake them, only recognise them.
 *
 * Source: the names of these characters in the Unicode Character Database.
 *
 * @module
 */

/** LATIN LETTER SMALL CAPITAL A to Z; there is none for X, and Q is of Unicode 14. */
export const SMALL_CAPITALS: ReadonlyMap<number, string> = pairs(
  "ᴀaʙbᴄcᴅdᴇeꜰfɢgʜhɪiᴊjᴋkʟlᴍmɴnᴏoᴘpꞯqʀrꜱsᴛtᴜuᴠvᴡwʏyᴢzĸkᴎnᴙrᴚr",
);

/** Letters of other scripts that are put for Latin ones by their looks, beyond UTS #39. */
export const LOOK_ALIKES: ReadonlyMap<number, string> = pairs(
  "мmнhтtвbкkгrиnяrшwωwεeμuτtκkηnβbλaΛAΣEИNЯRФOзeЗEЕEυuπnθo",
);

/** Letters turned by 180 degrees. A text in them is read from its end. */
export const TURNED: ReadonlyMap<number, string> = pairs(
  "ɐaɔcǝeɟfƃgᵷgɥhᴉiıiɾjſjʞkꞁlןlɯmɹrʇtʌvʍwʎyƐ3ϛ5ㄥ7˙.‾_¡!¿?∀A𐐒BƆCᗡDƎEℲFפG⅁GſJ⅃L˥LƜMԀPᴚRꓤR⊥T┴T∩UΛVϽCᓭS",
);

/** What a regional indicator or a letter on black stands for; `undefined` for any other code point. */
export function boxedLetter(code: number): string | undefined {
  // Negative circled and squared letters, and the indicators that pair up to flags.
  for (const first of [0x1f150, 0x1f170, 0x1f1e6]) {
    if (code >= first && code < first + 26) return String.fromCharCode(0x61 + code - first);
  }
  return undefined;
}

function pairs(list: string): ReadonlyMap<number, string> {
  const characters = Array.from(list);
  const map = new Map<number, string>();
  for (let at = 0; at + 1 < characters.length; at += 2) {
    map.set((characters[at] as string).codePointAt(0) as number, characters[at + 1] as string);
  }
  return map;
}
