// The control API of `tigertally upsim`. TIGERTALLY_UPSIM is what the command printed, as JSON.
export const upsim = JSON.parse(process.env.TIGERTALLY_UPSIM ?? '{}');

async function control(method, path, body) {
  const response = await fetch(`${upsim.control}${path}`, {
    method, headers: { authorization: `Bearer ${upsim['control.token']}` }, body: body && JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(`${method} ${path}: ${JSON.stringify(answer)}`);
  return answer;
}

// register makes an account with a vendor, as one does in its console.
export const register = (path, account) => control('PUT', `/apps/${path}`, account);

let read = 0;

// sms waits for the next text message to a number; each is read once.
export async function sms(to) {
  const message = await control('GET', `/wait?inbox=sms&to=${encodeURIComponent(to)}&since=${read}&timeout=10s`);
  if (!message) throw new Error(`no text message for ${to}`);
  read = message.id;
  return message;
}
