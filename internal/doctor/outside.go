package doctor

import "fmt"

// Vendor is somebody the server depends on, and whether it answered as it should.
type Vendor struct {
	Pool string // "" for one of the whole server
	Name string
	// Proven says that the credentials were accepted, which some vendors can be asked
	// without an effect; otherwise only that somebody answers.
	Proven bool
	// Untried says that this vendor cannot be asked without sending a message.
	Untried bool
	Err     error
}

func (v Vendor) params() []string {
	name := v.Name
	if v.Pool != "" {
		name = v.Pool + " / " + v.Name
	}
	params := []string{"name", name}
	if v.Err != nil {
		params = append(params, "reason", reason(v.Err))
	}
	return params
}

// CheckSMS judges the vendors of text messages.
func CheckSMS(all []Vendor, dev bool) []Finding {
	if len(all) == 0 {
		return []Finding{absent(dev, "sms_none")}
	}
	return judge("sms", all)
}

// CheckMail judges the mail servers.
func CheckMail(all []Vendor, dev bool) []Finding {
	if len(all) == 0 {
		return []Finding{absent(dev, "mail_none")}
	}
	return judge("mail", all)
}

// absent is what nobody has configured: in development messages go to the inbox.
func absent(dev bool, id string) Finding {
	if dev {
		return ok(id)
	}
	return warn(id)
}

// CheckProviders judges identity providers.
func CheckProviders(all []Vendor) []Finding { return judge("provider", all) }

func judge(kind string, all []Vendor) []Finding {
	var found []Finding
	for _, v := range all {
		switch {
		case v.Err != nil:
			found = append(found, fail(kind+"_failed", v.params()...))
		case v.Untried:
			found = append(found, ok(kind+"_untried", v.params()...))
		case v.Proven:
			found = append(found, ok(kind+"_proven", v.params()...))
		default:
			found = append(found, ok(kind+"_answers", v.params()...))
		}
	}
	return found
}

// Budget is how much of what a pool may send in a day is spent.
type Budget struct {
	Pool       string
	Sent, Most int
}

// CheckBudgets names the pools that will soon send nothing more.
func CheckBudgets(all []Budget) []Finding {
	var found []Finding
	for _, b := range all {
		params := []string{"pool", b.Pool, "sent", fmt.Sprint(b.Sent), "most", fmt.Sprint(b.Most)}
		switch {
		case b.Most > 0 && b.Sent >= b.Most:
			found = append(found, fail("budget_spent", params...))
		case b.Most > 0 && b.Sent*5 >= b.Most*4:
			found = append(found, warn("budget_nearly", params...))
		}
	}
	if found == nil {
		found = append(found, ok("budget_ok"))
	}
	return found
}

// Slack is a setting that is good for development only.
type Slack struct {
	ID    string // slack_open_clients, slack_local_pages, slack_limits_off, slack_captcha_off
	Where string // pool or application
}

// CheckSlack judges such settings in production.
func CheckSlack(all []Slack, simulated error, dev bool) []Finding {
	if dev {
		return nil // dev_server says it all
	}
	var found []Finding
	for _, s := range all {
		found = append(found, warn(s.ID, "where", s.Where))
	}
	if simulated != nil {
		found = append(found, fail("slack_simulated", "reason", reason(simulated)))
	}
	if found == nil {
		found = append(found, ok("slack_ok"))
	}
	return found
}

// CheckWebhooks names pools whose webhooks the server has switched off.
func CheckWebhooks(stopped map[string]int) []Finding {
	var found []Finding
	for pool, n := range stopped {
		found = append(found, warn("webhook_stopped", "pool", pool, "n", fmt.Sprint(n)))
	}
	return found
}
