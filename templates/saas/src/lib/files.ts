import { AppError } from './errors';

export const MAX_BYTES = 10 * 1024 * 1024;

/** Only types that a browser shows without running anything in them, and the bytes with which each begins. */
export const TYPES: Record<string, number[]> = {
  'image/png': [0x89, 0x50, 0x4e, 0x47],
  'image/jpeg': [0xff, 0xd8, 0xff],
  'image/webp': [0x52, 0x49, 0x46, 0x46],
  'image/gif': [0x47, 0x49, 0x46, 0x38],
  'application/pdf': [0x25, 0x50, 0x44, 0x46],
  'text/plain': [],
};

export type Received = { name: string; type: string; bytes: ArrayBuffer };

/** Where a file of a team stands in STORAGE. */
export const keyOf = (team: string, id: string): string => `teams/${team}/${id}`;

const plain = (value: string) => value.split(';')[0]!.trim().toLowerCase();

/** A file, which stands alone as the body or as the field "file" of a form. Its name is only ever shown. */
export async function received(request: Request, given: string): Promise<Received> {
  // The form around a file takes some hundred bytes more.
  if (Number(request.headers.get('content-length') ?? '0') > MAX_BYTES + 4096) throw new AppError(413, 'At most 10 MiB');
  const type = plain(request.headers.get('content-type') ?? '');
  if (type !== 'multipart/form-data') return { name: given, type, bytes: await request.arrayBuffer() };
  const form = await request.formData().catch(() => null);
  const file = form?.get('file');
  if (!(file instanceof File)) throw new AppError(400, 'The form has no file in its field "file"');
  return { name: given || file.name.slice(0, 200), type: plain(file.type), bytes: await file.arrayBuffer() };
}

export function checkFile({ type, bytes }: Received): void {
  const beginning = TYPES[type];
  if (!beginning) throw new AppError(400, `The content type must be one of ${Object.keys(TYPES).join(', ')}`);
  if (bytes.byteLength > MAX_BYTES) throw new AppError(413, 'At most 10 MiB');
  if (bytes.byteLength === 0) throw new AppError(400, 'The file is empty');
  const head = new Uint8Array(bytes, 0, Math.min(8, bytes.byteLength));
  if (!beginning.every((byte, i) => head[i] === byte)) throw new AppError(400, `The file is not ${type}`);
}
