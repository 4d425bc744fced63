async function pipe(user, context, callback) {
  user.addIdToken('a', 1);
  return callback(null, user, context);
}
