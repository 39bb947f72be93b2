/**
 * Reads barcodes from a picture where the browser does not: ZXing in plain JavaScript. A reader in
 * WebAssembly would be better and needs `wasm-unsafe-eval`, which our pages do not allow.
 */
import BarcodeFormat from "@zxing/library/esm/core/BarcodeFormat";
import BinaryBitmap from "@zxing/library/esm/core/BinaryBitmap";
import HybridBinarizer from "@zxing/library/esm/core/common/HybridBinarizer";
import DataMatrixReader from "@zxing/library/esm/core/datamatrix/DataMatrixReader";
import DecodeHintType from "@zxing/library/esm/core/DecodeHintType";
import MultiFormatOneDReader from "@zxing/library/esm/core/oned/MultiFormatOneDReader";
import QRCodeReader from "@zxing/library/esm/core/qrcode/QRCodeReader";
import type Reader from "@zxing/library/esm/core/Reader";
import RGBLuminanceSource from "@zxing/library/esm/core/RGBLuminanceSource";

const SIDE = 900; // pixels that are looked through; more only takes longer

const HINTS = new Map<DecodeHintType, unknown>([
  [
    DecodeHintType.POSSIBLE_FORMATS,
    [
      BarcodeFormat.CODE_128,
      BarcodeFormat.EAN_13,
      BarcodeFormat.EAN_8,
      BarcodeFormat.UPC_A,
      BarcodeFormat.UPC_E,
      BarcodeFormat.ITF,
    ],
  ],
  [DecodeHintType.ASSUME_GS1, true],
  [DecodeHintType.TRY_HARDER, true],
]);

/** Gives what the first code of a picture of the camera says, or "". */
export function reader(): (video: HTMLVideoElement) => Promise<string> {
  const readers: Reader[] = [new DataMatrixReader(), new QRCodeReader(), new MultiFormatOneDReader(HINTS)];
  const canvas = document.createElement("canvas");
  const paper = canvas.getContext("2d", { willReadFrequently: true });
  return async (video) => {
    const scale = Math.min(1, SIDE / Math.max(video.videoWidth, video.videoHeight, 1));
    canvas.width = Math.round(video.videoWidth * scale);
    canvas.height = Math.round(video.videoHeight * scale);
    if (!paper || !canvas.width || !canvas.height) return "";
    paper.drawImage(video, 0, 0, canvas.width, canvas.height);
    return read(readers, paper.getImageData(0, 0, canvas.width, canvas.height));
  };
}

function read(readers: Reader[], picture: ImageData): string {
  const { data, width, height } = picture;
  const grey = new Uint8ClampedArray(width * height);
  for (let n = 0; n < grey.length; n += 1) {
    const at = 4 * n;
    grey[n] = ((data[at] ?? 0) * 306 + (data[at + 1] ?? 0) * 601 + (data[at + 2] ?? 0) * 117) >> 10;
  }
  const bitmap = new BinaryBitmap(new HybridBinarizer(new RGBLuminanceSource(grey, width, height)));
  for (const one of readers) {
    try {
      return one.decode(bitmap, HINTS as Map<DecodeHintType, any>).getText();
    } catch {
      // There is none of this kind in the picture.
    }
  }
  return "";
}
