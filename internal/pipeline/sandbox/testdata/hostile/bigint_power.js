function pipe(user, context, callback) {
  let n = 3n;
  for (;;) n = n ** 65537n;
}
