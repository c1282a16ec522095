/** The checks of typed values that can be told at the field at once; the service checks again. */

const ID_WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const ID_CHECKS = "10X98765432";
const CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY";

/** Full-width forms made plain, no blanks at the ends, as the service reads numbers and codes. */
export function plain(text: string): string {
  return text.normalize("NFKC").trim();
}

/** A number or code without the blanks between the groups in which people write it. */
export function ungrouped(text: string): string {
  return text.normalize("NFKC").replace(/\s/g, "");
}

/** GB 11643: return the error code of a resident ID number, or null. */
export function idNumberFault(text: string, today = new Date()): string | null {
  const number = ungrouped(text).toUpperCase();
  if (!/^\d{17}[\dX]$/.test(number)) return "id_number.malformed";
  const [year, month, day] = [number.slice(6, 10), number.slice(10, 12), number.slice(12, 14)];
  const born = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  const exists = born.toISOString().slice(0, 10) === `${year}-${month}-${day}`;
  if (!exists || Number(year) < 1900 || born > today) return "id_number.bad_date";
  const sum = ID_WEIGHTS.reduce((total, weight, i) => total + weight * Number(number[i]), 0);
  return ID_CHECKS[sum % 11] === number[17] ? null : "id_number.bad_check_digit";
}

/** GB 32100: return the error code of a unified social credit code, or null. */
export function creditCodeFault(text: string): string | null {
  const code = ungrouped(text).toUpperCase();
  if (code.length !== 18 || [...code].some((c) => !CREDIT_ALPHABET.includes(c))) {
    return "credit_code.malformed";
  }
  let sum = 0;
  let weight = 1;
  for (const character of code.slice(0, 17)) {
    sum += CREDIT_ALPHABET.indexOf(character) * weight;
    weight = (weight * 3) % 31;
  }
  const check = CREDIT_ALPHABET[(31 - (sum % 31)) % 31];
  return check === code[17] ? null : "credit_code.bad_check_digit";
}

/** Return the error code of a mainland telephone number, or null. */
export function phoneFault(text: string): string | null {
  const given = plain(text).replace(/[ ()‐–—-]/g, "");
  const abroad = /^(?:\+|00)86/.test(given);
  const number = given.replace(/^(?:\+|00)86/, "");
  const landline = abroad ? `0${number.replace(/^0/, "")}` : number;
  const known =
    /^1[3-9]\d{9}$/.test(number) ||
    /^(0(?:10|2\d|[3-9]\d{2}))([1-9]\d{6,7})$/.test(landline);
  return known ? null : "phone.malformed";
}

/** Return the error code of a name or other text that must not be empty, or null. */
export function textFault(text: string, limit: number): string | null {
  const normal = text.normalize("NFC").trim();
  if (normal === "") return "text.empty";
  if ([...normal].length > limit) return "text.too_long";
  return /[\p{Cc}\p{Cs}\p{Co}\p{Cn}]/u.test(normal) ? "text.bad_characters" : null;
}
