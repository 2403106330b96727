/** QR codes. A file of its own, so that the interface loads it when it shows one. */
import { encode } from "uqr";

/**
 * A QR code's modules, true is dark, without the quiet zone (leave four modules
 * around it). Error correction M: a screen scratches less than paper does.
 */
export function qrMatrix(text: string): boolean[][] {
  return encode(text, { ecc: "M", border: 0 }).data;
}
