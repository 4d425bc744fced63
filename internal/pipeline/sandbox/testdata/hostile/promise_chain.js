function pipe(user, context, callback) {
  const again = () => Promise.resolve().then(again);
  return again();
}
