// The upstream simulator, which plays the vendors people sign in with.
export const upstreams = process.env.TIGERTALLY_UPSTREAMS;

// What the simulator has registered from the start.
export const miniProgram = 'wx0000000000000002';

let last = 0;

// oneTime is a fresh one-time code of somebody, as a vendor's app would hand it out.
export const oneTime = (kind, who) => `SIM-${kind}-${who}-${last += 1}`;

// approve and refuse press the buttons of a vendor's page.
export const approve = (who) => (page) => page.locator(`[name=sim_user][value=${who}]`).first().click();
export const refuse = (page) => page.locator('[name=sim_refuse]').click();
