package console

import (
	"context"
	"net/http"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/manage"
)

// deliveryRoutes are the pages about messages that were sent, and about test numbers.
func (c *Console) deliveryRoutes(base string) []route {
	return []route{
		{method: http.MethodGet, path: base + "/deliveries", ops: []manage.Op{manage.DeliveryList, manage.SuppressionList}, handle: showDeliveries},
		{method: http.MethodPost, path: base + "/deliveries", ops: []manage.Op{manage.SuppressionForgive}, handle: forgive},
		{method: http.MethodGet, path: base + "/deliveries/{id}", ops: []manage.Op{manage.DeliveryGet}, handle: showDelivery},
		{method: http.MethodGet, path: base + "/numbers", ops: []manage.Op{manage.TestNumberList}, handle: showNumbers},
		{method: http.MethodPost, path: base + "/numbers", ops: []manage.Op{manage.TestNumberPut, manage.TestNumberRemove}, handle: changeNumber},
	}
}

func showDeliveries(ctx context.Context, p *page) error {
	q := p.r.URL.Query()
	in := api.DeliveryQuery{
		PoolRef: p.poolRef(), Page: api.Page{Cursor: q.Get("cursor")},
		To: q.Get("to"), Channel: q.Get("channel"), Status: q.Get("status"), Since: q.Get("since"), Until: q.Get("until"),
	}
	list, err := p.c.Manage.MessageDeliveries(ctx, p.who, in)
	if err != nil {
		if err := p.refuse(err); err != nil {
			return err
		}
	}
	blocked, err := p.c.Manage.Suppressions(ctx, p.who, api.SuppressionQuery{PoolRef: p.poolRef()})
	if err != nil {
		return err
	}
	return p.show(ctx, "message_deliveries", deliveriesPage(p, in, list, blocked))
}

func forgive(ctx context.Context, p *page) error {
	_, err := p.c.Manage.ForgiveSuppression(ctx, p.who, api.SuppressionRef{PoolRef: p.poolRef(), ID: p.r.PostFormValue("id")})
	if err != nil {
		if err := p.refuse(err); err != nil {
			return err
		}
		return showDeliveries(ctx, p)
	}
	return p.done(p.link("messages", "deliveries")+"#blocked", "message_forgiven")
}

func showDelivery(ctx context.Context, p *page) error {
	d, err := p.c.Manage.MessageDelivery(ctx, p.who, api.DeliveryRef{PoolRef: p.poolRef(), ID: p.r.PathValue("id")})
	if err != nil {
		return err
	}
	return p.show(ctx, "message_one", deliveryPage(p, d))
}

func showNumbers(ctx context.Context, p *page) error { return p.numbersPage(ctx, api.TestNumberPut{}) }

func (p *page) numbersPage(ctx context.Context, typed api.TestNumberPut) error {
	list, err := p.c.Manage.TestNumbers(ctx, p.who, p.poolRef())
	if err != nil {
		return err
	}
	return p.show(ctx, "message_numbers", numbersPage(p, list.Items, typed))
}

func changeNumber(ctx context.Context, p *page) error {
	f := p.r.PostForm
	in := api.TestNumberPut{
		TestNumberRef: api.TestNumberRef{PoolRef: p.poolRef(), Number: f.Get("number")}, Code: f.Get("code"), Until: f.Get("until"),
	}
	var err error
	if f.Get("do") == "remove" {
		_, err = p.c.Manage.RemoveTestNumber(ctx, p.who, in.TestNumberRef)
		in = api.TestNumberPut{}
	} else {
		_, err = p.c.Manage.PutTestNumber(ctx, p.who, in)
	}
	if err != nil {
		if err := p.refuse(err); err != nil {
			return err
		}
		return p.numbersPage(ctx, in)
	}
	return p.done(p.link("messages", "numbers"), "saved")
}
