/** The way in: a file that the user chose becomes a source of frames. Content decides what it is, not its name. */
import { failure } from "../problem.ts";
import { pictureFormat, unreadPictureFormat } from "./headers.ts";
import { openPicture } from "./pictures.ts";
import type { Source } from "./source.ts";

/** Open a picture or a video; a file that cannot be used is a problem. Videos' code is loaded when it is needed. */
export async function openSource(file: File): Promise<Source> {
  const head = await firstBytes(file);
  const format = pictureFormat(head);
  if (format !== null) return openPicture(file, format);
  const unread = unreadPictureFormat(head);
  if (unread !== null) {
    const sentence = `${file.name} is a ${unread} file: JPEG, PNG, WebP, BMP and GIF are read; export it as one of them.`;
    throw failure("picture_unread", sentence, { file: file.name, format: unread });
  }
  const { openVideo } = await import("./videos.ts");
  return openVideo(file);
}

async function firstBytes(file: File): Promise<Uint8Array> {
  if (file.size === 0) {
    const sentence = `${file.name} is empty (0 bytes): copy it again from where it came from.`;
    throw failure("empty_file", sentence, { file: file.name });
  }
  try {
    return new Uint8Array(await file.slice(0, 32).arrayBuffer());
  } catch {
    const sentence = `${file.name} cannot be read: it was moved, changed or deleted; choose it again.`;
    throw failure("file_gone", sentence, { file: file.name });
  }
}
