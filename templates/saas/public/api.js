// The API, as whoever is signed in.
let tokenOf = async () => '';

/** From now on requests carry the token that this gives. */
export const signedInBy = (give) => (tokenOf = give);

export async function request(method, path, body, headers = {}) {
  const token = await tokenOf();
  const raw = body instanceof Blob;
  const response = await fetch(`/api/v1${path}`, {
    method,
    headers: {
      ...(token ? { authorization: `Bearer ${token}` } : {}),
      ...(body === undefined || raw ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    body: body === undefined || raw ? body : JSON.stringify(body),
  });
  if (response.ok) return response;
  const failure = await response.json().catch(() => ({}));
  const text = response.status < 500 && failure.error ? failure.error : 'That did not work; please try again in a minute';
  throw Object.assign(new Error(text), { status: response.status });
}

/** What was answered: a page of items as it is, anything else without its wrapping. */
export async function call(method, path, body) {
  const response = await request(method, path, body);
  if (response.status === 204 || response.headers.get('content-length') === '0') return undefined;
  const text = await response.text();
  const answer = text ? JSON.parse(text) : {};
  return 'hasMore' in answer ? answer : answer.data;
}
