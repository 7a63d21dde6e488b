/**
 * HyperLogLog: how many different things were seen, in a fixed 2,048 bytes, whatever their number. Two sketches of the
 * same size are joined by the higher of each register, as often as one likes: what several processes saw counts once.
 *
 * The standard error is 2.3 %. Hashes must be keyed by a secret: who can choose them can make a sketch count nothing
 * (K. Paterson and M. Raynal, «HyperLogLog: exponentially bad in adversarial settings», 2021).
 *
 * Sources: P. Flajolet et al., «HyperLogLog», 2007; O. Ertl, «New cardinality estimation algorithms for HyperLogLog
 * sketches», 2017, algorithm 6 (no bias at the low and the high end).
 *
 * @module
 */

const BITS = 11;
export const REGISTERS = 1 << BITS;
/** Bits of a hash that are left to count zeros in. */
const REST = 64 - BITS;

/** A hash of 64 bits, in two halves, each the bits of a number: which sign they make of it does not matter. */
export interface Hash64 {
  readonly high: number;
  readonly low: number;
}

/** Counts different hashes. */
export class Sketch {
  readonly #registers: Uint8Array;
  #estimate: number | undefined;

  /** @param registers those of another one; copied, and cut to size */
  constructor(registers?: Uint8Array) {
    this.#registers = new Uint8Array(REGISTERS);
    if (registers !== undefined) this.join(registers);
  }

  /** @returns true where the sketch changed: then something new was seen for certain */
  add({ high, low }: Hash64): boolean {
    const index = high >>> (32 - BITS);
    const rest = (high << BITS) | (low >>> (32 - BITS));
    const tail = low << BITS;
    const zeros = rest !== 0 ? Math.clz32(rest) : 32 + (tail !== 0 ? Math.clz32(tail) : 32);
    const rank = Math.min(zeros, REST) + 1;
    if ((this.#registers[index] as number) >= rank) return false;
    this.#registers[index] = rank;
    this.#estimate = undefined;
    return true;
  }

  /** Takes in what another one saw. A register that no hash can fill is not believed. */
  join(registers: Uint8Array): void {
    for (let index = 0; index < Math.min(REGISTERS, registers.length); index++) {
      const other = registers[index] as number;
      if (other <= REST + 1 && other > (this.#registers[index] as number)) this.#registers[index] = other;
    }
    this.#estimate = undefined;
  }

  /** A copy of the registers. */
  registers(): Uint8Array {
    return this.#registers.slice();
  }

  /** How many different hashes it saw, about. */
  get estimate(): number {
    return (this.#estimate ??= estimate(this.#registers));
  }
}

function estimate(registers: Uint8Array): number {
  const counts = Array.from({ length: REST + 2 }, () => 0);
  for (const register of registers) counts[register] = (counts[register] as number) + 1;
  let z = REGISTERS * tau(1 - (counts[REST + 1] as number) / REGISTERS);
  for (let k = REST; k >= 1; k--) z = 0.5 * (z + (counts[k] as number));
  z += REGISTERS * sigma((counts[0] as number) / REGISTERS);
  return (REGISTERS * REGISTERS) / (2 * Math.LN2 * z);
}

function sigma(x: number): number {
  if (x === 1) return Infinity;
  let [power, scale, sum, last] = [x, 1, x, Number.NaN];
  while (sum !== last) {
    power *= power;
    last = sum;
    sum += power * scale;
    scale += scale;
  }
  return sum;
}

function tau(x: number): number {
  if (x === 0 || x === 1) return 0;
  let [root, scale, sum, last] = [x, 1, 1 - x, Number.NaN];
  while (sum !== last) {
    root = Math.sqrt(root);
    last = sum;
    scale *= 0.5;
    sum -= (1 - root) ** 2 * scale;
  }
  return sum / 3;
}
