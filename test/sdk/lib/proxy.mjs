// A proxy that lets the server do its work and then loses the answer, once.
import { createServer, request as send } from 'node:http';

export async function dropFirst(target, method, path) {
  let dropped = false;
  const server = createServer((incoming, outgoing) => {
    const upstream = send(new URL(incoming.url, target), { method: incoming.method, headers: incoming.headers }, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('end', () => {
        if (!dropped && incoming.method === method && incoming.url.startsWith(path)) {
          dropped = true;
          incoming.socket.destroy();
          return;
        }
        // A kept connection would let the browser repeat the request by itself.
        const { 'transfer-encoding': _, ...headers } = answer.headers;
        outgoing.writeHead(answer.statusCode, { ...headers, connection: 'close' });
        outgoing.end(Buffer.concat(parts));
      });
    });
    upstream.on('error', () => incoming.socket.destroy());
    incoming.pipe(upstream);
  });
  await new Promise((listening) => { server.listen(0, '127.0.0.1', listening); });
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    dropped: () => dropped,
    close: () => new Promise((closed) => { server.close(closed); server.closeAllConnections(); }),
  };
}
