/** QR codes. In a separate file, so that it is loaded only when needed. */
import { encode } from "uqr";

/**
 * A QR code's modules, true is dark, without the quiet zone (leave four modules
 * around it). Error correction level M is enough on a screen.
 */
export function qrMatrix(text: string): boolean[][] {
  return encode(text, { ecc: "M", border: 0 }).data;
}
