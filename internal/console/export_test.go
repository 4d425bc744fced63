package console

// Page is a route as tests see it.
type Page struct {
	Method, Path string // below Prefix
	Open         bool   // reached without being signed in
}

// Pages lists every route.
func (c *Console) Pages() []Page {
	var all []Page
	for _, r := range c.routes() {
		all = append(all, Page{r.method, r.path, r.open})
	}
	return all
}
