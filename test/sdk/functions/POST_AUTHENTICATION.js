// Keeps what the app said about a sign-in with the person.
async function pipe(user, context, callback) {
  const said = context.request.body.context;
  if (said && said.k) user.addCustomData('k', String(said.k));
  return callback(null, user, context);
}
