// The network, as tests see it: whatever is sent is kept, and answered by the test.
// Some SDKs take fetch when they are imported, so this is imported before them.
export type Sent = { url: string; method: string; headers: Headers; body: string };
type Answer = (sent: Sent) => unknown;

const refuse: Answer = (sent) => {
  throw new Error(`a test asks ${sent.url}`);
};

let answer = refuse;
let all: Sent[] = [];

async function textOf(request: Request): Promise<string> {
  const bytes = new Uint8Array(await request.arrayBuffer());
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return new TextDecoder().decode(bytes);
  return new Response(new Response(bytes).body!.pipeThrough(new DecompressionStream('gzip'))).text();
}

globalThis.fetch = async (input, init) => {
  const request = new Request(input as RequestInfo, init as RequestInit);
  const sent = { url: request.url, method: request.method, headers: request.headers, body: await textOf(request) };
  all.push(sent);
  const given = answer(sent);
  return given instanceof Response ? given : Response.json(given);
};

/** Puts an answer in the network's place until the test ends, and gives what is sent there. */
export function network(by: Answer): Sent[] {
  answer = by;
  return (all = []);
}

/** Nothing of a test reaches the network. */
export const noNetwork = () => network(refuse);
