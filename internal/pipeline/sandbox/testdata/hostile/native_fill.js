function pipe(user, context, callback) {
  Array.prototype.lastIndexOf.call(new Proxy([], {}), 1);
  Array.prototype.reverse.call({ length: Number.MAX_SAFE_INTEGER });
}
