// The SDKs under test; SDK picks one.
export const sdks = [
  { name: 'cb2', major: 2, label: 'js-sdk 2.32.0' },
  { name: 'cb3', major: 3, label: 'js-sdk 3.7.0' },
].filter((sdk) => !process.env.SDK || sdk.name === process.env.SDK);
