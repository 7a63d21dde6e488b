/**
 * Numbers of people (and of firms, where they share a form) in South America.
 *
 * Sources: Receita Federal (CPF, CNPJ), AFIP (CUIT), Servicio de Registro Civil (RUT), SRI Ecuador, DNIC Uruguay.
 *
 * @module
 */

import { isUniform, mod11, weigh } from "../checksums.ts";
import { DIGITS, near, number, Strength, until, type Recogniser } from "../recogniser.ts";

export const SOUTH_AMERICA: readonly Recogniser[] = [
  number({
    id: "br-cpf",
    name: "Brazilian taxpayer number (CPF)",
    country: "BR",
    digits: 11,
    body: "\\d{3}\\.\\d{3}\\.\\d{3}-\\d{2}|\\d{11}",
    check: isCpf,
    context: near("cpf", "contribuinte", "cadastro"),
    alone: (written) => written.length > 11,
    strength: Strength.proven,
    example: (random) => dotted(until(() => random(DIGITS, 11), isCpf)),
  }),
  number({
    id: "br-cnpj",
    name: "Brazilian company number (CNPJ)",
    country: "BR",
    severity: "low",
    digits: 14,
    body: "\\d{2}\\.\\d{3}\\.\\d{3}/\\d{4}-\\d{2}",
    check: (value) =>
      mod11(value, [5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2], 0) && mod11(value, [6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2], 0),
    alone: true,
    strength: Strength.proven,
    example: () => "11.222.333/0001-81",
  }),
  number({
    id: "ar-cuit",
    name: "Argentine tax number (CUIT)",
    country: "AR",
    digits: 11,
    body: "(?:2[03457]|3[034])(-?)\\d{8}\\1\\d",
    check: isCuit,
    context: near("cuit", "cuil", "afip"),
    alone: (written) => written.length > 11,
    strength: Strength.checked,
    example: (random) => until(() => `20${random(DIGITS, 9)}`, isCuit).replace(/(..)(.{8})(.)/, "$1-$2-$3"),
  }),
  number({
    id: "cl-rut",
    name: "Chilean number (RUT)",
    country: "CL",
    digits: 7,
    body: "\\d{1,2}\\.\\d{3}\\.\\d{3}-[\\dkK]|\\d{7,8}-[\\dkK]",
    check: isRut,
    context: near("rut", "run", "rol [uú]nico"),
    alone: (written) => written.includes("."),
    strength: Strength.checked,
    example: (random) => until(() => `1${random(DIGITS, 8)}`, isRut).replace(/(..)(...)(...)(.)/, "$1.$2.$3-$4"),
  }),
  number({
    id: "ec-cedula",
    name: "Ecuadorian identity number",
    country: "EC",
    digits: 10,
    body: "(?:[01]\\d|2[0-4]|30)[0-6]\\d{6}-?\\d",
    check: isCedula,
    context: near("c[eé]dula", "identidad", "c\\.?i\\.?"),
    strength: Strength.checked,
    example: (random) => until(() => `171${random(DIGITS, 7)}`, isCedula),
  }),
  number({
    id: "uy-ci",
    name: "Uruguayan identity number",
    country: "UY",
    digits: 7,
    body: "[1-9]\\.?\\d{3}\\.?\\d{3}-\\d",
    check: (value) => (10 - (weigh(value, [2, 9, 8, 7, 6, 3, 4]) % 10)) % 10 === Number(value.charAt(7)),
    context: near("c[eé]dula", "identidad", "c\\.?i\\.?"),
    strength: Strength.checked,
    example: () => "1.234.567-2",
  }),
];

function dotted(value: string): string {
  return value.replace(/(...)(...)(...)(..)/, "$1.$2.$3-$4");
}

function isCpf(value: string): boolean {
  const first = [10, 9, 8, 7, 6, 5, 4, 3, 2];
  return !isUniform(value) && mod11(value, first, 0) && mod11(value, [11, ...first], 0);
}

function isCuit(value: string): boolean {
  return mod11(value, [5, 4, 3, 2, 7, 6, 5, 4, 3, 2], 9);
}

function isRut(value: string): boolean {
  const body = value.slice(0, -1).padStart(8, "0");
  const check = (11 - (weigh(body, [3, 2, 7, 6, 5, 4, 3, 2]) % 11)) % 11;
  return value.endsWith(check === 10 ? "K" : String(check));
}

function isCedula(value: string): boolean {
  let sum = 0;
  for (let at = 0; at < 9; at++) {
    const product = Number(value.charAt(at)) * (at % 2 === 0 ? 2 : 1);
    sum += product > 9 ? product - 9 : product;
  }
  return (10 - (sum % 10)) % 10 === Number(value.charAt(9));
}
