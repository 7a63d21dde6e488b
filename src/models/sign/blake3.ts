/**
 * BLAKE3 with 256 bits, since Node's crypto has none: to verify models that were signed with it. It is written for
 * clarity and several times slower than the hashes that Node has, so that nothing is signed with it by default.
 *
 * Input is cut into chunks of 1024 bytes, each a chain of 16 blocks; chunks are the leaves of a binary tree whose left
 * sides are full. Source: https://github.com/BLAKE3-team/BLAKE3-specs, sections 2.1 to 2.6; checked against the vectors
 * of its authors' implementation.
 *
 * @module
 */

const BLOCK_BYTES = 64;
const CHUNK_BYTES = 1024;

const Flag = { chunkStart: 1, chunkEnd: 2, parent: 4, root: 8 } as const;

const IV = Uint32Array.of(
  0x6a09e667,
  0xbb67ae85,
  0x3c6ef372,
  0xa54ff53a,
  0x510e527f,
  0x9b05688c,
  0x1f83d9ab,
  0x5be0cd19,
);

/** Where each of the seven rounds finds its words of the message (table 2). */
const SCHEDULE = makeSchedule();

export interface Blake3 {
  update(bytes: Uint8Array): void;
  /** The digest in lower-case hexadecimal. Nothing may follow. */
  digest(): string;
}

export function createBlake3(): Blake3 {
  /** Chaining values of subtrees on the left that wait for their right side, the largest first. */
  const stack: Uint32Array[] = [];
  let chunks = 0;
  let value = Uint32Array.from(IV);
  const block = new Uint8Array(BLOCK_BYTES);
  let inBlock = 0;
  let blocks = 0;
  const words = new Uint32Array(16);
  const out = new Uint32Array(16);

  const startFlag = (): number => (blocks === 0 ? Flag.chunkStart : 0);

  /** Puts the value of a whole chunk on the stack, and joins subtrees of one size as long as there are two. */
  function push(leaf: Uint32Array): void {
    let joined = leaf;
    chunks++;
    for (let count = chunks; count % 2 === 0; count /= 2) {
      joined = parentOf(stack.pop() as Uint32Array, joined, 0);
    }
    stack.push(joined);
    value = Uint32Array.from(IV);
    blocks = 0;
    inBlock = 0;
  }

  /** The last block of a chunk or of the input is kept, since only what follows tells whether it is the last. */
  function flush(): void {
    readWords(block, 0, words);
    if (blocks === CHUNK_BYTES / BLOCK_BYTES - 1) {
      compress(value, words, chunks, BLOCK_BYTES, startFlag() | Flag.chunkEnd, out);
      push(out.slice(0, 8));
    } else {
      compress(value, words, chunks, BLOCK_BYTES, startFlag(), out);
      value.set(out.subarray(0, 8));
      blocks++;
      inBlock = 0;
    }
  }

  return {
    update(bytes) {
      for (let at = 0; at < bytes.length;) {
        if (inBlock === BLOCK_BYTES) flush();
        const count = Math.min(BLOCK_BYTES - inBlock, bytes.length - at);
        block.set(bytes.subarray(at, at + count), inBlock);
        inBlock += count;
        at += count;
      }
    },
    digest() {
      block.fill(0, inBlock);
      readWords(block, 0, words);
      const root = stack.length === 0 ? Flag.root : 0;
      compress(value, words, chunks, inBlock, startFlag() | Flag.chunkEnd | root, out);
      let joined = out.slice(0, 8);
      for (let depth = stack.length - 1; depth >= 0; depth--) {
        joined = parentOf(stack[depth] as Uint32Array, joined, depth === 0 ? Flag.root : 0);
      }
      const digest = Buffer.alloc(32);
      for (const [index, word] of joined.entries()) digest.writeUInt32LE(word, index * 4);
      return digest.toString("hex");
    },
  };
}

function parentOf(left: Uint32Array, right: Uint32Array, flags: number): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(16);
  words.set(left, 0);
  words.set(right, 8);
  const out = new Uint32Array(16);
  compress(IV, words, 0, BLOCK_BYTES, Flag.parent | flags, out);
  return out.slice(0, 8);
}

function readWords(bytes: Uint8Array, offset: number, words: Uint32Array): void {
  for (let index = 0, at = offset; index < 16; index++, at += 4) {
    words[index] =
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24);
  }
}

/** The state of {@link compress}: one for the thread, since a call never waits. */
const state = new Int32Array(16);

/** The compression function (section 2.2). Writes the chaining value into the first eight words of `out`. */
function compress(
  value: Uint32Array,
  words: Uint32Array,
  counter: number,
  length: number,
  flags: number,
  out: Uint32Array,
): void {
  for (let index = 0; index < 8; index++) state[index] = value[index] as number;
  for (let index = 0; index < 4; index++) state[index + 8] = IV[index] as number;
  state[12] = (counter % 2 ** 32) | 0;
  state[13] = Math.floor(counter / 2 ** 32);
  state[14] = length;
  state[15] = flags;
  for (let at = 0; at < SCHEDULE.length; at += 16) {
    mix(0, 4, 8, 12, words, at);
    mix(1, 5, 9, 13, words, at + 2);
    mix(2, 6, 10, 14, words, at + 4);
    mix(3, 7, 11, 15, words, at + 6);
    mix(0, 5, 10, 15, words, at + 8);
    mix(1, 6, 11, 12, words, at + 10);
    mix(2, 7, 8, 13, words, at + 12);
    mix(3, 4, 9, 14, words, at + 14);
  }
  for (let index = 0; index < 8; index++) out[index] = (state[index] as number) ^ (state[index + 8] as number);
}

/** The quarter round, with the two words of the message that the schedule has at `at`. */
function mix(a: number, b: number, c: number, d: number, words: Uint32Array, at: number): void {
  let va = state[a] as number;
  let vb = state[b] as number;
  let vc = state[c] as number;
  let vd = state[d] as number;
  va = (va + vb + (words[SCHEDULE[at] as number] as number)) | 0;
  vd ^= va;
  vd = (vd >>> 16) | (vd << 16);
  vc = (vc + vd) | 0;
  vb ^= vc;
  vb = (vb >>> 12) | (vb << 20);
  va = (va + vb + (words[SCHEDULE[at + 1] as number] as number)) | 0;
  vd ^= va;
  vd = (vd >>> 8) | (vd << 24);
  vc = (vc + vd) | 0;
  vb ^= vc;
  vb = (vb >>> 7) | (vb << 25);
  state[a] = va;
  state[b] = vb;
  state[c] = vc;
  state[d] = vd;
}

function makeSchedule(): Uint8Array {
  const permutation = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8];
  let round = Array.from({ length: 16 }, (_, index) => index);
  const rounds: number[] = [];
  for (let count = 0; count < 7; count++) {
    rounds.push(...round);
    round = permutation.map((index) => round[index] as number);
  }
  return Uint8Array.from(rounds);
}
