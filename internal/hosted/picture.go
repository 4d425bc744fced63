package hosted

import "context"

// draw adds a picture to solve to the page.
func (p *Protocol) draw(ctx context.Context, v *visit) error {
	c := v.pending.Client
	challenge, err := p.Captchas.Challenge(ctx, c.Pool, c.ID, "signin")
	if err != nil {
		return err
	}
	v.challenge, v.picture = challenge.Token, challenge.DataURI
	return nil
}

// solve exchanges what was read in a picture for a captcha token.
func (p *Protocol) solve(ctx context.Context, v *visit, f fields) error {
	if f.raw("challenge") == "" {
		return nil
	}
	c := v.pending.Client
	token, _, err := p.Captchas.Answer(ctx, c.Pool, c.ID, f.raw("challenge"), f.get("captcha"))
	if err != nil {
		return err
	}
	v.solved = token
	return nil
}
