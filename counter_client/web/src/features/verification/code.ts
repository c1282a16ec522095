/** What stands in the QR code of a certificate: the address of this page with the signed token. */

export interface CertificateCode {
  number: string;
  token: string;
  /** All of it, as it was read. */
  text: string;
}

const SHAPE = /^https?:\/\/[^\s/?#]+\/v\/([^\s/?#]{1,120})#(\S{1,2000})$/;

/** Take apart what was scanned or pasted; null for what is no certificate's code. */
export function codeOf(text: string): CertificateCode | null {
  const found = SHAPE.exec(text.trim());
  return found ? { number: found[1]!, token: found[2]!, text: text.trim() } : null;
}
