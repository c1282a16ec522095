/** A certificate's number, as docs_gen/numbers.py makes it, and where its status stands. */

export interface Place {
  issuer: string;
  year: number;
  serial: number;
}

const ARC = "1.2.156.3005.2.";
const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const PARTS = 10;
const SERIAL_LENGTH = 11;

/** Where the certificate of a number stands; null for what is no number of ours. */
export function placeOf(number: string): Place | null {
  const parts = number.split(".");
  const [type, issuer, serial, version, check] = parts.slice(5);
  if (parts.length !== PARTS || !number.startsWith(ARC) || !parts.every((part) => part !== "")) return null;
  if (checkCharacter([type, issuer, serial, version].join("")) !== check) return null;
  if (serial?.length !== SERIAL_LENGTH || !/^\d+$/.test(serial)) return null;
  return { issuer: issuer!, year: Number(serial.slice(0, 4)), serial: Number(serial.slice(4)) };
}

/** ISO 7064 MOD 37,36; null for any other character. */
function checkCharacter(text: string): string | null {
  let remainder = 36;
  for (const character of text) {
    const value = ALPHABET.indexOf(character);
    if (value < 0) return null;
    remainder = (remainder + value) % 36 || 36;
    remainder = (remainder * 2) % 37;
  }
  return ALPHABET[(37 - remainder) % 36]!;
}
