// Nobody of one company.
async function pipe(user, context, callback) {
  if (user.email && user.email.endsWith('@evil.com')) {
    return callback(new Error('Access denied'));
  }
  return callback(null, user, context);
}
