package app

import (
	"context"
	"time"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/callback"
	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/delivery"
	"github.com/tigertally/tigertally/internal/mail"
	"github.com/tigertally/tigertally/internal/sms"
)

// DaySpend is what a pool's messages of one day came to.
type DaySpend struct {
	Day   time.Time
	Spend []delivery.Spend
}

// Spent sums up the last days of a pool, today included, by days in UTC.
func (s *Store) Spent(ctx context.Context, poolID string, days int) ([]DaySpend, error) {
	if _, err := s.Pools.Get(ctx, poolID); err != nil {
		return nil, err
	}
	today := time.Now().UTC().Truncate(24 * time.Hour)
	var all []DaySpend
	for n := max(days, 1) - 1; n >= 0; n-- {
		day := today.AddDate(0, 0, -n)
		spend, err := s.Deliveries.Spent(ctx, poolID, day, day.AddDate(0, 0, 1))
		if err != nil {
			return nil, err
		}
		all = append(all, DaySpend{day, spend})
	}
	return all, nil
}

// CallbackAddress is where a driver's vendor reports deliveries.
type CallbackAddress struct{ Driver, URL string }

// CallbackAddresses lists the addresses of every driver whose vendor reports.
func (s *Store) CallbackAddresses() []CallbackAddress {
	names := append(sms.Reporting(), mail.SMTP)
	all := make([]CallbackAddress, len(names))
	for i, name := range names {
		all[i] = CallbackAddress{name, callback.Address(s.baseURL, s.Deliveries, name)}
	}
	return all
}

// Bounces says what is known of mail that came back from an address.
func (s *Store) Bounces(ctx context.Context, address string) (delivery.Bounce, error) {
	email, err := contact.Email(address)
	if err != nil {
		return delivery.Bounce{}, err
	}
	return s.Deliveries.BounceOf(ctx, email)
}

// ForgiveBounces lets mail go to an address again, and reports whether any had come back.
func (s *Store) ForgiveBounces(ctx context.Context, address string) (found bool, err error) {
	email, err := contact.Email(address)
	if err != nil {
		return false, err
	}
	err = s.recorded(ctx, audit.MailForgive, map[string]string{"to": contact.Mask(email)}, func(ctx context.Context) error {
		found, err = s.Deliveries.Forgive(ctx, email)
		return err
	})
	return found, err
}
