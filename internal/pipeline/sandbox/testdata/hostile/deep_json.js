function pipe(user, context, callback) {
  let a = {};
  const top = a;
  for (let i = 0; i < 1e5; i++) a = a.x = {};
  return callback(null, user, top);
}
