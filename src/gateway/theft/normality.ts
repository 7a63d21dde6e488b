/**
 * The Shapiro-Wilk statistic W: how straight a sample lies against the normal distribution, from 0 to 1.
 *
 * Source: P. Royston, «Remark AS R94: A remark on algorithm AS 181: the W-test for normality», Applied Statistics 44(4),
 * 1995; P. Acklam's rational approximation of the normal quantile (relative error below 1.2e-9).
 *
 * @module
 */

/**
 * W of a sample of 8 to 5,000 numbers, in any order; 1 where all are the same, or there are fewer.
 *
 * @throws RangeError beyond 5,000, where the approximation was never tried
 */
export function shapiroWilk(sample: readonly number[]): number {
  const n = sample.length;
  if (n > MOST) throw new RangeError(`shapiro-wilk of ${n} numbers, at most ${MOST}`);
  if (n < LEAST) return 1;
  const sorted = Float64Array.from(sample).toSorted();
  const mean = sorted.reduce((sum, x) => sum + x, 0) / n;
  const squares = sorted.reduce((sum, x) => sum + (x - mean) ** 2, 0);
  if (squares === 0) return 1;
  const weights = weightsOf(n);
  let slope = 0;
  for (let index = 0; index < n; index++) slope += (weights[index] as number) * (sorted[index] as number);
  return Math.min(1, slope ** 2 / squares);
}

const LEAST = 8;
const MOST = 5_000;

/** Weights of the ordered sample: they are the same for every sample of one size. */
function weightsOf(n: number): Float64Array {
  const scores = Float64Array.from({ length: n }, (_, index) => normalQuantile((index + 1 - 0.375) / (n + 0.25)));
  const sum = scores.reduce((total, m) => total + m * m, 0);
  const u = 1 / Math.sqrt(n);
  const [last, secondLast] = [scores[n - 1] as number, scores[n - 2] as number];
  const first = polynomial([-2.706056, 4.434685, -2.07119, -0.147981, 0.221157, last / Math.sqrt(sum)], u);
  const second = polynomial([-3.582633, 5.682633, -1.752461, -0.293762, 0.042981, secondLast / Math.sqrt(sum)], u);
  const phi = (sum - 2 * last ** 2 - 2 * secondLast ** 2) / (1 - 2 * first ** 2 - 2 * second ** 2);
  const weights = scores.map((m) => m / Math.sqrt(phi));
  weights[n - 1] = first;
  weights[n - 2] = second;
  weights[0] = -first;
  weights[1] = -second;
  return weights;
}

/** Coefficients from the highest power down. */
function polynomial(coefficients: readonly number[], x: number): number {
  return coefficients.reduce((value, coefficient) => value * x + coefficient, 0);
}

const A = [
  -39.69683028665376, 220.9460984245205, -275.9285104469687, 138.357751867269, -30.66479806614716, 2.506628277459239,
];
const B = [-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572, 1];
const C = [
  -0.007784894002430293, -0.3223964580411365, -2.400758277161838, -2.549732539343734, 4.374664141464968,
  2.938163982698783,
];
const D = [0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416, 1];
const TAIL = 0.02425;

/** The number below which a share `p` of the standard normal distribution lies. */
function normalQuantile(p: number): number {
  if (p > 1 - TAIL) return -normalQuantile(1 - p);
  if (p < TAIL) {
    const q = Math.sqrt(-2 * Math.log(p));
    return polynomial(C, q) / polynomial(D, q);
  }
  const q = p - 0.5;
  return (polynomial(A, q * q) * q) / polynomial(B, q * q);
}
