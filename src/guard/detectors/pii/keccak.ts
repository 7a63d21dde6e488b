/**
 * Keccak-256 as Ethereum uses it: the sponge of FIPS 202 with the padding of the submission, which node:crypto lacks.
 * Only for the checksum of addresses (EIP-55), so it takes a text of ASCII shorter than one block.
 *
 * @module
 */

const MASK = (1n << 64n) - 1n;
const ROUNDS = 24;
/** Bytes that one block takes in. */
const RATE = 136;

/** Keccak-256 in hexadecimal digits. */
export function keccak256(text: string): string {
  const block = Buffer.alloc(RATE);
  block.write(text, "latin1");
  block[text.length] = 0x01;
  block[RATE - 1] = (block[RATE - 1] as number) | 0x80;
  const lanes = Array.from({ length: 25 }, (_, lane) => (lane < RATE / 8 ? block.readBigUInt64LE(lane * 8) : 0n));
  permute(lanes);
  const digest = Buffer.alloc(32);
  for (let lane = 0; lane < 4; lane++) digest.writeBigUInt64LE(lanes[lane] as bigint, lane * 8);
  return digest.toString("hex");
}

/** FIPS 202 section 3.2: theta, rho with pi, chi, iota. Lane (x, y) is at x + 5 * y. */
function permute(lanes: bigint[]): void {
  let shift = 1;
  for (let round = 0; round < ROUNDS; round++) {
    const parity = [0, 1, 2, 3, 4].map((x) =>
      [0, 5, 10, 15, 20].reduce((sum, y) => sum ^ (lanes[x + y] as bigint), 0n),
    );
    for (let at = 0; at < 25; at++) {
      const x = at % 5;
      lanes[at] = (lanes[at] as bigint) ^ (parity[(x + 4) % 5] as bigint) ^ rotate(parity[(x + 1) % 5] as bigint, 1);
    }
    let [x, y] = [1, 0];
    let moving = lanes[1] as bigint;
    for (let step = 0; step < 24; step++) {
      [x, y] = [y, (2 * x + 3 * y) % 5];
      const next = lanes[x + 5 * y] as bigint;
      lanes[x + 5 * y] = rotate(moving, (((step + 1) * (step + 2)) / 2) % 64);
      moving = next;
    }
    for (let row = 0; row < 25; row += 5) {
      const old = lanes.slice(row, row + 5);
      for (let column = 0; column < 5; column++) {
        const [one, two] = [old[(column + 1) % 5] as bigint, old[(column + 2) % 5] as bigint];
        lanes[row + column] = (old[column] as bigint) ^ (~one & MASK & two);
      }
    }
    let constant = 0n;
    for (let bit = 0; bit < 7; bit++) {
      if ((shift & 1) === 1) constant |= 1n << BigInt((1 << bit) - 1);
      shift = ((shift << 1) ^ ((shift >> 7) * 0x171)) & 0xff;
    }
    lanes[0] = (lanes[0] as bigint) ^ constant;
  }
}

function rotate(lane: bigint, by: number): bigint {
  return ((lane << BigInt(by)) | (lane >> BigInt(64 - by))) & MASK;
}
