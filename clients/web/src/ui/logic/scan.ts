// Reads QR codes from pictures, with the browser's reader or with a bundled one,
// which is loaded at the first use.

type Picture = HTMLVideoElement | ImageBitmap;
type Detector = { detect: (source: Picture) => Promise<{ rawValue: string }[]> };
type Detectors = { new (options: { formats: string[] }): Detector; getSupportedFormats(): Promise<string[]> };

/** The longest side of a picture, in pixels, that the bundled reader gets. */
const MOST = 1200;

let detector: Promise<Detector | null> | undefined;

/** The browser's reader; null if it has none for QR codes. */
async function browserReader(): Promise<Detector | null> {
  const { BarcodeDetector: Found } = globalThis as { BarcodeDetector?: Detectors };
  try {
    return Found !== undefined && (await Found.getSupportedFormats()).includes("qr_code") ? new Found({ formats: ["qr_code"] }) : null;
  } catch {
    return null;
  }
}

/** Returns the text of a QR code in a picture, or null if none can be read. */
export async function readQR(picture: Picture): Promise<string | null> {
  const own = await (detector ??= browserReader());
  if (own !== null) return (await own.detect(picture))[0]?.rawValue ?? null;
  const { decodeQR } = await import("qr/decode.js");
  const image = pixels(picture);
  try {
    return image && decodeQR(image);
  } catch {
    return null; // the reader throws if it finds no code
  }
}

function pixels(picture: Picture): ImageData | null {
  const video = picture instanceof HTMLVideoElement;
  const [wide, high] = video ? [picture.videoWidth, picture.videoHeight] : [picture.width, picture.height];
  if (wide === 0 || high === 0) return null;
  const scale = Math.min(1, MOST / Math.max(wide, high));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(wide * scale));
  canvas.height = Math.max(1, Math.round(high * scale));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (context === null) return null;
  context.fillStyle = "#fff"; // below transparent pictures
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}
